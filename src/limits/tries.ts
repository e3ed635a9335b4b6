import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../errors.ts'
import { boundedMap } from './bounded-map.ts'
import { Counters } from './counters.ts'
import { Gate } from './gate.ts'
import type { KnownNetworks } from './known-networks.ts'
import { PerNetwork, widestNetworkOf } from './networks.ts'

const WINDOW_MS = 15 * 60_000
/**
 * Networks that may use up their tries of a name: from there on strangers are refused. One of them counts for one,
 * whatever it tries, and is refused itself beyond as many tries.
 */
const NETWORKS = 10
const MAX_LINES = 10_000
/** Limit of tries that wait, of one network, or of one name where it is known. */
const MAX_WAITING = 5

interface TriesOptions {
  /** Wrong ones of a name from one network. */
  readonly limit: number
  /** Wrong ones from one network. */
  readonly perNetwork: number
  /** Pause before each try beyond these. */
  readonly pauseMs: number
  /** Networks that are not strangers to a name. */
  readonly known: KnownNetworks
}

/** Counters of networks of one size. */
interface NetworkCounters {
  /** Wrong tries of a name from a network. */
  readonly ofPair: Counters
  /** Wrong tries from a network. */
  readonly ofNetwork: Counters
}

/** Try with where it comes from. */
interface Try {
  readonly name: string
  readonly ip: string
  readonly isKnown: boolean
  readonly counted: readonly (NetworkCounters & { readonly network: string; readonly pair: string })[]
}

/**
 * Limits of wrong proofs, as passwords are, that keep nobody out of what is theirs. They are counted once they were
 * tried, by name and network, by network, and by name. Beyond the first two limits the next tries wait, one after the
 * other, and the right one still opens; beyond the last one, which takes strangers of many networks, only networks are
 * let try from which the name has come in before. In this process.
 */
export class Tries {
  readonly #ofNetworks: PerNetwork<NetworkCounters>
  readonly #ofName: Counters
  /** Wrong tries of a name by one stranger. */
  readonly #ofStranger: Counters
  readonly #limit: number
  readonly #pauseMs: number
  readonly #known: KnownNetworks
  /** Tries that are being made, by name and network. */
  readonly #underWay = new Map<string, number>()
  readonly #lines = boundedMap<Gate>(MAX_LINES)

  constructor({ limit, perNetwork, pauseMs, known }: TriesOptions) {
    this.#limit = limit
    this.#pauseMs = pauseMs
    this.#known = known
    this.#ofNetworks = new PerNetwork(growth => ({
      ofPair: new Counters({ limit: limit * growth, windowMs: WINDOW_MS }),
      ofNetwork: new Counters({ limit: perNetwork * growth, windowMs: WINDOW_MS })
    }))
    this.#ofName = new Counters({ limit: NETWORKS * limit, windowMs: WINDOW_MS })
    this.#ofStranger = new Counters({ limit: NETWORKS * limit, windowMs: WINDOW_MS })
  }

  /**
   * Makes a try when it may be made.
   * @param attempt throws `unauthenticated` when it is a wrong one
   * @throws {AppError} also `rate_limited` when too many wait, or too many strangers have tried this name
   */
  async run<T>(name: string, ip: string, attempt: () => Promise<T>): Promise<T> {
    const isKnown = this.#known.has(name, ip)
    if (!isKnown && (await this.#isClosed(name, ip))) throw tooMany(WINDOW_MS)
    const counted = this.#ofNetworks
      .list(ip)
      .map(({ limiter, network }) => ({ ...limiter, network, pair: `${network} ${name}` }))
    const work = async () => await this.#attempt({ name, ip, isKnown, counted }, attempt)
    const line = await this.#findLine(counted, isKnown)
    if (line === undefined) return await work()
    return await this.#lineOf(line).run(async () => {
      await sleep(this.#pauseMs)
      return await work()
    })
  }

  /** Whether strangers, or this one, have tried a name too often. */
  async #isClosed(name: string, ip: string): Promise<boolean> {
    return (await this.#ofName.isFull(name)) || (await this.#ofStranger.isFull(strangerOf(name, ip)))
  }

  /** Name of the line that a try has to wait in: of the widest network that has tried too often. */
  async #findLine(counted: Try['counted'], isKnown: boolean): Promise<string | undefined> {
    for (const { ofPair, ofNetwork, network, pair } of counted) {
      if (await ofPair.isFull(pair, this.#underWay.get(pair))) return isKnown ? pair : network
      if (!isKnown && (await ofNetwork.isFull(network))) return network
    }
    return undefined
  }

  async #attempt<T>(made: Try, attempt: () => Promise<T>): Promise<T> {
    const { name, ip, counted } = made
    for (const { pair } of counted) this.#underWay.set(pair, (this.#underWay.get(pair) ?? 0) + 1)
    try {
      const result = await attempt()
      this.#known.add(name, ip)
      return result
    } catch (error) {
      if (error instanceof AppError && error.code === 'unauthenticated') await this.#countWrong(made)
      throw error
    } finally {
      for (const { pair } of counted) this.#leave(pair)
    }
  }

  async #countWrong({ name, ip, isKnown, counted }: Try): Promise<void> {
    for (const { ofPair, ofNetwork, network, pair } of counted) {
      await Promise.all([ofPair.add(pair), ofNetwork.add(network)])
    }
    if (isKnown) return
    const stranger = strangerOf(name, ip)
    await this.#ofStranger.add(stranger)
    if ((await this.#ofStranger.count(stranger)) <= this.#limit) await this.#ofName.add(name)
  }

  #leave(pair: string): void {
    const left = (this.#underWay.get(pair) ?? 1) - 1
    if (left > 0) this.#underWay.set(pair, left)
    else this.#underWay.delete(pair)
  }

  #lineOf(key: string): Gate {
    const line = this.#lines.get(key) ?? new Gate(1, MAX_WAITING, () => tooMany(this.#pauseMs))
    this.#lines.set(key, line)
    return line
  }
}

function strangerOf(name: string, ip: string): string {
  return `${widestNetworkOf(ip)} ${name}`
}

function tooMany(retryAfterMs: number): AppError {
  return new AppError('rate_limited', 'Too many wrong tries', { retryAfterMs })
}
