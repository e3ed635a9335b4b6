import { EventEmitter } from 'node:events'
import type { QrState } from '../../../protocol/accounts/entities.ts'

/** Tells those who wait for a code that it has changed in this process, or that it is time to look what others did. */
export class CodeChanges {
  readonly #pollMs: number
  /** Says the id of a code. */
  readonly #changes = new EventEmitter().setMaxListeners(0)

  constructor(pollMs: number) {
    this.#pollMs = pollMs
  }

  emit(id: string): void {
    this.#changes.emit(id)
  }

  /** Resolves when the code has changed here, or it is time to look, or it has expired. Rejects when aborted. */
  async nextLook({ id, expiresAt }: Pick<QrState, 'id' | 'expiresAt'>, signal: AbortSignal): Promise<void> {
    const untilExpiry = Date.parse(expiresAt) - Date.now()
    signal.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const settle = (done: () => void) => (): void => {
        clearTimeout(timer)
        this.#changes.off(id, look)
        signal.removeEventListener('abort', abort)
        done()
      }
      const look = settle(resolve)
      const abort = settle(() => reject(signal.reason))
      const timer = setTimeout(look, untilExpiry > 0 ? Math.min(this.#pollMs, untilExpiry) : this.#pollMs)
      this.#changes.once(id, look)
      signal.addEventListener('abort', abort, { once: true })
    })
  }
}
