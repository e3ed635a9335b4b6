import { MessageDeleted } from '../../../protocol/messages/events.ts'
import type { PeriodicJob } from '../../jobs/index.ts'
import { presentMessage } from '../../present/present.ts'
import type { Commits } from '../../store/commit/commits.ts'
import { tombstoneOf } from '../../store/tombstones.ts'
import type { ExpiredMessage, ExpiredMessageStore } from './store.ts'

/** Messages that are removed together. */
const BATCH = 200
/** Time of one run, ms: what is left then is for the next one. */
const RUN_MS = 4_000

interface RemovalDeps {
  readonly store: { readonly commits: Commits; readonly expired: ExpiredMessageStore }
  readonly onError: (error: unknown) => void
  /** Pause between two runs, ms. */
  readonly everyMs: number
}

/**
 * The job of one server that stores messages that are over as tombstones, in the order in which they were over, and
 * tells everybody. What fails is reported, passed over, and tried again with the next run.
 */
export function createRemoval({ store: { commits, expired }, onError, everyMs }: RemovalDeps): PeriodicJob {
  const remove = async ({ _id, conversationId }: ExpiredMessage): Promise<void> => {
    await commits.run(conversationId.toHexString(), {
      messageId: _id,
      decide: draft => {
        const message = draft.message(_id)
        // Others may have removed it meanwhile.
        if (message?.deletedAt === undefined || message.expiresAt === undefined) return
        const tombstone = draft.replace(tombstoneOf(message, message.deletedAt))
        draft.emit(MessageDeleted, () => presentMessage(tombstone), { seq: tombstone.seq })
      }
    })
  }
  return {
    name: 'expiry',
    everyMs,
    run: async () => {
      const until = performance.now() + RUN_MS
      let found: ExpiredMessage[] = []
      do {
        found = await expired.find(BATCH, found.at(-1))
        await Promise.all(found.map(async message => await remove(message).catch(onError)))
      } while (found.length === BATCH && performance.now() < until)
    }
  }
}
