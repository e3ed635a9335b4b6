import { AppError } from '../errors.ts'
import type { Gate } from '../limits/gate.ts'

/** People whose membership one change touches; more of them are several changes, between which messages go on. */
export const SLICE = 100
/** Memberships up to which a change takes no turn. */
const SMALL = 10

/** Runs a change of memberships: a large one when it is its turn. @throws {AppError} `busy` when too many wait */
export async function inTurn<T>(largeChanges: Gate, memberships: number, change: () => Promise<T>): Promise<T> {
  return memberships > SMALL ? await largeChanges.run(change) : await change()
}

/**
 * Makes a change part by part, until the last one.
 * @param part told how many are done
 * @throws {AppError} what the first part throws; `unknown_outcome` when a later one fails
 */
export async function inParts<T>(part: (done: number) => Promise<{ landed: T; isLast: boolean }>): Promise<T> {
  for (let done = 0; ; done++) {
    try {
      const { landed, isLast } = await part(done)
      if (isLast) return landed
    } catch (cause) {
      if (done === 0) throw cause
      throw new AppError('unknown_outcome', 'Only a part is done; repeat it', { cause, retryAfterMs: 1_000 })
    }
  }
}
