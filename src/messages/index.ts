import type { Collections, Database } from '../database/index.ts'
import { TokenBuckets } from '../limits/token-buckets.ts'
import { createRequireAnswerable } from './answerable.ts'
import { DraftService } from './drafts/drafts.ts'
import { MessageDraftStore } from './drafts/store.ts'
import { createDraftItems } from './drafts/user-items.ts'
import { HistoryService } from './history.ts'
import { MessageIdAt } from './message-id-at.ts'
import { MessageService } from './messages.ts'
import { ReactionService } from './reactions/reactions.ts'
import { createMessageItems } from './user-items.ts'

type MessageDeps = Omit<ConstructorParameters<typeof MessageService>[0], 'sends' | 'changes'> &
  ConstructorParameters<typeof HistoryService>[0] &
  Omit<ConstructorParameters<typeof DraftService>[0], 'requireAnswerable'>

/** The collections of what belongs to messages and is none. */
export const messageCollections: Collections = { messageDrafts: MessageDraftStore.indexes }

export function createMessageStores({ db }: Database) {
  return { messageDrafts: new MessageDraftStore(db) }
}

/** Messages: sending, changing and finding them, history, reactions, and drafts. */
export function createMessages(deps: MessageDeps) {
  const { store, config } = deps
  const { sendsPerSecond: perSecond, sendsBurst: burst } = config.limits
  const changes = new TokenBuckets({ perSecond, burst })
  const requireAnswerable = createRequireAnswerable(store)
  return {
    drafts: new DraftService({ ...deps, requireAnswerable }),
    history: new HistoryService(deps),
    messageIdAt: new MessageIdAt(store),
    messages: new MessageService({ ...deps, sends: new TokenBuckets({ perSecond, burst }), changes }),
    reactions: new ReactionService({ ...deps, changes }),
    messageItems: { ...createMessageItems(store.messages), ...createDraftItems(store.messageDrafts) }
  }
}
