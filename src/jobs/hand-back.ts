import { setImmediate as turn } from 'node:timers/promises'
import type { SettledItem, WorkStore } from './store.ts'

/** Hands items back, all that come while one write is under way together in the next. */
export class HandBack {
  readonly #store: Pick<WorkStore, 'settle'>
  readonly #onError: (error: unknown) => void
  #waiting: SettledItem[] = []
  #writing: Promise<void> | undefined

  constructor(store: Pick<WorkStore, 'settle'>, onError: (error: unknown) => void) {
    this.#store = store
    this.#onError = onError
  }

  /** Queue a result. One that cannot be written is reported; its item is due again when the lease is over. */
  add(settled: SettledItem): void {
    this.#waiting.push(settled)
    this.#writing ??= this.#write()
  }

  /** Resolves when everything is written. */
  async done(): Promise<void> {
    await this.#writing
  }

  async #write(): Promise<void> {
    // Runs that end in the same turn go together.
    await turn()
    while (this.#waiting.length > 0) {
      const settled = this.#waiting
      this.#waiting = []
      await this.#store.settle(settled).catch(this.#onError)
    }
    this.#writing = undefined
  }
}
