interface Entry<T> {
  readonly value: Promise<T>
  readonly loadedAt: number
}

/**
 * Cache of recent look-ups. Simultaneous requests for one key share a look-up; a failed one is not
 * kept. Bounded: the oldest are forgotten first.
 */
export class RecentCache<T> {
  readonly #load: (key: string) => Promise<T>
  readonly #maxAgeMs: number
  readonly #maxEntries: number
  readonly #entries = new Map<string, Entry<T>>()

  constructor(load: (key: string) => Promise<T>, maxAgeMs: number, maxEntries: number) {
    this.#load = load
    this.#maxAgeMs = maxAgeMs
    this.#maxEntries = maxEntries
  }

  async get(key: string): Promise<T> {
    const known = this.#entries.get(key)
    if (known && Date.now() - known.loadedAt < this.#maxAgeMs) return await known.value
    const entry = { value: this.#load(key), loadedAt: Date.now() }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    this.#forgetOldest()
    try {
      return await entry.value
    } catch (error) {
      if (this.#entries.get(key) === entry) this.#entries.delete(key)
      throw error
    }
  }

  /** Forgets a key, also one that is being looked up: the next to ask look anew. */
  delete(key: string): void {
    this.#entries.delete(key)
  }

  #forgetOldest(): void {
    const now = Date.now()
    for (const [key, { loadedAt }] of this.#entries) {
      if (this.#entries.size <= this.#maxEntries && now - loadedAt < this.#maxAgeMs) return
      this.#entries.delete(key)
    }
  }
}
