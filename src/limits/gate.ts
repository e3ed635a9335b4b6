import { AppError } from '../errors.ts'

/** Lets a few through at once; the others wait in line, and beyond its length are sent away. */
export class Gate {
  readonly #width: number
  readonly #maxWaiting: number
  readonly #refuse: () => AppError
  readonly #waiting: (() => void)[] = []
  #running = 0

  /** @param refuse what is thrown at who comes when too many wait already; `busy` unless told */
  constructor(width: number, maxWaiting: number, refuse = busy) {
    this.#width = width
    this.#maxWaiting = maxWaiting
    this.#refuse = refuse
  }

  /** Runs the work when it is its turn. @throws {AppError} when too many wait already */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter()
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < this.#width) {
      this.#running += 1
      return
    }
    if (this.#waiting.length >= this.#maxWaiting) throw this.#refuse()
    await new Promise<void>(resolve => this.#waiting.push(resolve))
  }
}

/** Refusal of what comes when too much waits already. */
export function busy(): AppError {
  return new AppError('busy', 'Too many are waiting; try again', { retryAfterMs: 2_000 })
}
