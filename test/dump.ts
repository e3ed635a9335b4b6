import { BSON, type Document, MongoClient } from 'mongodb'
import type { Test } from 'tap'

/** What changes by itself, or by merely being there. */
const VOLATILE: Record<string, readonly string[]> = { users: ['lastSeenAt'], sessions: ['lastSeenAt', 'reached'] }

/** A client of the database that belongs to the test and not to the server. */
export async function openDatabase(t: Test, uri: string): Promise<MongoClient> {
  const client = new MongoClient(uri, { readConcern: { level: 'majority' }, readPreference: 'primary' })
  t.teardown(async () => await client.close())
  return await client.connect()
}

/** Everything that the database holds, as lines of text that can be compared. */
export async function dump(client: MongoClient): Promise<string[]> {
  const collections = (await client.db().collections()).filter(
    ({ collectionName: name }) => !/^(meta$|work$|system\.)/.test(name)
  )
  const lines = await Promise.all(
    collections.map(async collection => {
      const documents = await collection.find().toArray()
      return documents.map(
        it => `${collection.collectionName} ${BSON.EJSON.stringify(lasting(collection.collectionName, it))}`
      )
    })
  )
  return lines.flat().sort()
}

function lasting(collection: string, document: Document): Document {
  const names = VOLATILE[collection] ?? []
  return Object.fromEntries(Object.entries(document).filter(([name]) => !names.includes(name)))
}
