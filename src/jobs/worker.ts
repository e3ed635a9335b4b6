import { setTimeout as delay } from 'node:timers/promises'
import { HandBack } from './hand-back.ts'
import { type Held, Leases } from './leases.ts'
import type { LeasedItem, SettledItem, WorkStore } from './store.ts'
import { Wake } from './wake.ts'

/** Timings of claims, leases and retries. */
export interface JobTimings {
  /** A dead server's items are taken over after this; renewed at half. */
  readonly leaseMs: number
  /** Longest time until a look for what other servers have added. */
  readonly pollMs: number
  /** A first retry comes within this, each further one within twice the time before. */
  readonly retryMs: number
  readonly maxRetryMs: number
  /** Time that runs under way may take at `stop`, ms. */
  readonly stopMs: number
}

/** View of an item for its run. */
export interface WorkItem {
  readonly key: string
  /** Version at the claim; a higher one that is asked for meanwhile gets a run of its own. */
  readonly rev: number
  /** 1 at first. */
  readonly attempt: number
  /** Aborted when the time limit is over, the lease is lost, or the server stops. */
  readonly signal: AbortSignal
}

/** A kind of work. Every item is done at least once: those of a server that dies are done again. */
export interface WorkKind {
  readonly kind: string
  /** Runs at the same time on one server. */
  readonly concurrency?: number
  /** A run that takes longer has failed. */
  readonly limitMs?: number
  /** Rejects to be run again later. */
  run(item: WorkItem): Promise<void>
}

interface WorkerDeps {
  store: WorkStore
  timings: JobTimings
  onError: (error: unknown) => void
  /** Delay until an item that comes back is due again after it was done, ms. */
  repeatMs?: number
}

const CONCURRENCY = 20
const LIMIT_MS = 60_000
/** Longest wait when other servers were faster. */
const CONTENDED_MS = 20

/** Claims and runs the items of one kind. */
export class Worker {
  readonly counts = { done: 0, failed: 0 }
  readonly #kind: WorkKind
  readonly #deps: WorkerDeps
  readonly #concurrency: number
  readonly #leases: Leases
  readonly #handBack: HandBack
  readonly #wake = new Wake()
  readonly #runs = new Set<Promise<void>>()
  #loop: Promise<void> | undefined
  #isStopped = false

  constructor(kind: WorkKind, deps: WorkerDeps) {
    const { store, timings, onError } = deps
    this.#kind = kind
    this.#deps = deps
    this.#concurrency = kind.concurrency ?? CONCURRENCY
    this.#leases = new Leases({ store, leaseMs: timings.leaseMs, onError })
    this.#handBack = new HandBack(store, onError)
  }

  start(): void {
    this.#leases.start()
    this.#loop = this.#repeat()
  }

  /** Looks for due items now. */
  wake(): void {
    this.#wake.wake()
  }

  /** Claims no more, tells the runs under way, waits for them for a while, and hands back what is not done then. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#wake.wake()
    this.#leases.abortAll(new Error('The server stops'))
    await this.#loop
    const timeout = new AbortController()
    const late = delay(this.#deps.timings.stopMs, undefined, { signal: timeout.signal }).catch(() => undefined)
    await Promise.race([Promise.all(this.#runs), late])
    timeout.abort()
    for (const item of this.#leases.stop()) this.#handBack.add(retry(item, 0))
    await this.#handBack.done()
  }

  async #repeat(): Promise<void> {
    while (!this.#isStopped) {
      const free = this.#concurrency - this.#leases.size
      const waitMs = free * 2 >= this.#concurrency ? await this.#claim(free) : Infinity
      await this.#wake.sleep(Math.min(waitMs, this.#deps.timings.pollMs))
    }
  }

  /** @returns how long to wait before the next claim, ms */
  async #claim(limit: number): Promise<number> {
    const { store, timings, onError } = this.#deps
    const claimedAt = performance.now()
    try {
      const { items, nextMs } = await store.claim(this.#kind.kind, limit, timings.leaseMs)
      for (const item of items) this.#begin(item, claimedAt)
      return items.length > 0 || nextMs > 0 ? nextMs : Math.random() * CONTENDED_MS
    } catch (error) {
      onError(error)
      return timings.pollMs
    }
  }

  #begin(item: LeasedItem, claimedAt: number): void {
    if (this.#isStopped) return this.#handBack.add(retry(item, 0))
    const run = this.#run(this.#leases.hold(item, claimedAt)).finally(() => this.#runs.delete(run))
    this.#runs.add(run)
  }

  async #run(held: Held): Promise<void> {
    const settled = await this.#attempt(held).then(
      () => this.#succeeded(held.item),
      error => this.#failed(held.item, error)
    )
    if (this.#leases.drop(held)) this.#handBack.add(settled)
    // Before that a look would take it for leased, and sleep too long.
    if (settled.again !== undefined) await this.#handBack.done()
    if (this.#leases.size * 2 <= this.#concurrency) this.#wake.wake()
  }

  /** Run an item once. A run that takes too long is abandoned. */
  async #attempt({ item: { _id, rev, attempt }, abort }: Held): Promise<void> {
    const { kind, limitMs = LIMIT_MS } = this.#kind
    const key = _id.slice(kind.length + 1)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new Error(`A run of ${kind} took longer than ${limitMs} ms`)
        abort.abort(error)
        reject(error)
      }, limitMs).unref()
    })
    try {
      await Promise.race([this.#kind.run({ key, rev, attempt, signal: abort.signal }), late])
    } finally {
      clearTimeout(timer)
    }
  }

  #succeeded(item: LeasedItem): SettledItem {
    this.counts.done++
    const { repeatMs } = this.#deps
    return repeatMs === undefined ? { item } : { item, again: { inMs: repeatMs, isFailure: false } }
  }

  #failed(item: LeasedItem, error: unknown): SettledItem {
    if (this.#isStopped) return retry(item, 0)
    this.counts.failed++
    this.#deps.onError(error)
    // Exponential backoff with full jitter.
    const { retryMs, maxRetryMs } = this.#deps.timings
    return retry(item, Math.floor(Math.random() * Math.min(maxRetryMs, retryMs * 2 ** (item.attempt - 1))))
  }
}

function retry(item: LeasedItem, inMs: number): SettledItem {
  return { item, again: { inMs, isFailure: true } }
}
