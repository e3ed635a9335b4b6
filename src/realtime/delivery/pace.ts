/** Times as long as a piece took, in which nobody goes on. */
const REST = 2

/**
 * Shares the event loop between those who have much to do, and leaves most of it to who has little: one of them goes
 * on at a time, for a short piece, and then all of them rest. Who has more to do at once goes before the others, so
 * that these have read what they need when it is their turn.
 */
export class Pace {
  readonly #waiting: { readonly who: object; go(): void }[] = []
  #last: object | undefined
  #isRunning = false

  /** Resolves when it is the caller's turn to do one piece of a millisecond or two. */
  async turn(who: object): Promise<void> {
    await new Promise<void>(go => {
      this.#waiting[who === this.#last ? 'unshift' : 'push']({ who, go })
      if (!this.#isRunning) setImmediate(() => this.#next())
      this.#isRunning = true
    })
  }

  #next(): void {
    const next = this.#waiting.shift()
    this.#isRunning = next !== undefined
    this.#last = next?.who
    if (next === undefined) return
    const beganAt = performance.now()
    next.go()
    // Once the piece has been done.
    setImmediate(() => setTimeout(() => this.#next(), REST * (performance.now() - beganAt)))
  }
}
