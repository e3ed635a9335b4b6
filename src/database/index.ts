import { randomUUID } from 'node:crypto'
import type { Db, IndexDescription, MongoClient } from 'mongodb'
import { Availability } from './availability.ts'
import { DatabaseClock } from './clock.ts'
import { ensureIndexes } from './indexes.ts'
import { type Migrations, migrate } from './migrations.ts'
import { PoolCounts } from './pool-counts.ts'

export type { ClientSession } from 'mongodb'
export type { DatabaseClock } from './clock.ts'
export { connect } from './connecting.ts'
export type { Migrations } from './migrations.ts'
export { ObjectId } from './object-id.ts'
export type { PoolCounts } from './pool-counts.ts'

/** Indexes by the name of their collection, as each subject declares them. */
export type Collections = Readonly<Record<string, IndexDescription[]>>

/** The connection to the database. Collections are reached through the stores of the subjects. */
export interface Database {
  readonly client: MongoClient
  readonly db: Db
  /** Name of the data; it is renewed when they were restored from a backup, and every client's cursors are void then. */
  readonly epoch: string
  readonly clock: DatabaseClock
  readonly pool: PoolCounts
  readonly availability: Availability
  /** Gives the data a new epoch, which servers name from their next start on. */
  renewEpoch(): Promise<string>
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
  const availability = new Availability(client)
  const epoch = await open().catch(async (error: unknown) => {
    await client.close()
    throw error
  })
  const meta = db.collection<MetaDoc>('meta')
  const clock = new DatabaseClock(async () => (await db.admin().command({ hello: 1 }))['localTime'] as Date)
  await clock.read()
  return {
    client,
    db,
    epoch,
    clock,
    pool,
    availability,
    renewEpoch: async () => {
      const renewed = randomUUID()
      await meta.updateOne({ _id: 'epoch' }, { $set: { epoch: renewed } })
      return renewed
    },
    probe: async timeoutMS => {
      availability.requireNow()
      await meta.updateOne({ _id: 'probe' }, { $currentDate: { at: true } }, { upsert: true, timeoutMS })
    },
    close: async () => {
      availability.stop()
      await client.close()
    }
  }
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
