import { setImmediate as turn } from 'node:timers/promises'

/** Time after which long work lets others go first, ms. */
const TURN_MS = 10

/** Pauses in long work of this process. */
export class Pauses {
  #pausedAt = performance.now()

  /** Lets others go first, where the last time was a while ago. */
  async pause(): Promise<void> {
    if (performance.now() - this.#pausedAt < TURN_MS) return
    await turn()
    this.#pausedAt = performance.now()
  }
}
