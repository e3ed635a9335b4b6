import { setTimeout as delay } from 'node:timers/promises'
import { type ClientSession, MongoError, MongoServerError } from 'mongodb'
import { refusalFor, unknownOutcome } from '../../database/availability.ts'

/** Time an outcome that the network hid is looked for, ms. */
const OUTCOME_MS = 20_000
const WRITE_CONFLICT = 112

/** Commits, asking again for as long as the answer is lost on the way: the database remembers what it did. */
export async function commitForSure(session: ClientSession): Promise<void> {
  const until = performance.now() + OUTCOME_MS
  for (;;) {
    try {
      return await session.commitTransaction()
    } catch (error) {
      if (isFinal(error)) throw error
      if (performance.now() > until) throw unknownOutcome(error)
      await delay(100)
    }
  }
}

/** Only the database's own word says that nothing was committed; that it cannot be reached says nothing. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof MongoError)) return true
  return error instanceof MongoServerError && !error.hasErrorLabel('UnknownTransactionCommitResult')
}

/** Whether the attempt surely had no effect and another may have one. */
export function isTransient(error: unknown): boolean {
  return error instanceof MongoError && error.hasErrorLabel('TransientTransactionError')
}

/** Whether somebody else's open transaction is in the way. */
export function isWriteConflict(error: unknown): boolean {
  return isTransient(error) && (error as MongoError).code === WRITE_CONFLICT
}

/** Convert an error that is not tried again to the one that callers get. */
export function asRefusal(error: unknown): unknown {
  return error instanceof MongoError ? refusalFor(error) : error
}
