import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js'
import { AppError } from '../errors.ts'
import { boundedMap } from './bounded-map.ts'

interface CountersOptions {
  /** Count per key that a window allows. */
  readonly limit: number
  readonly windowMs: number
  /** Text of the refusal. */
  readonly message?: string
  readonly maxKeys?: number
}

/**
 * Limits per key and window, counted in this process. A window begins with the first try. Holds a bounded number of
 * keys; the ones not counted for longest are forgotten first.
 */
export class Counters {
  readonly #limit: number
  readonly #message: string
  readonly #limiter: RateLimiterMemory
  /** The limiter forgets a key only when its window ends. */
  readonly #keys

  constructor({ limit, windowMs, message = 'Too many tries', maxKeys = 20_000 }: CountersOptions) {
    this.#limit = limit
    this.#message = message
    this.#limiter = new RateLimiterMemory({ keyPrefix: '', points: limit, duration: windowMs / 1_000 })
    this.#keys = boundedMap<true>(maxKeys, { dispose: (_, key) => void this.#limiter.delete(key) })
  }

  /**
   * Counts one, or as many as said, for the key.
   * @throws {AppError} `rate_limited` when over the limit, and then they are not counted
   */
  async take(key: string, amount = 1): Promise<void> {
    this.#keys.set(key, true)
    const { consumedPoints, msBeforeNext } = await this.#limiter.penalty(key, amount)
    if (consumedPoints <= this.#limit) return
    await this.#limiter.reward(key, amount)
    throw new AppError('rate_limited', this.#message, { retryAfterMs: msBeforeNext })
  }

  /** Counts one that has happened, beyond the limit too. */
  async add(key: string): Promise<void> {
    this.#keys.set(key, true)
    await this.#limiter.penalty(key)
  }

  /** Whether the next one would be over the limit, with so many on their way. */
  async isFull(key: string, underWay = 0): Promise<boolean> {
    return ((await this.#limiter.get(key))?.consumedPoints ?? 0) + underWay >= this.#limit
  }

  /** Takes one back: what was counted in advance turned out not to count. */
  async giveBack(key: string): Promise<void> {
    const count = await this.#limiter.get(key)
    if (count !== null && count.consumedPoints > 0) await this.#limiter.reward(key)
  }
}

/** Network of an address: an IPv4 address, the first 64 bits of an IPv6 one. Who has gone meanwhile has no address any more. */
export function networkOf(address = ''): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  if (!plain.includes(':')) return plain
  const [head = '', tail] = plain.split('%')[0]?.split('::') ?? []
  const first = head === '' ? [] : head.split(':')
  const last = tail ? tail.split(':') : []
  const zeros = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => '0')
  return [...first, ...zeros, ...last].slice(0, 4).join(':')
}
