/** Passes on the newest value of each key: at once after a pause, and then at most once in an interval. */
export class Coalescer<T> {
  readonly #intervalMs: number
  readonly #passOn: (value: T) => void
  /** Values that wait, by key; undefined where the interval runs and nothing has come since. */
  readonly #waiting = new Map<string, T | undefined>()

  /** @param intervalMs time between two values of one key */
  constructor(intervalMs: number, passOn: (value: T) => void) {
    this.#intervalMs = intervalMs
    this.#passOn = passOn
  }

  /** Takes a value in the place of the one that waits. */
  push(key: string, value: T): void {
    if (this.#waiting.has(key)) {
      this.#waiting.set(key, value)
      return
    }
    this.#pass(key, value)
  }

  #pass(key: string, value: T): void {
    this.#waiting.set(key, undefined)
    setTimeout(() => this.#next(key), this.#intervalMs).unref()
    this.#passOn(value)
  }

  #next(key: string): void {
    const value = this.#waiting.get(key)
    if (value === undefined) this.#waiting.delete(key)
    else this.#pass(key, value)
  }
}
