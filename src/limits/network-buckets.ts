import { PerNetwork } from './networks.ts'
import { giveBackEach, type Place, type Rate, TokenBuckets, takeEach } from './token-buckets.ts'

/** Lets each network do something at a rate, and wider ones at a multiple of it. */
export class NetworkBuckets {
  readonly #buckets: PerNetwork<TokenBuckets>

  constructor({ perSecond, burst }: Rate) {
    this.#buckets = new PerNetwork(growth => new TokenBuckets({ perSecond: perSecond * growth, burst: burst * growth }))
  }

  /** Places of an address in the buckets of its networks. */
  places(ip: string): Place[] {
    return this.#buckets.list(ip).map(({ limiter, network }) => ({ buckets: limiter, key: network }))
  }

  /** Takes one. @throws {AppError} `rate_limited`, with the time until there is one again */
  take(ip: string, message: string): void {
    takeEach(this.places(ip), message)
  }

  /** Gives one back that was taken. */
  giveBack(ip: string): void {
    giveBackEach(this.places(ip))
  }
}
