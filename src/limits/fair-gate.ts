import { busy } from './gate.ts'

/** Turns after which one goes to who is not urgent. */
const URGENT_TURNS = 3

/** Somebody who waits. */
interface Waiter {
  enter(): void
  refuse(): void
}

/** Turn that a party asks for, and how urgently. */
export interface Turn {
  /** Party that takes turns with the others. */
  readonly party: string
  /** Bound of what this party has in the line, in place of the gate's. */
  readonly maxWaiting?: number
  /** Goes before who is not, three times in four; unless told it is urgent. */
  readonly isUrgent?: boolean
}

interface FairGateOptions {
  /** Through at once: of all together, and of one party (unless told as many). */
  readonly width: number
  readonly widthEach?: number
  /** In the line: of all parties, and of one (unless told as many). */
  readonly maxWaiting: number
  readonly maxWaitingEach?: number
  /** Asked at each turn, before the work: where it rejects, those who wait are all refused soon. */
  readonly requireReady?: () => Promise<void>
}

/**
 * Lets a few through at once; the others wait in a line in which parties take turns, so that nobody waits for how many
 * somebody else has brought. When the line is full, the longest party's last is sent away.
 */
export class FairGate {
  readonly #options: Required<FairGateOptions>
  readonly #urgent = new Line()
  readonly #others = new Line()
  /** Through at the moment, by party. */
  readonly #running = new Map<string, number>()
  #runningCount = 0
  #turns = 0

  constructor({
    width,
    widthEach = width,
    maxWaiting,
    maxWaitingEach = maxWaiting,
    requireReady = async () => undefined
  }: FairGateOptions) {
    this.#options = { width, widthEach, maxWaiting, maxWaitingEach, requireReady }
  }

  /** Runs the work when it is its turn. @throws {AppError} `busy` when too many of the party, or of all, wait already */
  async run<T>(turn: Turn, work: () => Promise<T>): Promise<T> {
    await this.#enter(turn)
    try {
      await this.#options.requireReady()
      return await work()
    } finally {
      this.#leave(turn.party)
    }
  }

  async #enter({ party, maxWaiting = this.#options.maxWaitingEach, isUrgent = true }: Turn): Promise<void> {
    if (this.#runningCount < this.#options.width && this.#isFree(party)) return this.#begin(party)
    const line = isUrgent ? this.#urgent : this.#others
    const count = line.countOf(party)
    if (count >= maxWaiting) throw busy()
    if (this.#urgent.count + this.#others.count >= this.#options.maxWaiting) this.#makeRoom(count)
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        this.#begin(party)
        resolve()
      }
      line.add(party, { enter, refuse: () => reject(busy()) })
    })
  }

  #begin(party: string): void {
    this.#runningCount += 1
    this.#running.set(party, (this.#running.get(party) ?? 0) + 1)
  }

  #leave(party: string): void {
    this.#runningCount -= 1
    const left = (this.#running.get(party) ?? 1) - 1
    if (left > 0) this.#running.set(party, left)
    else this.#running.delete(party)
    this.#next()?.enter()
  }

  #isFree(party: string): boolean {
    return (this.#running.get(party) ?? 0) < this.#options.widthEach
  }

  /** Sends the last of the longest party away, for one who has fewer. @throws {AppError} `busy` when there is no such party */
  #makeRoom(count: number): void {
    const line = this.#others.longest >= this.#urgent.longest ? this.#others : this.#urgent
    if (line.longest <= count + 1) throw busy()
    line.takeLast()?.refuse()
  }

  #next(): Waiter | undefined {
    this.#turns += 1
    const isOthers = this.#turns % (URGENT_TURNS + 1) === 0
    const [first, second] = isOthers ? [this.#others, this.#urgent] : [this.#urgent, this.#others]
    const isFree = (party: string): boolean => this.#isFree(party)
    return first.takeNext(isFree) ?? second.takeNext(isFree)
  }
}

/** Parties that take turns, each with those of it who wait. */
class Line {
  count = 0
  /** In the order of their turns. */
  readonly #parties = new Map<string, Waiter[]>()

  countOf(party: string): number {
    return this.#parties.get(party)?.length ?? 0
  }

  /** Count of the party that has most. */
  get longest(): number {
    return Math.max(0, ...Array.from(this.#parties.values(), ({ length }) => length))
  }

  add(party: string, waiter: Waiter): void {
    this.count += 1
    const waiters = this.#parties.get(party)
    if (waiters === undefined) this.#parties.set(party, [waiter])
    else waiters.push(waiter)
  }

  /** Takes the first of the free party whose turn it is, which is the last one then. */
  takeNext(isFree: (party: string) => boolean): Waiter | undefined {
    for (const [party, waiters] of this.#parties) {
      if (!isFree(party)) continue
      const waiter = waiters.shift()
      this.#parties.delete(party)
      if (waiters.length > 0) this.#parties.set(party, waiters)
      this.count -= 1
      return waiter
    }
    return undefined
  }

  /** Takes the last of the party that has most, of more than one. */
  takeLast(): Waiter | undefined {
    const { longest } = this
    for (const waiters of this.#parties.values()) {
      if (waiters.length < longest || longest < 2) continue
      this.count -= 1
      return waiters.pop()
    }
    return undefined
  }
}
