import type { Limits } from '../../protocol/limits.ts'
import { AppError } from '../errors.ts'
import { NetworkBuckets } from '../limits/network-buckets.ts'
import { networkOf } from '../limits/networks.ts'
import { rateOf } from '../limits/token-buckets.ts'

/** Part of the time to sign in after which who has said nothing makes room for others. */
const PATIENCE = 1 / 5
const MINUTE_MS = 60_000
/** Time after which to come again where all who wait are being looked at, ms. */
const RETRY_MS = 1_000

interface Stranger {
  readonly address: string
  readonly network: string
  readonly since: number
  readonly close: () => void
  /** Whether what it has said is being looked at. */
  isHeard: boolean
}

/**
 * Open connections on which nobody has said who they are. They are counted by network, because nothing else is known;
 * who says it is counted no more. Where too many wait, the one that has waited longest makes room, unless it has come
 * just now, as when many come back at once: then the next ones are refused.
 */
export class Strangers {
  readonly #limits: Limits
  readonly #patienceMs: number
  readonly #handshakes: NetworkBuckets
  readonly #strangers = new Map<object, Stranger>()
  /** Strangers of all networks, and of each, in the order in which they came. */
  readonly #all = new Set<Stranger>()
  readonly #networks = new Map<string, Set<Stranger>>()

  /** @param helloTimeoutMs time to sign in */
  constructor(limits: Limits, helloTimeoutMs: number) {
    this.#limits = limits
    this.#patienceMs = helloTimeoutMs * PATIENCE
    this.#handshakes = new NetworkBuckets(rateOf(limits.handshakesPerAddressPerMinute, MINUTE_MS))
  }

  get count(): number {
    return this.#all.size
  }

  /** Counts a connection that is about to be opened. @throws {AppError} `rate_limited` when it may not be */
  requireRoom(address: string): void {
    const network = networkOf(address)
    const retryAfterMs = Math.max(
      this.#msUntilRoom(this.#all, this.#limits.strangers),
      this.#msUntilRoom(this.#networks.get(network), this.#limits.strangersPerAddress)
    )
    if (retryAfterMs > 0) throw new AppError('rate_limited', 'Too many wait to say who they are', { retryAfterMs })
    this.#handshakes.take(address, 'Too many connections')
  }

  /** Takes in a connection that was counted and is open now. @param close called when it has to make room */
  enter(connection: object, address: string, close: () => void): void {
    const network = networkOf(address)
    const stranger = { address, network, since: performance.now(), close, isHeard: false }
    const neighbours = this.#networks.get(network) ?? new Set()
    this.#networks.set(network, neighbours.add(stranger))
    this.#all.add(stranger)
    this.#strangers.set(connection, stranger)
    this.#makeRoom(stranger, neighbours, this.#limits.strangersPerAddress)
    this.#makeRoom(stranger, this.#all, this.#limits.strangers)
  }

  /** Notes that what is said on a connection is looked at, or was in vain: who waits for the server makes no room. */
  hear(connection: object, isHeard = true): void {
    const stranger = this.#strangers.get(connection)
    if (stranger !== undefined) stranger.isHeard = isHeard
  }

  /** Lets a connection on which somebody has said who they are count for its network no more. */
  admit(connection: object): void {
    const stranger = this.#strangers.get(connection)
    if (stranger !== undefined) this.#handshakes.giveBack(stranger.address)
    this.leave(connection)
  }

  /** The connection is gone. */
  leave(connection: object): void {
    const stranger = this.#strangers.get(connection)
    this.#strangers.delete(connection)
    if (stranger !== undefined) this.#forget(stranger)
  }

  /** Time until somebody makes room, ms; 0 when there is room, or somebody would make it now. */
  #msUntilRoom(strangers: ReadonlySet<Stranger> = new Set(), limit: number): number {
    if (strangers.size < limit) return 0
    const silent = findSilent(strangers)
    if (silent === undefined) return RETRY_MS
    return Math.max(0, Math.ceil(silent.since + this.#patienceMs - performance.now()))
  }

  #makeRoom(newest: Stranger, strangers: ReadonlySet<Stranger>, limit: number): void {
    if (strangers.size <= limit) return
    const leaving = this.#msUntilRoom(strangers, limit) === 0 ? (findSilent(strangers) ?? newest) : newest
    this.#forget(leaving)
    leaving.close()
  }

  #forget(stranger: Stranger): void {
    const { network } = stranger
    const neighbours = this.#networks.get(network)
    neighbours?.delete(stranger)
    if (neighbours?.size === 0) this.#networks.delete(network)
    this.#all.delete(stranger)
  }
}

/** Stranger that has said nothing for longest. */
function findSilent(strangers: ReadonlySet<Stranger>): Stranger | undefined {
  for (const stranger of strangers) if (!stranger.isHeard) return stranger
  return undefined
}
