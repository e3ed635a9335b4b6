import { AppError } from '../errors.ts'
import { boundedMap } from './bounded-map.ts'
import { Turns } from './turns.ts'

/** Buckets that one process remembers; a forgotten one is full again. */
const MAX_BUCKETS = 100_000
const DAY_MS = 86_400_000
/** Time over which those who are refused are spread at most, s. */
const MAX_SPREAD_S = 60
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
  /** Negative where turns were promised, or more was used than there was. */
  #tokens: number
  #filledAt = performance.now()
  /** Made with the first refusal that keeps one. */
  #turns: Turns | undefined
  /** As many as who was refused, and is not to be back yet, will want then. */
  #announced = 0

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

  /**
   * Takes one for a party. Where there is none, a turn is kept for it, behind those of all who were refused before: who
   * comes back in time finds one, whoever else comes meanwhile.
   * @returns 0, or the time until its turn, ms
   */
  takeInTurn(party: string): number {
    this.#fill()
    const now = this.#filledAt
    this.#tokens += this.#turns?.forget(now) ?? 0
    if (this.#turns?.use(party, now)) return 0
    const waitMs = this.take()
    if (waitMs === 0) return 0
    this.#turns ??= new Turns()
    if (this.#turns.keep({ party, dueAt: now + waitMs })) this.#tokens -= 1
    return waitMs
  }

  /**
   * Takes some. Where there are too few, each who is refused is told a later time, so that they do not come back
   * together; nothing is kept for them, and what needs less goes on.
   * @param next as many as are taken when they come back
   * @returns 0, or the time until then, ms
   */
  takeOrSpread(amount: number, next: number): number {
    if (this.take(amount) === 0) return 0
    const { perSecond, burst } = this.#rate
    const waitMs = this.waitFor(Math.min(next, burst) + this.#announced)
    this.#announced = Math.min(MAX_SPREAD_S * perSecond, this.#announced + next)
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
    this.#tokens = Math.min(this.#tokens, Math.max(-this.#rate.burst, this.#tokens - amount))
  }

  /** Gives one back that was taken. */
  giveBack(): void {
    this.#fill()
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + 1)
  }

  #fill(): void {
    const { perSecond, burst } = this.#rate
    const now = performance.now()
    const added = ((now - this.#filledAt) * perSecond) / 1_000
    this.#tokens = Math.min(burst, this.#tokens + added)
    this.#announced = Math.max(0, this.#announced - added)
    this.#filledAt = now
  }
}

/** Person of whom something is counted, and the device that is told to wait: 24 hexadecimal digits each. */
interface Person {
  readonly userId: string
  readonly sessionId?: string
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
    requireNoWait(this.#bucketOf(key).take(amount), message)
  }

  /**
   * Takes one for a person. A refusal keeps a turn for the device: after the time that it tells, and within some
   * seconds, there is one for it, and each refusal that follows tells a later time.
   * @throws {AppError} `rate_limited`
   */
  takeInTurn({ userId, sessionId = userId }: Person, message: string): void {
    requireNoWait(this.#bucketOf(userId).takeInTurn(sessionId), message)
  }

  /** Takes some; each refusal tells a later time, for `next` then. @throws {AppError} `rate_limited` */
  takeOrSpread(key: string, message: string, { amount, next }: { amount: number; next: number }): void {
    requireNoWait(this.#bucketOf(key).takeOrSpread(amount, next), message)
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
  requireNoWait(Math.max(0, ...places.map(({ buckets, key }) => buckets.wait(key))), message)
  for (const { buckets, key } of places) buckets.take(key, message)
}

/** Gives one back to each bucket. */
export function giveBackEach(places: readonly Place[]): void {
  for (const { buckets, key } of places) buckets.giveBack(key)
}

function requireNoWait(retryAfterMs: number, message: string): void {
  if (retryAfterMs > 0) throw new AppError('rate_limited', message, { retryAfterMs })
}
