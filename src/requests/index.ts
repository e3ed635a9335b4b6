import type { Collections, Database } from '../database/index.ts'
import { RequestService } from './requests.ts'
import { RequestStore } from './store.ts'
import { createRequestItems } from './user-items.ts'

/** The collection of requests. */
export const requestCollections: Collections = { requests: RequestStore.indexes }

export function createRequestStores({ db }: Database) {
  return { requests: new RequestStore(db) }
}

/** Asking to talk or to be friends. */
export function createRequests(deps: ConstructorParameters<typeof RequestService>[0]) {
  const requests = new RequestService(deps)
  return { requests, requestItems: createRequestItems(requests) }
}
