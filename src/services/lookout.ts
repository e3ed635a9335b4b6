import type { Store } from '../store/index.ts'

/** Each look goes back further than the last one by this, for what was committed late, ms. */
const OVERLAP_MS = 10_000

/** Where conversations and accounts stand that changed lately, and which sessions ended, whichever server did it. */
export interface HeadsMoved {
  readonly conversations: readonly { readonly id: string; readonly rev: number }[]
  readonly accounts: readonly { readonly id: string; readonly rev: number }[]
  readonly endedSessionIds: readonly string[]
}

interface LookoutParts {
  store: Pick<Store, 'accounts' | 'conversations' | 'sessions' | 'now'>
  /** How often the heads that moved are looked at, ms. */
  intervalMs: number
  onError: (error: unknown) => void
}

/**
 * Finds at intervals what other processes have done, by the database's clock. The clock only narrows the
 * search; whether something was missed is told by its `rev`.
 */
export class Lookout {
  readonly #parts: LookoutParts
  readonly #listeners: ((moved: HeadsMoved) => void)[] = []
  #since: Date | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false
  #lookedAt = performance.now()

  constructor(parts: LookoutParts) {
    this.#parts = parts
  }

  /** How long ago the last look came to its end, ms. */
  get ageMs(): number {
    return performance.now() - this.#lookedAt
  }

  subscribe(listener: (moved: HeadsMoved) => void): void {
    this.#listeners.push(listener)
  }

  async start(): Promise<void> {
    this.#since = new Date((await this.#parts.store.now()).getTime() - OVERLAP_MS)
    this.#schedule()
  }

  stop(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #schedule(): void {
    if (this.#isClosed) return
    this.#timer = setTimeout(() => {
      this.#look()
        .catch(this.#parts.onError)
        .finally(() => this.#schedule())
    }, this.#parts.intervalMs).unref()
  }

  async #look(): Promise<void> {
    const { store } = this.#parts
    const since = this.#since ?? new Date()
    const now = await store.now()
    const [conversations, accounts, endedSessionIds] = await Promise.all([
      store.conversations.movedSince(since),
      store.accounts.movedSince(since),
      store.sessions.revokedSince(since)
    ])
    this.#since = new Date(now.getTime() - OVERLAP_MS)
    this.#lookedAt = performance.now()
    for (const listener of this.#listeners) listener({ conversations, accounts, endedSessionIds })
  }
}
