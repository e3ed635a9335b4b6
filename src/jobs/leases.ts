import type { LeasedItem, WorkStore } from './store.ts'

/** An item that is being worked on. */
export interface Held {
  readonly item: LeasedItem
  readonly abort: AbortController
  /** End of the lease by this process's monotonic clock, ms. */
  until: number
}

interface LeasesDeps {
  store: WorkStore
  leaseMs: number
  onError: (error: unknown) => void
}

/** The items in a worker's hands. Renews their leases at half, and tells a run whose lease is lost. */
export class Leases {
  readonly #deps: LeasesDeps
  readonly #held = new Set<Held>()
  #timer: NodeJS.Timeout | undefined

  constructor(deps: LeasesDeps) {
    this.#deps = deps
  }

  get size(): number {
    return this.#held.size
  }

  start(): void {
    this.#timer = setInterval(() => void this.#renew(), this.#deps.leaseMs / 2).unref()
  }

  /** @param claimedAt a moment before the claim was sent, by the monotonic clock */
  hold(item: LeasedItem, claimedAt: number): Held {
    const held = { item, abort: new AbortController(), until: claimedAt + this.#deps.leaseMs }
    this.#held.add(held)
    return held
  }

  /** @returns whether it was held until now */
  drop(held: Held): boolean {
    return this.#held.delete(held)
  }

  abortAll(reason: Error): void {
    for (const { abort } of this.#held) abort.abort(reason)
  }

  /** Renews no more. @returns what was still held */
  stop(): LeasedItem[] {
    clearInterval(this.#timer)
    const items = [...this.#held].map(({ item }) => item)
    this.#held.clear()
    return items
  }

  async #renew(): Promise<void> {
    const { store, leaseMs, onError } = this.#deps
    const held = [...this.#held]
    if (held.length === 0) return
    const until = performance.now() + leaseMs
    try {
      const items = held.map(({ item }) => item)
      const lost = new Set(await store.renew(items, leaseMs))
      for (const one of held) if (!lost.has(one.item)) one.until = until
      this.#abortLost(held.filter(({ item }) => lost.has(item)))
    } catch (error) {
      onError(error)
      this.#abortLost(held.filter(one => one.until < performance.now()))
    }
  }

  /** An item whose run has ended meanwhile is gone from the database for that reason. */
  #abortLost(lost: readonly Held[]): void {
    const running = lost.filter(held => this.#held.has(held) && !held.abort.signal.aborted)
    for (const { abort, item } of running) abort.abort(new Error(`The lease of ${item._id} was lost`))
  }
}
