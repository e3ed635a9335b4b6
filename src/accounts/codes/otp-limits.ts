import type { Limits } from '../../../protocol/limits.ts'
import { Counters, networkOf, requireAllowed } from '../../limits/counters.ts'
import type { OtpRecipient } from './otp-recipient.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
/** Numbers are given out in blocks: who is paid for messages to them has many that begin alike. */
const BLOCK_DIGITS = 4

/** Limits of requests for one-time codes. Whether the recipient is known plays no part. */
export class OtpLimits {
  readonly #perNetwork: Counters
  readonly #perPrefix: Counters
  readonly #perTarget: readonly Counters[]

  constructor(limits: Limits) {
    this.#perNetwork = new Counters(limits.codesPerAddressPerHour, HOUR_MS)
    this.#perPrefix = new Counters(limits.codesPerPrefixPerDay, DAY_MS)
    this.#perTarget = [
      new Counters(limits.codesPerMinute, MINUTE_MS),
      new Counters(limits.codesPerHour, HOUR_MS),
      new Counters(limits.codesPerDay, DAY_MS)
    ]
  }

  /** Counts a code; one that is refused counts nowhere. @throws {AppError} `rate_limited` */
  take({ channel, to }: OtpRecipient, ip: string): void {
    const wanted: [Counters, string][] = [
      [this.#perNetwork, networkOf(ip)],
      ...this.#perTarget.map((counters): [Counters, string] => [counters, to])
    ]
    if (channel === 'sms') wanted.push([this.#perPrefix, to.slice(0, -BLOCK_DIGITS)])
    const taken: [Counters, string][] = []
    for (const [counters, key] of wanted) {
      const retryAfterMs = counters.take(key)
      if (retryAfterMs > 0) for (const [before, beforeKey] of taken) before.giveBack(beforeKey)
      requireAllowed(retryAfterMs)
      taken.push([counters, key])
    }
  }
}
