import { AppError } from '../errors.ts'

/** Buckets that one process remembers; who has been idle longest is forgotten first, and then has a full one. */
const MAX_BUCKETS = 100_000

/** Lets each key do something `perSecond` times a second, and `burst` times at once after a pause. */
export class TokenBuckets {
  readonly #perMs: number
  readonly #burst: number
  readonly #buckets = new Map<string, { tokens: number; at: number }>()

  constructor(perSecond: number, burst: number) {
    this.#perMs = perSecond / 1_000
    this.#burst = burst
  }

  /** Takes one. @throws {AppError} `rate_limited`, with the time until there is one again */
  take(key: string, message: string): void {
    const now = performance.now()
    const last = this.#buckets.get(key)
    const tokens = last === undefined ? this.#burst : Math.min(this.#burst, last.tokens + (now - last.at) * this.#perMs)
    if (tokens < 1) {
      throw new AppError('rate_limited', message, { retryAfterMs: Math.ceil((1 - tokens) / this.#perMs) })
    }
    this.#buckets.delete(key)
    this.#buckets.set(key, { tokens: tokens - 1, at: now })
    if (this.#buckets.size > MAX_BUCKETS) this.#forgetOldest()
  }

  #forgetOldest(): void {
    for (const key of this.#buckets.keys()) {
      this.#buckets.delete(key)
      return
    }
  }
}
