import { isDeepStrictEqual } from 'node:util'
import type { Db, IndexDescription, IndexDescriptionInfo } from 'mongodb'

const OPTIONS = ['unique', 'partialFilterExpression', 'expireAfterSeconds', 'sparse', 'collation'] as const

/**
 * Creates the collections and indexes that are missing, all at once. Where none is, it only looks.
 * @param declared indexes by collection
 * @throws {MongoServerError} when an index has the name of one declared, and is another
 */
export async function ensureIndexes(db: Db, declared: Readonly<Record<string, IndexDescription[]>>): Promise<void> {
  const collections = await db.listCollections({}, { nameOnly: true }).toArray()
  const names = new Set(collections.map(({ name }) => name))
  await Promise.all(
    Object.entries(declared).map(async ([name, indexes]) => {
      const collection = db.collection(name)
      const found = names.has(name) ? await collection.listIndexes().toArray() : []
      const isComplete = indexes.every(index => found.some(it => isSame(it, index)))
      if (!isComplete) await collection.createIndexes(indexes)
    })
  )
}

function isSame(found: IndexDescriptionInfo, declared: IndexDescription): boolean {
  if (JSON.stringify(found.key) !== JSON.stringify(declared.key)) return false
  return OPTIONS.every(option => isDeepStrictEqual(found[option], declared[option]))
}
