import type { Limits } from '../../protocol/limits.ts'
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

/** Bytes of an answer that weigh one. */
const ANSWER_BYTES = 16_384

/** Budget of each person on this server, over all their connections and requests, whatever the face. */
export class Budgets {
  readonly #buckets: TokenBuckets

  constructor({ commandsPerSecond: perSecond, commandsBurst: burst }: Limits) {
    this.#buckets = new TokenBuckets({ perSecond, burst })
  }

  /**
   * Spends one for a request or a command, or what something weighs beyond that.
   * @param userId 24 hexadecimal digits
   * @throws {AppError} `rate_limited`, with the time until there is enough again
   */
  spend(userId: string, weight = 1): void {
    this.#buckets.take(userId, 'Too much at once', weight)
  }

  /** Counts an answer that has been given, by its size: after large ones the next are waited for. */
  chargeAnswer(userId: string, bytes: number): void {
    if (bytes >= ANSWER_BYTES) this.#buckets.charge(userId, Math.floor(bytes / ANSWER_BYTES))
  }
}
