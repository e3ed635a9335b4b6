import { busy } from './gate.ts'

interface FairGateOptions {
  /** Work at once: of all together, and of one person. */
  readonly width: number
  readonly widthEach: number
  /** Work that waits: of all together, and of one person. */
  readonly maxWaiting: number
  readonly maxWaitingEach: number
}

/** Work of one person: how much is under way, and what waits. */
interface Line {
  running: number
  readonly waiting: (() => void)[]
}

/** Gate that lets a few through at once, of one person fewer; of those who wait, one person after the other has a turn. */
export class FairGate {
  readonly #options: FairGateOptions
  /** Everybody who has work here, whoever had the last turn at the end. */
  readonly #lines = new Map<string, Line>()
  #running = 0
  #waiting = 0

  constructor(options: FairGateOptions) {
    this.#options = options
  }

  /** Runs the work when it is the person's turn. @throws {AppError} `busy` when too much waits already, of theirs or in all */
  async run<T>(person: string, work: () => Promise<T>): Promise<T> {
    await this.#enter(person)
    try {
      return await work()
    } finally {
      this.#leave(person)
    }
  }

  async #enter(person: string): Promise<void> {
    const line = this.#lines.get(person) ?? { running: 0, waiting: [] }
    if (this.#isFree(line)) return this.#begin(person, line)
    const { maxWaiting, maxWaitingEach } = this.#options
    if (this.#waiting >= maxWaiting || line.waiting.length >= maxWaitingEach) throw busy()
    this.#lines.set(person, line)
    this.#waiting += 1
    await new Promise<void>(resolve => line.waiting.push(resolve))
  }

  #leave(person: string): void {
    const line = this.#lines.get(person)
    if (line === undefined) return
    this.#running -= 1
    line.running -= 1
    if (line.running === 0 && line.waiting.length === 0) this.#lines.delete(person)
    this.#callNext()
  }

  #callNext(): void {
    for (const [person, line] of this.#lines) {
      const next = this.#isFree(line) ? line.waiting.shift() : undefined
      if (next === undefined) continue
      this.#waiting -= 1
      this.#begin(person, line)
      next()
      return
    }
  }

  #isFree({ running }: Line): boolean {
    return this.#running < this.#options.width && running < this.#options.widthEach
  }

  #begin(person: string, line: Line): void {
    this.#running += 1
    line.running += 1
    this.#lines.delete(person)
    this.#lines.set(person, line)
  }
}
