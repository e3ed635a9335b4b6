import { AppError } from '../errors.ts'

interface Count {
  taken: number
  resetAt: number
}

/**
 * Limits per key and window, counted in this process. Holds a bounded number of keys;
 * the ones not counted for longest are forgotten first.
 */
export class Counters {
  readonly #limit: number
  readonly #windowMs: number
  readonly #maxKeys: number
  readonly #counts = new Map<string, Count>()

  constructor(limit: number, windowMs: number, maxKeys = 100_000) {
    this.#limit = limit
    this.#windowMs = windowMs
    this.#maxKeys = maxKeys
  }

  /** Counts one, or as many as said, for the key. @returns 0, or when over the limit (and then not counted) how long to wait, ms */
  take(key: string, now = Date.now(), amount = 1): number {
    let count = this.#counts.get(key)
    if (!count || count.resetAt <= now) count = { taken: 0, resetAt: now + this.#windowMs }
    this.#counts.delete(key)
    this.#counts.set(key, count)
    this.#forgetOldest()
    if (count.taken + amount > this.#limit) return count.resetAt - now
    count.taken += amount
    return 0
  }

  /** Takes one back: what was counted in advance turned out not to count. */
  giveBack(key: string): void {
    const count = this.#counts.get(key)
    if (count && count.taken > 0) count.taken--
  }

  #forgetOldest(): void {
    if (this.#counts.size <= this.#maxKeys) return
    const [oldest] = this.#counts.keys()
    if (oldest !== undefined) this.#counts.delete(oldest)
  }
}

/** Refuses what has to wait. @throws {AppError} `rate_limited`, unless the time is 0 */
export function requireAllowed(retryAfterMs: number): void {
  if (retryAfterMs > 0) throw new AppError('rate_limited', 'Too many tries', { retryAfterMs })
}

/** Network of an address: an IPv4 address, the first 64 bits of an IPv6 one. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  if (!plain.includes(':')) return plain
  const [head = '', tail] = plain.split('%')[0]?.split('::') ?? []
  const first = head === '' ? [] : head.split(':')
  const last = tail ? tail.split(':') : []
  const zeros = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => '0')
  return [...first, ...zeros, ...last].slice(0, 4).join(':')
}
