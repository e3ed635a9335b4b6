import { randomUUID } from 'node:crypto'
import { type Db, type IndexDescription, MongoClient } from 'mongodb'
import type { Config } from '../config/config.ts'
import { ensureIndexes } from './indexes.ts'
import { type Migrations, migrate } from './migrations.ts'
import { PoolCounts } from './pool-counts.ts'

export type { ClientSession } from 'mongodb'
export type { Migrations } from './migrations.ts'
export { ObjectId } from './object-id.ts'
export type { PoolCounts } from './pool-counts.ts'

/** Indexes by the name of their collection, as each subject declares them. */
export type Collections = Readonly<Record<string, IndexDescription[]>>

/** The connection to the database. Collections are reached through the stores of the subjects. */
export interface Database {
  readonly client: MongoClient
  readonly db: Db
  /** Changes when the data was restored from a backup: every client's cursors are void then. */
  readonly epoch: string
  readonly pool: PoolCounts
  /** The database's own clock. */
  now(): Promise<Date>
  /** Proves that a write commits with a majority. Rejects when it does not within the time, ms. */
  probe(timeoutMs: number): Promise<void>
  close(): Promise<void>
}

interface MetaDoc {
  _id: string
  epoch?: string
  /** Names of the migrations that were made; a new database has all. */
  migrations?: string[]
  at?: Date
}

type DatabaseConfig = Pick<Config, 'MONGODB_POOL_SIZE'> & { readonly MONGODB_URI: string }

/** Opens the database of a connection, creates the indexes that are missing, and brings older data up to date. */
export async function openDatabase(
  client: MongoClient,
  collections: Collections,
  migrations: Migrations
): Promise<Database> {
  const pool = new PoolCounts(client)
  const db = client.db()
  const open = async () => {
    const [meta] = await Promise.all([readMeta(db, Object.keys(migrations)), ensureIndexes(db, collections)])
    await migrate(db, migrations, meta.migrations)
    return meta.epoch
  }
  const epoch = await open().catch(async (error: unknown) => {
    await client.close()
    throw error
  })
  const meta = db.collection<MetaDoc>('meta')
  return {
    client,
    db,
    epoch,
    pool,
    now: async () => (await db.admin().command({ hello: 1 }))['localTime'] as Date,
    probe: async timeoutMS => {
      await meta.updateOne({ _id: 'probe' }, { $currentDate: { at: true } }, { upsert: true, timeoutMS })
    },
    close: async () => await client.close()
  }
}

/**
 * Connects to a server that can do all that is needed.
 * @throws {Error} that says what to do, when it is not part of a replica set
 */
export async function connect({ MONGODB_URI, MONGODB_POOL_SIZE }: DatabaseConfig): Promise<MongoClient> {
  const client = new MongoClient(MONGODB_URI, {
    appName: 'parley',
    maxPoolSize: MONGODB_POOL_SIZE,
    serverSelectionTimeoutMS: 5_000,
    writeConcern: { w: 'majority', j: true },
    readConcern: { level: 'majority' },
    retryWrites: true,
    ignoreUndefined: false
  })
  await client.connect()
  const hello = await client.db().admin().command({ hello: 1 })
  if (hello['setName'] === undefined && hello['msg'] !== 'isdbgrid') {
    await client.close()
    throw new Error(
      'MONGODB_URI: this MongoDB is a stand-alone server, but Parley needs transactions. Start mongod with --replSet rs0 and run rs.initiate() once'
    )
  }
  return client
}

/** @param all names of all migrations: a new database needs none of them */
async function readMeta(db: Db, all: string[]): Promise<{ epoch: string; migrations: string[] }> {
  const collection = db.collection<MetaDoc>('meta')
  const known =
    (await collection.findOne({ _id: 'epoch' })) ??
    (await collection.findOneAndUpdate(
      { _id: 'epoch' },
      { $setOnInsert: { epoch: randomUUID(), migrations: all } },
      { upsert: true, returnDocument: 'after' }
    ))
  return { epoch: known?.epoch ?? '', migrations: known?.migrations ?? [] }
}
