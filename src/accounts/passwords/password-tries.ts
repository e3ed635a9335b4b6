import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../../config/config.ts'
import { AppError } from '../../errors.ts'
import { boundedMap } from '../../limits/bounded-map.ts'
import { Counters } from '../../limits/counters.ts'
import { Gate } from '../../limits/gate.ts'

const WINDOW_MS = 15 * 60_000
/** Wrong passwords for one name over all networks, in those of one network: from there on strangers are refused. */
const NETWORKS = 10
const MAX_KNOWN = 50_000
const MAX_LINES = 10_000
/** Of one network, and of one name where it is known. */
const MAX_WAITING = 5

/**
 * Limits of wrong passwords that keep nobody out of their account. They are counted once they were compared, by name
 * and network, by network, and by name. Beyond the first two limits the next tries wait, one after the other, and the
 * right password still opens; beyond the last one only networks are let try from which the name has signed in before.
 */
export class PasswordTries {
  readonly #ofPair: Counters
  readonly #ofNetwork: Counters
  readonly #ofName: Counters
  readonly #pauseMs: number
  /** Tries that are being compared, by name and network. */
  readonly #underWay = new Map<string, number>()
  /** Names and networks that have signed in here. */
  readonly #known = boundedMap<true>(MAX_KNOWN)
  readonly #lines = boundedMap<Gate>(MAX_LINES)

  constructor({ limits, timings }: Pick<Config, 'limits' | 'timings'>) {
    this.#pauseMs = timings.slowTryMs
    this.#ofPair = new Counters({ limit: limits.passwordTries, windowMs: WINDOW_MS })
    this.#ofNetwork = new Counters({ limit: limits.passwordTriesPerAddress, windowMs: WINDOW_MS })
    this.#ofName = new Counters({ limit: NETWORKS * limits.passwordTries, windowMs: WINDOW_MS })
  }

  /**
   * Compares a password when it may be tried.
   * @param compare whose it is; nobody's when it is wrong
   * @throws {AppError} `rate_limited` when too many wait, or too many strangers have tried this name
   */
  async run<T>(name: string, network: string, compare: () => Promise<T | undefined>): Promise<T | undefined> {
    const pair = `${network} ${name}`
    const isKnown = this.#known.has(pair)
    if (!isKnown && (await this.#ofName.isFull(name))) throw tooMany(WINDOW_MS)
    const isSlow =
      (await this.#ofPair.isFull(pair, this.#underWay.get(pair))) ||
      (!isKnown && (await this.#ofNetwork.isFull(network)))
    const work = async () => await this.#compare({ name, network, pair, isKnown }, compare)
    if (!isSlow) return await work()
    return await this.#lineOf(isKnown ? pair : network).run(async () => {
      await sleep(this.#pauseMs)
      return await work()
    })
  }

  async #compare<T>(
    { name, network, pair, isKnown }: { name: string; network: string; pair: string; isKnown: boolean },
    compare: () => Promise<T | undefined>
  ): Promise<T | undefined> {
    this.#underWay.set(pair, (this.#underWay.get(pair) ?? 0) + 1)
    try {
      const whose = await compare()
      if (whose !== undefined) this.#known.set(pair, true)
      else await Promise.all([this.#ofPair.add(pair), this.#ofNetwork.add(network), isKnown || this.#ofName.add(name)])
      return whose
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
  return new AppError('rate_limited', 'Too many wrong passwords', { retryAfterMs })
}
