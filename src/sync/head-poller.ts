import type { SessionStore } from '../accounts/index.ts'
import type { DatabaseClock } from '../database/index.ts'
import type { PeriodicJob } from '../jobs/index.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { HeadsMoved } from '../streams/positions.ts'
import type { AccountStore } from '../streams/store.ts'
import type { StandingStore } from '../users/index.ts'

/** Overlap of one look with the last one, for late commits, ms. */
const OVERLAP_MS = 10_000

interface HeadPollerDeps {
  readonly clock: DatabaseClock
  readonly store: {
    readonly accounts: AccountStore
    readonly conversations: ConversationStore
    readonly sessions: SessionStore
    readonly standings: StandingStore
  }
  /** Interval at which moved heads are read, ms. */
  readonly intervalMs: number
}

/**
 * Finds at intervals what other servers have done, by the database's clock. The clock only narrows the search; whether
 * something was missed is told by its `rev`. A job of each server.
 */
export class HeadPoller implements PeriodicJob {
  readonly name = 'head-poller'
  readonly everyMs: number
  readonly #clock: DatabaseClock
  readonly #store: HeadPollerDeps['store']
  readonly #listeners: ((moved: HeadsMoved) => void)[] = []
  #since: Date | undefined
  #lookedAt = 0

  constructor({ clock, store, intervalMs }: HeadPollerDeps) {
    this.#clock = clock
    this.#store = store
    this.everyMs = intervalMs
  }

  /** Start of the last whole look, by the database's clock, ms since 1970: what was committed well before is known here. */
  get lookedAt(): number {
    return this.#lookedAt
  }

  subscribe(listener: (moved: HeadsMoved) => void): void {
    this.#listeners.push(listener)
  }

  async run(): Promise<void> {
    const { accounts, conversations, sessions, standings } = this.#store
    const lookedAt = (await this.#clock.read()).getTime()
    const next = new Date(lookedAt - OVERLAP_MS)
    const since = this.#since ?? next
    const [movedConversations, movedAccounts, endedSessionIds, disabledUserIds] = await Promise.all([
      conversations.movedSince(since),
      accounts.movedSince(since),
      sessions.revokedSince(since),
      standings.disabledSince(since)
    ])
    this.#since = next
    const moved = { conversations: movedConversations, accounts: movedAccounts, endedSessionIds, disabledUserIds }
    for (const listener of this.#listeners) listener(moved)
    this.#lookedAt = lookedAt
  }
}
