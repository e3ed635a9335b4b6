import type { Collections, Database } from '../database/index.ts'
import { AccountStore } from './store.ts'

/** The collections of people's own streams. */
export const streamCollections: Collections = AccountStore.indexes

export function createStreamStores({ client, db }: Database) {
  return { accounts: new AccountStore(client, db) }
}
