import { boundedMap } from './bounded-map.ts'

/**
 * Cache of recent look-ups. Simultaneous requests for one key share a look-up; a failed one is not
 * kept. Bounded.
 */
export class RecentCache<T> {
  readonly #load: (key: string) => Promise<T>
  readonly #lookups

  constructor(load: (key: string) => Promise<T>, maxAgeMs: number, maxEntries: number) {
    this.#load = load
    this.#lookups = boundedMap<Promise<T>>(maxEntries, { ttl: maxAgeMs })
  }

  async get(key: string): Promise<T> {
    const known = this.#lookups.get(key)
    if (known !== undefined) return await known
    const lookup = this.#load(key)
    this.#lookups.set(key, lookup)
    try {
      return await lookup
    } catch (error) {
      if (this.#lookups.peek(key) === lookup) this.#lookups.delete(key)
      throw error
    }
  }

  /** Forgets a key, also one that is being looked up: the next to ask look anew. */
  delete(key: string): void {
    this.#lookups.delete(key)
  }
}
