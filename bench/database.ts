import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { startEmbedded } from '../src/database/embedded/embedded.ts'

/** The one `mongod` that all sides of a run share. */
export interface BenchDatabase {
  /** 0 when it is not known: then its CPU time counts as none. */
  readonly pid: number
  readonly version: string
  /** The connection string of a database of the given name. */
  uri(name: string): string
  drop(name: string): Promise<void>
  stop(): Promise<void>
}

/** Uses `MONGODB_URI` (whose process is `BENCH_MONGOD_PID`), else starts a `mongod` of its own under `.data`. */
export async function openDatabase(env: NodeJS.ProcessEnv): Promise<BenchDatabase> {
  const { MONGODB_URI, BENCH_MONGOD_PID, MONGOD_BINARY } = env
  if (MONGODB_URI) return await describe(MONGODB_URI, Number(BENCH_MONGOD_PID ?? 0), async () => {})
  await mkdir('.data', { recursive: true })
  const dataDir = await mkdtemp(join('.data', 'bench-'))
  const silent = () => {}
  const log = { info: silent, warn: report, error: report }
  const embedded = await startEmbedded({ dataDir, binary: MONGOD_BINARY, log })
  return await describe(embedded.uri, embedded.pid, async () => {
    await embedded.stop()
    await rm(dataDir, { recursive: true, force: true })
  })
}

function report(details: object, message: string): void {
  process.stderr.write(`${message} ${JSON.stringify(details)}\n`)
}

async function describe(base: string, pid: number, stop: () => Promise<void>): Promise<BenchDatabase> {
  const client = await MongoClient.connect(base)
  const { version } = (await client.db('admin').command({ buildInfo: 1 })) as { version: string }
  return {
    pid,
    version,
    uri: name => {
      const url = new URL(base)
      url.pathname = `/${name}`
      return url.href
    },
    drop: async name => {
      await client.db(name).dropDatabase()
    },
    stop: async () => {
      await client.close()
      await stop()
    }
  }
}
