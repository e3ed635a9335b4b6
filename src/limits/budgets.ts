import type { Limits } from '../../protocol/limits.ts'
import type { Actor } from '../actor.ts'
import { TokenBuckets } from './token-buckets.ts'

/** Weights of what costs more than other requests and commands, each of which weighs one. */
export const WEIGHT = {
  /** A page of history. */
  page: 3,
  /** A page of changes: who comes back asks for many. */
  pull: 1,
  /** A list of conversations or people, or a search for them. */
  list: 9,
  /** A change of a group: who is in it, and what it is. */
  group: 19
} as const

const TOO_MUCH = 'Too much at once'
/** Bytes of an answer that weigh one. */
const ANSWER_BYTES = 16_384

/** Budget of each person on this server, over all their connections and requests, whatever the face. */
export class Budgets {
  readonly #buckets: TokenBuckets

  constructor({ commandsPerSecond: perSecond, commandsBurst: burst }: Limits) {
    this.#buckets = new TokenBuckets({ perSecond, burst })
  }

  /**
   * Spends one for a request or a command, and a refusal keeps a turn; or what something weighs beyond that.
   * @throws {AppError} `rate_limited`, with the time after which to come back
   */
  spend(actor: Pick<Actor, 'userId' | 'sessionId'>, weight = 0): void {
    if (weight === 0) this.#buckets.takeInTurn(actor, TOO_MUCH)
    // Who comes back spends the one for the command again.
    else this.#buckets.takeOrSpread(actor.userId, TOO_MUCH, { amount: weight, next: weight + 1 })
  }

  /** Spends one for what is not repeated. @throws {AppError} `rate_limited`, and no turn is kept */
  spendOnce({ userId }: Pick<Actor, 'userId'>): void {
    this.#buckets.take(userId, TOO_MUCH)
  }

  /** Counts an answer that has been given, by its size: after large ones the next are waited for. */
  chargeAnswer(userId: string, bytes: number): void {
    if (bytes >= ANSWER_BYTES) this.#buckets.charge(userId, Math.floor(bytes / ANSWER_BYTES))
  }
}
