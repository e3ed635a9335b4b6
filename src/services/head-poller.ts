import type { Bus } from '../bus/bus.ts'
import type { PeriodicJob } from '../jobs/index.ts'
import type { Store } from '../store/index.ts'

/** How often the heads that moved are looked at, ms. */
const INTERVAL_MS = 2_000
/** Each look goes back further than the last one by this, for what was committed late, ms. */
const OVERLAP_MS = 10_000

interface HeadPollerDeps {
  store: Pick<Store, 'accounts' | 'conversations' | 'sessions' | 'now'>
  bus: Bus
}

/**
 * Finds every two seconds what other processes have done, by the database's clock. The clock only narrows the search;
 * whether something was missed is told by its `rev`. A job of each server.
 */
export class HeadPoller implements PeriodicJob {
  readonly name = 'head-poller'
  readonly everyMs = INTERVAL_MS
  readonly #deps: HeadPollerDeps
  #since: Date | undefined

  constructor(deps: HeadPollerDeps) {
    this.#deps = deps
  }

  async run(): Promise<void> {
    const { store, bus } = this.#deps
    const next = new Date((await store.now()).getTime() - OVERLAP_MS)
    this.#since ??= next
    const [conversations, accounts, sessions] = await Promise.all([
      store.conversations.movedSince(this.#since),
      store.accounts.movedSince(this.#since),
      store.sessions.revokedSince(this.#since)
    ])
    this.#since = next
    bus.emit('moved', { conversations, accounts })
    for (const sessionId of sessions) bus.emit('sessionEnd', { sessionId })
  }
}
