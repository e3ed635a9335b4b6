import type { Timings } from '../config/timings.ts'

/** Clients come back at no more than this many a second, and all of them within the window. */
const COMING_BACK_PER_SECOND = 200

/**
 * The end of a server: sockets leave one by one, so that they do not come back all at once elsewhere, then event streams
 * do. Until the last has gone, requests are answered; from the beginning on no new socket is let in.
 */
export class Drain {
  readonly #timings: Pick<Timings, 'drainWindowMs' | 'drainRetryMs'>
  #windowMs: number | undefined
  #isOver = false

  constructor(timings: Pick<Timings, 'drainWindowMs' | 'drainRetryMs'>) {
    this.#timings = timings
  }

  get hasBegun(): boolean {
    return this.#windowMs !== undefined
  }

  /** Whether every connection has been ended. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** @param connections that are to leave in slots of their own */
  begin(connections: number): void {
    this.#windowMs = this.#windowOf(connections)
  }

  end(): void {
    this.#isOver = true
  }

  /** Slot of one connection: the time after which it leaves, ms. */
  slot(): number {
    return Math.round(Math.random() * (this.#windowMs ?? 0))
  }

  /**
   * Time after which the client of an ended stream comes back, ms: when another server is there, which it would not
   * look for again after a status that is not 200.
   * @param streams that end together
   */
  retryMs(streams: number): number {
    return Math.round(this.#timings.drainRetryMs + Math.random() * this.#windowOf(streams))
  }

  #windowOf(connections: number): number {
    return Math.min(this.#timings.drainWindowMs, (connections / COMING_BACK_PER_SECOND) * 1_000)
  }
}
