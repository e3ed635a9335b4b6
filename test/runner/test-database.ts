import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { startEmbedded } from '../../src/database/embedded/embedded.ts'

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
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-test-'))
  const log = { info: () => undefined, warn: console.warn, error: console.error }
  // Tests see what expires within seconds, not after the server's minute.
  const args = ['--setParameter', 'ttlMonitorSleepSecs=1']
  const { uri, binary, stop } = await startEmbedded({ dataDir, binary: process.env['MONGOD_BINARY'], log, args })
  return {
    env: { TEST_MONGODB_URI: uri, MONGOD_BINARY: binary },
    stop: async () => {
      await stop()
      await rm(dataDir, { recursive: true, force: true })
    }
  }
}

async function empty(client: MongoClient, name: string): Promise<void> {
  const db = client.db(name)
  await db.command({ profile: 0 })
  const collections = await db.collections()
  await Promise.all(
    collections.map(async collection => {
      if (collection.collectionName.startsWith('system.')) await collection.drop()
      else await collection.deleteMany()
    })
  )
}
