import { boundedMap } from '../../limits/bounded-map.ts'
import type { KnownNetworks } from '../../limits/known-networks.ts'
import { networkOf, widestNetworkOf } from '../../limits/networks.ts'
import { giveBackEach, type Place, rateOf, TokenBuckets, takeEach } from '../../limits/token-buckets.ts'
import { signInName } from '../sign-in-name.ts'
import type { OtpRecipient } from './otp-recipient.ts'

/** Time after which a network has one more try, ms. */
const NEXT_TRY_MS = 120_000
/** Tries that strangers of all networks have together, in those of one network; and the time to one more, ms. */
const STRANGERS = 10
const NEXT_STRANGERS_TRY_MS = 60_000
const MAX_ASKERS = 20_000

/** Use of a code by somebody who does not say which request it is of. */
interface LooseTry {
  /** Purpose and recipient. */
  readonly use: string
  readonly target: OtpRecipient
  readonly ip: string
}

/**
 * Limits of tries of codes that do not say which request they are of, as of apps that know no ids of requests. Each
 * network has its own, so that nobody uses up those of another. Strangers, from whose network neither a code was asked
 * for nor the recipient has come in before, have few together. In this process.
 */
export class CodeTries {
  readonly #known: KnownNetworks
  readonly #ofNetwork: TokenBuckets
  readonly #ofStrangers: TokenBuckets
  readonly #askers

  /** @param lifeMs life of a code */
  constructor(limit: number, known: KnownNetworks, lifeMs: number) {
    this.#known = known
    this.#ofNetwork = new TokenBuckets(rateOf(1, NEXT_TRY_MS, limit))
    this.#ofStrangers = new TokenBuckets(rateOf(1, NEXT_STRANGERS_TRY_MS, STRANGERS * limit))
    this.#askers = boundedMap<true>(MAX_ASKERS, { ttl: lifeMs })
  }

  /** Notes from which network a code was asked for. */
  noteAsker(use: string, ip: string): void {
    this.#askers.set(keyOf(use, ip), true)
  }

  /** Counts a try. @throws {AppError} `rate_limited` */
  take(attempt: LooseTry): void {
    takeEach(this.#placesOf(attempt), 'Too many wrong codes')
  }

  /** Gives the place of a right one back. */
  giveBack(attempt: LooseTry): void {
    giveBackEach(this.#placesOf(attempt))
  }

  #placesOf({ use, target, ip }: LooseTry): Place[] {
    const isKnown = this.#known.has(signInName(target.key), ip)
    const place = { buckets: this.#ofNetwork, key: isKnown ? `${use} ${networkOf(ip)}` : keyOf(use, ip) }
    if (isKnown || this.#askers.has(keyOf(use, ip))) return [place]
    return [place, { buckets: this.#ofStrangers, key: use }]
  }
}

function keyOf(use: string, ip: string): string {
  return `${use} ${widestNetworkOf(ip)}`
}
