import { AppError } from '../errors.ts'
import { boundedMap } from './bounded-map.ts'

/** Buckets that one process remembers; a forgotten one is full again. */
const MAX_BUCKETS = 100_000

/** Rate of a token bucket: `perSecond` times a second, and `burst` times at once after a pause. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** Lets one thing happen at a rate. */
export class TokenBucket {
  readonly #rate: Rate
  #tokens: number
  #filledAt = performance.now()

  constructor(rate: Rate) {
    this.#rate = rate
    this.#tokens = rate.burst
  }

  /** Takes one. @returns 0, or the time until there is one again, ms */
  take(): number {
    const { perSecond, burst } = this.#rate
    const now = performance.now()
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) * perSecond) / 1_000)
    this.#filledAt = now
    if (this.#tokens < 1) return Math.ceil(((1 - this.#tokens) * 1_000) / perSecond)
    this.#tokens -= 1
    return 0
  }

  /** Puts back one that was taken and turned out not to count. */
  giveBack(): void {
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + 1)
  }
}

/** Lets each key do something at a rate. */
export class TokenBuckets {
  readonly #rate: Rate
  readonly #buckets = boundedMap<TokenBucket>(MAX_BUCKETS)

  constructor(rate: Rate) {
    this.#rate = rate
  }

  /** Takes one. @throws {AppError} `rate_limited`, with the time until there is one again */
  take(key: string, message: string): void {
    let bucket = this.#buckets.get(key)
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#rate)
      this.#buckets.set(key, bucket)
    }
    const retryAfterMs = bucket.take()
    if (retryAfterMs > 0) throw new AppError('rate_limited', message, { retryAfterMs })
  }

  /** Puts back one that was taken and turned out not to count. */
  giveBack(key: string): void {
    this.#buckets.get(key)?.giveBack()
  }
}
