import type { DatabaseClock } from '../../database/index.ts'
import type { PeriodicJob } from '../../jobs/index.ts'
import type { ConversationStore, MessageHead } from '../../store/conversations.ts'
import { isBehind, type Sealer } from './sealer.ts'
import type { SearchBlockStore } from './store.ts'

/** Conversations of one look. */
const PAGE = 500
/** Overlap of one run with the last one, for late commits, ms. */
const OVERLAP_MS = 10_000
/** Time after which a run goes on in the next one, ms. */
const RUN_MS = 20_000

interface SealingDeps {
  readonly store: { readonly searchBlocks: SearchBlockStore; readonly conversations: ConversationStore }
  readonly clock: DatabaseClock
  readonly sealer: Sealer
  readonly everyMs: number
  readonly idleMs: number
}

/** A follower of the heads: conversations that changed, or that have been silent for so long. */
interface Follower {
  readonly name: string
  readonly isIdle: boolean
  readonly upTo: Date
  readonly deadline: number
}

/**
 * Job that indexes what was said, off the path of sending. It follows the heads twice: at once, for what fills a block
 * and for what was edited or deleted, and after a silence, for the last messages of a conversation. What it misses a
 * search finds unindexed.
 */
export class Sealing implements PeriodicJob {
  readonly name = 'search-blocks'
  readonly everyMs: number
  readonly #deps: SealingDeps

  constructor(deps: SealingDeps) {
    this.#deps = deps
    this.everyMs = deps.everyMs
  }

  async run(): Promise<void> {
    const now = (await this.#deps.clock.read()).getTime()
    const deadline = performance.now() + RUN_MS
    await this.#follow({ name: 'filled', isIdle: false, upTo: new Date(now), deadline })
    await this.#follow({ name: 'idle', isIdle: true, upTo: new Date(now - this.#deps.idleMs), deadline })
  }

  async #follow({ name, isIdle, upTo, deadline }: Follower): Promise<void> {
    const { searchBlocks, conversations } = this.#deps.store
    const before = await searchBlocks.followedUpTo(name)
    let after = new Date(before.getTime() - OVERLAP_MS)
    for (;;) {
      const page = await conversations.lastChangedWithin(after, upTo, PAGE)
      const last = page.at(-1)
      if (last === undefined || !(await this.#seal(page, isIdle, deadline))) return
      // Others may have changed in the same millisecond.
      after = new Date(last.changedAt.getTime() - (page.some(it => it.changedAt < last.changedAt) ? 1 : 0))
      if (after > before) await searchBlocks.setFollowedUpTo(name, after)
      if (page.length < PAGE) return
    }
  }

  /** @returns whether there was time for all of them */
  async #seal(page: readonly MessageHead[], isIdle: boolean, deadline: number): Promise<boolean> {
    const { sealer, store } = this.#deps
    const marks = await store.searchBlocks.marks(page.map(({ _id }) => _id))
    const behind = page.filter(head => isBehind(head, marks.get(head._id.toHexString()), isIdle))
    for (const { _id } of behind) {
      if (performance.now() > deadline) return false
      await sealer.update(_id.toHexString(), { isIdle, deadline })
    }
    return true
  }
}
