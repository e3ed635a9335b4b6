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
export function createSealing({ store, clock, sealer, everyMs, idleMs }: SealingDeps): PeriodicJob {
  async function follow({ name, isIdle, upTo, deadline }: Follower): Promise<void> {
    const before = await store.searchBlocks.followedUpTo(name)
    let after = new Date(before.getTime() - OVERLAP_MS)
    for (;;) {
      const page = await store.conversations.lastChangedWithin(after, upTo, PAGE)
      await seal(page, isIdle, deadline)
      const last = page.at(-1)
      if (last === undefined || performance.now() > deadline) return
      after = last.changedAt
      if (after > before) await store.searchBlocks.setFollowedUpTo(name, after)
      if (page.length < PAGE) return
    }
  }

  async function seal(page: readonly MessageHead[], isIdle: boolean, deadline: number): Promise<void> {
    const marks = await store.searchBlocks.marks(page.map(({ _id }) => _id))
    for (const head of page) {
      const id = head._id.toHexString()
      if (!isBehind(head, marks.get(id), isIdle)) continue
      await sealer.update(id, { isIdle, deadline })
      if (performance.now() > deadline) return
    }
  }

  return {
    name: 'search-blocks',
    everyMs,
    run: async () => {
      const now = (await clock.read()).getTime()
      const deadline = performance.now() + RUN_MS
      await follow({ name: 'filled', isIdle: false, upTo: new Date(now), deadline })
      await follow({ name: 'idle', isIdle: true, upTo: new Date(now - idleMs), deadline })
    }
  }
}
