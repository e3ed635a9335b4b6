import type { SessionStore } from '../accounts/sessions/store.ts'
import type { Database } from '../database/index.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { HeadsMoved } from '../streams/positions.ts'
import type { AccountStore } from '../streams/store.ts'

/** Each look goes back further than the last one by this, for what was committed late, ms. */
const OVERLAP_MS = 10_000

interface HeadPollerDeps {
  store: {
    readonly accounts: AccountStore
    readonly conversations: ConversationStore
    readonly sessions: SessionStore
  } & Pick<Database, 'now'>
  /** How often the heads that moved are looked at, ms. */
  intervalMs: number
  onError: (error: unknown) => void
}

/**
 * Finds at intervals what other processes have done, by the database's clock. The clock only narrows the
 * search; whether something was missed is told by its `rev`.
 */
export class HeadPoller {
  readonly #deps: HeadPollerDeps
  readonly #listeners: ((moved: HeadsMoved) => void)[] = []
  #since: Date | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false
  #lookedAt = performance.now()

  constructor(parts: HeadPollerDeps) {
    this.#deps = parts
  }

  /** How long ago the last look came to its end, ms. */
  get ageMs(): number {
    return performance.now() - this.#lookedAt
  }

  subscribe(listener: (moved: HeadsMoved) => void): void {
    this.#listeners.push(listener)
  }

  async start(): Promise<void> {
    this.#since = new Date((await this.#deps.store.now()).getTime() - OVERLAP_MS)
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
        .catch(this.#deps.onError)
        .finally(() => this.#schedule())
    }, this.#deps.intervalMs).unref()
  }

  async #look(): Promise<void> {
    const { store } = this.#deps
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
