/** Changes that wait behind a gap; more are dropped and read from the store. */
const MAX_HELD = 500

interface Change {
  readonly rev: number
}

/** Dependencies that all streams of a kind share; `S` names the subject of a stream. */
export interface StreamDeps<S, T extends Change> {
  /** Called for every change once, in `rev` order without gaps. */
  deliver: (subject: S, change: T) => void
  /** The changes after a `rev`, dense; a page of them. */
  replay: (subject: S, since: number) => Promise<readonly T[]>
  /** Time a gap may close by itself before it is read from the store, ms. */
  patienceMs: number
  onError: (error: unknown) => void
}

/** Puts the changes of one stream in order, whatever the way they come: late, twice, or not at all. */
export class OrderedStream<S, T extends Change> {
  readonly #subject: S
  readonly #deps: StreamDeps<S, T>
  #rev: number | undefined
  #held: Map<number, T> | undefined
  #expected = 0
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(subject: S, deps: StreamDeps<S, T>) {
    this.#subject = subject
    this.#deps = deps
  }

  /** The last change delivered; undefined while it is not known where the stream stands. */
  get rev(): number | undefined {
    return this.#rev
  }

  /** Says where the stream stands, unless a change has said it already. */
  start(rev: number): void {
    this.#rev ??= rev
  }

  /** Takes a change as it comes. Before the start, the first one says where the stream stands. */
  receive(change: T): void {
    if (this.#rev === undefined || change.rev === this.#rev + 1) {
      this.#advance(change)
      return
    }
    if (change.rev <= this.#rev) return
    this.#held ??= new Map()
    if (this.#held.size < MAX_HELD) this.#held.set(change.rev, change)
    this.expect(change.rev)
  }

  /** The stream is known to have reached this `rev`: what does not come soon is read. */
  expect(rev: number): void {
    if (this.#rev === undefined || rev <= this.#rev || this.#isStopped) return
    this.#expected = Math.max(this.#expected, rev)
    this.#timer ??= setTimeout(() => void this.#fill(), this.#deps.patienceMs).unref()
  }

  /** Stop: nobody listens any more. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  #advance(change: T): void {
    this.#rev = change.rev
    this.#deps.deliver(this.#subject, change)
    const next = this.#held?.get(change.rev + 1)
    if (next === undefined) return
    this.#held?.delete(next.rev)
    this.#advance(next)
  }

  async #fill(): Promise<void> {
    try {
      let before: number | undefined
      while (this.#isBehind() && this.#rev !== before) {
        before = this.#rev
        for (const change of await this.#deps.replay(this.#subject, before ?? 0)) this.receive(change)
      }
    } catch (error) {
      this.#deps.onError(error)
    }
    this.#timer = undefined
    this.#dropOvertaken()
  }

  #isBehind(): boolean {
    return !this.#isStopped && this.#rev !== undefined && this.#rev < this.#expected
  }

  #dropOvertaken(): void {
    for (const rev of this.#held?.keys() ?? []) if (rev <= (this.#rev ?? 0)) this.#held?.delete(rev)
    if (this.#held?.size === 0) this.#held = undefined
  }
}
