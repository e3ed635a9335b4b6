import { hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Limits } from '../../../protocol/limits.ts'
import { NetworkBuckets } from '../../limits/network-buckets.ts'
import { rateOf, TokenBuckets } from '../../limits/token-buckets.ts'

const WINDOW_MS = 60_000
/** Part of the requests of a minute that a network may make at once: where nobody is known they are mostly a flood. */
const AT_ONCE = 1 / 3
const REFUSAL = 'Too many requests'

/** The limits of REST requests per minute, by what is known of who asks. Each throws `rate_limited`. */
export class RequestLimits {
  readonly #byNetwork: NetworkBuckets
  readonly #byToken: TokenBuckets
  readonly #byPerson: TokenBuckets

  constructor({ requestsPerMinute, anonymousRequestsPerMinute }: Limits) {
    const burst = Math.max(1, anonymousRequestsPerMinute * AT_ONCE)
    this.#byNetwork = new NetworkBuckets(rateOf(anonymousRequestsPerMinute, WINDOW_MS, burst))
    this.#byToken = new TokenBuckets(rateOf(requestsPerMinute, WINDOW_MS))
    this.#byPerson = new TokenBuckets(rateOf(requestsPerMinute, WINDOW_MS))
  }

  /** Counts by network, where nobody is known. */
  countNetwork({ ip }: FastifyRequest): void {
    this.#byNetwork.take(ip, REFUSAL)
  }

  /** Counts by a token that was good once, of which a digest is kept. */
  countToken({ headers, url }: FastifyRequest): void {
    this.#byToken.take(hash('sha256', headers.authorization ?? url, 'base64url'), REFUSAL)
  }

  /** Counts by person, whatever the network. */
  countPerson(userId: string): void {
    this.#byPerson.take(userId, REFUSAL)
  }
}
