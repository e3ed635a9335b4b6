import { randomBytes } from 'node:crypto'
import { MongoClient } from 'mongodb'
import type { Test } from 'tap'
import type { Emptying } from '../runner/protocol.ts'

/** Emptied, with the collections and indexes that a server has made there. */
const free: string[] = []
process.on('message', message => {
  const { empty } = message as Partial<Emptying>
  if (empty !== undefined) free.push(empty)
})

/** The name of an empty database, used before or new. */
export function takeDatabase(): string {
  return free.pop() ?? `test_${randomBytes(8).toString('hex')}`
}

/** Gives it back. Nobody may be using it any more. */
export function giveBackDatabase(name: string): void {
  process.send?.({ empty: name } satisfies Emptying)
}

/** A client of the database that belongs to the test and not to the server. */
export async function openDatabase(t: Test, uri: string): Promise<MongoClient> {
  const client = new MongoClient(uri, { readConcern: { level: 'majority' }, readPreference: 'primary' })
  t.teardown(async () => await client.close())
  return await client.connect()
}
