import type { Limits } from '../../../protocol/limits.ts'
import { countryOf } from '../../identifiers.ts'
import type { KnownNetworks } from '../../limits/known-networks.ts'
import { NetworkBuckets } from '../../limits/network-buckets.ts'
import { networkOf, widestNetworkOf } from '../../limits/networks.ts'
import { giveBackEach, type Place, rateOf, TokenBuckets, takeEach } from '../../limits/token-buckets.ts'
import { signInName } from '../sign-in-name.ts'
import type { CodeCounts, CodeLimit } from './code-counts.ts'
import type { CodeUse } from './code-use.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
/** Numbers are given out in blocks: who is paid for messages to them has many that begin alike. */
const BLOCK_DIGITS = 4
/** Limits of a number or a block over all strange networks, in those of one network: one alone cannot use them up. */
const STRANGERS = 4

interface OtpLimitDeps {
  readonly config: { readonly limits: Limits }
  readonly known: KnownNetworks
  readonly codeCounts: CodeCounts
}

/** Place that a code takes. */
interface CodePlace extends Place {
  readonly limit: CodeLimit
  /** Given back when the code is used. */
  readonly isReturned?: boolean
}

/** Use of a code and the address that asks for it, or that uses it. */
type Request = CodeUse & { readonly ip: string }

/**
 * Limits of requests for one-time codes. Whether the recipient is known plays no part. What one network asks for takes
 * nothing from the others, and networks from which the recipient has come in before are not concerned by what all
 * strangers ask for together. Counted where nobody is known is what was not used; ceilings of what is sent are the
 * last brake. In this process.
 */
export class OtpLimits {
  readonly #counts: CodeCounts
  readonly #known: KnownNetworks
  readonly #ofNetwork: NetworkBuckets
  readonly #ofPerson: readonly TokenBuckets[]
  readonly #ofPurpose: TokenBuckets
  readonly #ofRecipient: readonly TokenBuckets[]
  readonly #ofRecipientByStrangers: TokenBuckets
  readonly #ofBlock: TokenBuckets
  readonly #ofBlockByStrangers: TokenBuckets
  readonly #ofCountry: TokenBuckets
  readonly #ofServer: TokenBuckets

  constructor({ config: { limits }, known, codeCounts }: OtpLimitDeps) {
    const { codesPerMinute, codesPerHour, codesPerDay, codesPerPrefixPerDay } = limits
    const buckets = (limit: number, windowMs: number) => new TokenBuckets(rateOf(limit, windowMs))
    this.#counts = codeCounts
    this.#known = known
    this.#ofNetwork = new NetworkBuckets(rateOf(limits.codesPerAddressPerHour, HOUR_MS, limits.codesPerAddressBurst))
    this.#ofPerson = [buckets(codesPerHour, HOUR_MS), buckets(codesPerDay, DAY_MS)]
    this.#ofPurpose = buckets(codesPerMinute, MINUTE_MS)
    this.#ofRecipient = [buckets(codesPerHour, HOUR_MS), buckets(codesPerDay, DAY_MS)]
    this.#ofRecipientByStrangers = buckets(STRANGERS * codesPerDay, DAY_MS)
    this.#ofBlock = buckets(codesPerPrefixPerDay, DAY_MS)
    this.#ofBlockByStrangers = buckets(STRANGERS * codesPerPrefixPerDay, DAY_MS)
    this.#ofCountry = buckets(limits.codesPerCountryPerDay, DAY_MS)
    this.#ofServer = buckets(limits.codesPerServerPerDay, DAY_MS)
  }

  /** Counts a code; one that is refused counts nowhere. @throws {AppError} `rate_limited` */
  async take(request: Request): Promise<void> {
    const { channel, to } = request.target
    const country = channel === 'sms' ? await countryOf(to) : undefined
    const places = this.#placesOf(request, country)
    for (const { limit, buckets, key } of places) {
      if (buckets.wait(key) > 0) this.#counts.countRefused(limit)
    }
    takeEach(places, 'Too many codes were asked for')
  }

  /** Gives back what is counted of codes that nobody uses. To be called before the network is known to the recipient. */
  giveBack(request: Request): void {
    giveBackEach(this.#placesOf(request).filter(({ isReturned }) => isReturned))
  }

  #placesOf({ purpose, target: { channel, to, key }, ip, userId }: Request, country?: string): CodePlace[] {
    const isKnown = this.#known.has(signInName(key), ip)
    const network = isKnown ? networkOf(ip) : widestNetworkOf(ip)
    const pair = `${to} ${network}`
    const places: CodePlace[] = [
      ...this.#placesOfAsker(ip, userId, isKnown),
      { limit: 'recipient', buckets: this.#ofPurpose, key: `${purpose} ${pair}` },
      ...this.#ofRecipient.map((buckets): CodePlace => ({ limit: 'recipient', buckets, key: pair })),
      { limit: 'server', buckets: this.#ofServer, key: `${channel} ${isKnown}` }
    ]
    if (!isKnown) places.push({ limit: 'recipient', buckets: this.#ofRecipientByStrangers, key: to })
    if (channel === 'sms') places.push(...this.#placesOfBlock(to, network, isKnown))
    if (country !== undefined) places.push({ limit: 'country', buckets: this.#ofCountry, key: `${country} ${isKnown}` })
    return places
  }

  #placesOfAsker(ip: string, userId: string | undefined, isKnown: boolean): CodePlace[] {
    if (userId !== undefined) return this.#ofPerson.map(buckets => ({ limit: 'person', buckets, key: userId }))
    if (isKnown) return []
    return this.#ofNetwork.places(ip).map(place => ({ ...place, limit: 'network', isReturned: true }))
  }

  #placesOfBlock(to: string, network: string, isKnown: boolean): CodePlace[] {
    const block = to.slice(0, -BLOCK_DIGITS)
    const places: CodePlace[] = [
      { limit: 'block', buckets: this.#ofBlock, key: `${block} ${network}`, isReturned: true }
    ]
    if (!isKnown) places.push({ limit: 'block', buckets: this.#ofBlockByStrangers, key: block, isReturned: true })
    return places
  }
}
