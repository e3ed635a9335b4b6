import { once } from 'node:events'
import { AppError } from '../../errors.ts'

/** Longest wait for who has it, ms. */
const WAIT_MS = 20_000
/** Time after which it is worth another try, ms. */
const LATER_MS = 1_000

interface Held {
  /** Asks the holder to stop. */
  readonly release: () => void
  readonly over: Promise<void>
}

/**
 * Locks of this server, each of one request at a time. Who comes asks the holder to stop: a client comes back while the
 * server has not noticed that its old connection is dead.
 */
export class UploadLocks {
  readonly #held = new Map<string, Held>()
  readonly #waitMs: number

  constructor(waitMs = WAIT_MS) {
    this.#waitMs = waitMs
  }

  /**
   * Waits for a lock.
   * @param release asks this holder to stop
   * @param signal ends the wait
   * @returns what gives it back
   * @throws {AppError} `locked`
   */
  async acquire(key: string, release: () => void, signal: AbortSignal): Promise<() => void> {
    const end = AbortSignal.any([signal, AbortSignal.timeout(this.#waitMs)])
    for (let held = this.#held.get(key); held !== undefined; held = this.#held.get(key)) {
      if (end.aborted) throw new AppError('locked', 'Another request works on this upload', { retryAfterMs: LATER_MS })
      held.release()
      await Promise.race([held.over, once(end, 'abort')])
    }
    let open = (): void => undefined
    const over = new Promise<void>(resolve => {
      open = resolve
    })
    this.#held.set(key, { release, over })
    return () => {
      this.#held.delete(key)
      open()
    }
  }
}
