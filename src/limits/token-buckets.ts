import { AppError } from '../errors.ts'
import { boundedMap } from './bounded-map.ts'

/** Buckets that one process remembers; a forgotten one is full again. */
const MAX_BUCKETS = 100_000
const DAY_MS = 86_400_000
/** Part of one that rounding may take away: who has waited as long as told has one. */
const ROUNDING = 1e-6

/** Rate of a token bucket: `perSecond` times a second, and `burst` times at once after a pause. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** Rate of so many at once, and as many again within the window. */
export function rateOf(limit: number, windowMs: number, burst = limit): Rate {
  return { perSecond: (limit * 1_000) / windowMs, burst }
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
    const wanted = Math.min(amount, this.#rate.burst)
    const waitMs = this.waitFor(wanted)
    if (waitMs === 0) this.#tokens -= wanted
    return waitMs
  }

  /** Time until there are so many, ms. */
  waitFor(wanted: number): number {
    this.#fill()
    const missing = wanted - this.#tokens
    return missing > ROUNDING ? Math.ceil((missing * 1_000) / this.#rate.perSecond) : 0
  }

  /** Takes what has been used already, also what is not there, at most a burst of it: the next ones wait longer. */
  charge(amount: number): void {
    this.#fill()
    this.#tokens = Math.max(-this.#rate.burst, this.#tokens - amount)
  }

  /** Gives one back that was taken. */
  giveBack(): void {
    this.#fill()
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + 1)
  }

  #fill(): void {
    const { perSecond, burst } = this.#rate
    const now = performance.now()
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) * perSecond) / 1_000)
    this.#filledAt = now
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
    return new TokenBuckets(rateOf(amount, DAY_MS))
  }

  /** Takes one. @returns 0, or the time until there is one again, ms */
  tryTake(key: string): number {
    return this.#bucketOf(key).take()
  }

  /** Takes one, or as many as said. @throws {AppError} `rate_limited`, with the time until there are as many again */
  take(key: string, message: string, amount = 1): void {
    const retryAfterMs = this.#bucketOf(key).take(amount)
    if (retryAfterMs > 0) throw new AppError('rate_limited', message, { retryAfterMs })
  }

  /** Takes what has been used already, also what is not there: the next ones wait longer. */
  charge(key: string, amount: number): void {
    this.#bucketOf(key).charge(amount)
  }

  /** Time until there is one, ms. */
  wait(key: string): number {
    return this.#buckets.get(key)?.waitFor(1) ?? 0
  }

  /** Gives one back that was taken. One that is forgotten is full. */
  giveBack(key: string): void {
    this.#buckets.get(key)?.giveBack()
  }

  #bucketOf(key: string): TokenBucket {
    const known = this.#buckets.get(key)
    if (known !== undefined) return known
    const bucket = new TokenBucket(this.#rate)
    this.#buckets.set(key, bucket)
    return bucket
  }
}

/** Place in the bucket of a key. */
export interface Place {
  readonly buckets: TokenBuckets
  readonly key: string
}

/** Takes one from each bucket, or from none. @throws {AppError} `rate_limited`, with the time until all have one again */
export function takeEach(places: readonly Place[], message: string): void {
  const retryAfterMs = Math.max(0, ...places.map(({ buckets, key }) => buckets.wait(key)))
  if (retryAfterMs > 0) throw new AppError('rate_limited', message, { retryAfterMs })
  for (const { buckets, key } of places) buckets.take(key, message)
}

/** Gives one back to each bucket. */
export function giveBackEach(places: readonly Place[]): void {
  for (const { buckets, key } of places) buckets.giveBack(key)
}
