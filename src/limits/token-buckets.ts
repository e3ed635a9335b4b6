import { AppError } from '../errors.ts'
import { boundedMap } from './bounded-map.ts'

/** Buckets that one process remembers; a forgotten one is full again. */
const MAX_BUCKETS = 100_000
const DAY_S = 86_400

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

  /** Takes some, at most a burst. @returns 0, or the time until there are as many again, ms */
  take(amount = 1): number {
    const { perSecond, burst } = this.#rate
    const now = performance.now()
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) * perSecond) / 1_000)
    this.#filledAt = now
    const wanted = Math.min(amount, burst)
    if (this.#tokens < wanted) return Math.ceil(((wanted - this.#tokens) * 1_000) / perSecond)
    this.#tokens -= wanted
    return 0
  }
}

/** Lets each key do something at a rate. */
export class TokenBuckets {
  readonly #rate: Rate
  readonly #buckets = boundedMap<TokenBucket>(MAX_BUCKETS)

  constructor(rate: Rate) {
    this.#rate = rate
  }

  /** Buckets of as many a day as may come at once. */
  static perDay(amount: number): TokenBuckets {
    return new TokenBuckets({ perSecond: amount / DAY_S, burst: amount })
  }

  /** Takes one. @returns whether there was one */
  tryTake(key: string): boolean {
    return this.#bucketOf(key).take() === 0
  }

  /** Takes one, or as many as said. @throws {AppError} `rate_limited`, with the time until there are as many again */
  take(key: string, message: string, amount = 1): void {
    const retryAfterMs = this.#bucketOf(key).take(amount)
    if (retryAfterMs > 0) throw new AppError('rate_limited', message, { retryAfterMs })
  }

  #bucketOf(key: string): TokenBucket {
    const known = this.#buckets.get(key)
    if (known !== undefined) return known
    const bucket = new TokenBucket(this.#rate)
    this.#buckets.set(key, bucket)
    return bucket
  }
}
