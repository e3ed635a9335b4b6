import { MongoServerError } from 'mongodb'

const DUPLICATE_KEY = 11_000

/** Whether a unique index refused the write: somebody else was first. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY
}
