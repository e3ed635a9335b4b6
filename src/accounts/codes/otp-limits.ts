import type { Limits } from '../../../protocol/limits.ts'
import { Counters } from '../../limits/counters.ts'
import { networkOf } from '../../limits/networks.ts'
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
    this.#perNetwork = new Counters({ limit: limits.codesPerAddressPerHour, windowMs: HOUR_MS })
    this.#perPrefix = new Counters({ limit: limits.codesPerPrefixPerDay, windowMs: DAY_MS })
    this.#perTarget = [
      new Counters({ limit: limits.codesPerMinute, windowMs: MINUTE_MS }),
      new Counters({ limit: limits.codesPerHour, windowMs: HOUR_MS }),
      new Counters({ limit: limits.codesPerDay, windowMs: DAY_MS })
    ]
  }

  /** Counts a code; one that is refused counts nowhere. @throws {AppError} `rate_limited` */
  async take({ channel, to }: OtpRecipient, ip: string): Promise<void> {
    const wanted: [Counters, string][] = [
      [this.#perNetwork, networkOf(ip)],
      ...this.#perTarget.map((counters): [Counters, string] => [counters, to])
    ]
    if (channel === 'sms') wanted.push([this.#perPrefix, to.slice(0, -BLOCK_DIGITS)])
    const taken: [Counters, string][] = []
    try {
      for (const [counters, key] of wanted) {
        await counters.take(key)
        taken.push([counters, key])
      }
    } catch (error) {
      for (const [counters, key] of taken) await counters.giveBack(key)
      throw error
    }
  }
}
