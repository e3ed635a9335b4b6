import type { Actor } from '../actor.ts'
import { AppError } from '../errors.ts'
import { FairGate } from '../limits/fair-gate.ts'

/** People whose membership one change touches; more of them are several changes, between which messages go on. */
export const SLICE = 100
/** Memberships up to which a change takes no turn. */
const SMALL = 10
/** Large changes that wait, of all and of one person. */
const MAX_WAITING = 1_000
const MAX_WAITING_OF_ONE = 50

/** Line of the large changes of memberships: one after the other, and people take turns. */
export class LargeChanges {
  readonly #gate = new FairGate({ width: 1, maxWaiting: MAX_WAITING, maxWaitingEach: MAX_WAITING_OF_ONE })

  /** Runs a change: a large one when it is its turn. @throws {AppError} `busy` when too many wait */
  async run<T>({ userId: party }: Actor, memberships: number, change: () => Promise<T>): Promise<T> {
    if (memberships <= SMALL) return await change()
    return await this.#gate.run({ party }, change)
  }
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
