import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../errors.ts'
import { boundedMap } from './bounded-map.ts'
import { Counters } from './counters.ts'
import { Gate } from './gate.ts'

const WINDOW_MS = 15 * 60_000
/** Wrong tries of one name over all networks, in those of one network: from there on strangers are refused. */
const NETWORKS = 10
const MAX_KNOWN = 50_000
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
}

/**
 * Limits of wrong proofs, as passwords are, that keep nobody out of what is theirs. They are counted once they were
 * tried, by name and network, by network, and by name. Beyond the first two limits the next tries wait, one after the
 * other, and the right one still opens; beyond the last one only networks are let try from which the name has come in
 * before. In this process.
 */
export class Tries {
  readonly #ofPair: Counters
  readonly #ofNetwork: Counters
  readonly #ofName: Counters
  readonly #pauseMs: number
  /** Tries that are being made, by name and network. */
  readonly #underWay = new Map<string, number>()
  /** Names, each with a network from which it has come in. */
  readonly #known = boundedMap<true>(MAX_KNOWN)
  readonly #lines = boundedMap<Gate>(MAX_LINES)

  constructor({ limit, perNetwork, pauseMs }: TriesOptions) {
    this.#pauseMs = pauseMs
    this.#ofPair = new Counters({ limit, windowMs: WINDOW_MS })
    this.#ofNetwork = new Counters({ limit: perNetwork, windowMs: WINDOW_MS })
    this.#ofName = new Counters({ limit: NETWORKS * limit, windowMs: WINDOW_MS })
  }

  /**
   * Makes a try when it may be made.
   * @param attempt throws `unauthenticated` when it is a wrong one
   * @throws {AppError} also `rate_limited` when too many wait, or too many strangers have tried this name
   */
  async run<T>(name: string, network: string, attempt: () => Promise<T>): Promise<T> {
    const pair = `${network} ${name}`
    const isKnown = this.#known.has(pair)
    if (!isKnown && (await this.#ofName.isFull(name))) throw tooMany(WINDOW_MS)
    const isSlow =
      (await this.#ofPair.isFull(pair, this.#underWay.get(pair))) ||
      (!isKnown && (await this.#ofNetwork.isFull(network)))
    const work = async () => await this.#attempt({ name, network, pair, isKnown }, attempt)
    if (!isSlow) return await work()
    return await this.#lineOf(isKnown ? pair : network).run(async () => {
      await sleep(this.#pauseMs)
      return await work()
    })
  }

  async #attempt<T>(
    { name, network, pair, isKnown }: { name: string; network: string; pair: string; isKnown: boolean },
    attempt: () => Promise<T>
  ): Promise<T> {
    this.#underWay.set(pair, (this.#underWay.get(pair) ?? 0) + 1)
    try {
      const result = await attempt()
      this.#known.set(pair, true)
      return result
    } catch (error) {
      if (error instanceof AppError && error.code === 'unauthenticated') {
        await Promise.all([this.#ofPair.add(pair), this.#ofNetwork.add(network), isKnown || this.#ofName.add(name)])
      }
      throw error
    } finally {
      const left = (this.#underWay.get(pair) ?? 1) - 1
      if (left > 0) this.#underWay.set(pair, left)
      else this.#underWay.delete(pair)
    }
  }

  #lineOf(key: string): Gate {
    const line = this.#lines.get(key) ?? new Gate(1, MAX_WAITING, () => tooMany(this.#pauseMs))
    this.#lines.set(key, line)
    return line
  }
}

function tooMany(retryAfterMs: number): AppError {
  return new AppError('rate_limited', 'Too many wrong tries', { retryAfterMs })
}
