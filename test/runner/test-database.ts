import { mkdir, mkdtemp, rm, statfs } from 'node:fs/promises'
import { freemem, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Db, MongoClient } from 'mongodb'
import { startEmbedded } from '../../src/database/embedded/embedded.ts'

/** Files in memory, on Linux. The database writes some GB, and what it writes need not outlive the tests. */
const MEMORY = '/dev/shm'
const MEMORY_BYTES = 6 * 2 ** 30
/** Collection that the database keeps while it is profiled. */
const PROFILE = 'system.profile'

/** The database that all test files share, each with databases of its own in it. */
export interface TestDatabase {
  readonly env: NodeJS.ProcessEnv
  /** Takes everything out of a database but its collections and indexes. */
  empty(name: string): Promise<void>
  close(): Promise<void>
}

/** Starts it, unless `MONGODB_URI` names one. @throws {Error} that says what to do */
export async function openTestDatabase(): Promise<TestDatabase> {
  const { env, stop } = await startOrFind()
  const client = new MongoClient(env['TEST_MONGODB_URI'] ?? '')
  return {
    env,
    empty: async name => await empty(client, name),
    close: async () => {
      await client.close()
      await stop()
    }
  }
}

async function startOrFind(): Promise<{ env: NodeJS.ProcessEnv; stop(): Promise<void> }> {
  const given = process.env['MONGODB_URI']
  if (given) return { env: { TEST_MONGODB_URI: given }, stop: async () => undefined }
  const folder = await quickFolder()
  const dataDir = await mkdtemp(join(folder, 'parley-test-'))
  const temporary = join(dataDir, 'tmp')
  await mkdir(temporary)
  const log = { info: () => undefined, warn: console.warn, error: console.error }
  // Tests see what expires within seconds, not after the server's minute.
  const args = ['--setParameter', 'ttlMonitorSleepSecs=1']
  const { uri, binary, stop } = await startEmbedded({ dataDir, binary: process.env['MONGOD_BINARY'], log, args })
  return {
    // The databases of some tests are there too.
    env: { TEST_MONGODB_URI: uri, MONGOD_BINARY: binary, TMPDIR: temporary },
    stop: async () => {
      await stop()
      await rm(dataDir, { recursive: true, force: true })
    }
  }
}

/** Folder for files that need not last: in memory where there is much of it. */
async function quickFolder(): Promise<string> {
  const room = await statfs(MEMORY).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0
  )
  return Math.min(room, freemem()) >= MEMORY_BYTES ? MEMORY : tmpdir()
}

async function empty(client: MongoClient, name: string): Promise<void> {
  const db = client.db(name)
  const collections = await db.listCollections({}, { nameOnly: true }).toArray()
  const names = collections.map(it => it.name)
  if (names.includes(PROFILE)) {
    await db.command({ profile: 0 })
    await db.dropCollection(PROFILE)
  }
  const used = await usedOf(
    db,
    names.filter(it => it !== PROFILE)
  )
  await Promise.all(used.map(async it => await db.collection(it).deleteMany()))
}

/** The collections that hold something, asked at once. */
async function usedOf(db: Db, [first, ...others]: readonly string[]): Promise<string[]> {
  if (first === undefined) return []
  const look = (name: string) => [{ $limit: 1 }, { $project: { _id: 0, name: { $literal: name } } }]
  const rest = others.map(coll => ({ $unionWith: { coll, pipeline: look(coll) } }))
  const found = await db
    .collection(first)
    .aggregate<{ name: string }>([...look(first), ...rest])
    .toArray()
  return found.map(({ name }) => name)
}
