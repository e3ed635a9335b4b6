import { TokenBuckets } from '../limits/token-buckets.ts'
import { HistoryService } from './history.ts'
import { MessageIdAt } from './message-id-at.ts'
import { MessageService } from './messages.ts'
import { ReactionService } from './reactions/reactions.ts'
import { createMessageItems } from './user-items.ts'

type MessageDeps = Omit<ConstructorParameters<typeof MessageService>[0], 'sends' | 'changes'> &
  ConstructorParameters<typeof HistoryService>[0]

/** Messages: sending, changing and finding them, history, and reactions. */
export function createMessages(deps: MessageDeps) {
  const { store, config } = deps
  const { sendsPerSecond: perSecond, sendsBurst: burst } = config.limits
  const changes = new TokenBuckets({ perSecond, burst })
  return {
    history: new HistoryService(deps),
    messageIdAt: new MessageIdAt(store),
    messages: new MessageService({ ...deps, sends: new TokenBuckets({ perSecond, burst }), changes }),
    reactions: new ReactionService({ ...deps, changes }),
    messageItems: createMessageItems(store.messages)
  }
}
