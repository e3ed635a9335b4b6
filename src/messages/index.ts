import type { Collections, Database } from '../database/index.ts'
import { TokenBuckets } from '../limits/token-buckets.ts'
import { ForwardingService } from './forwarding/forwarding.ts'
import { Origins } from './forwarding/origins.ts'
import { Sources } from './forwarding/sources.ts'
import { HistoryService } from './history.ts'
import { MessageIdAt } from './message-id-at.ts'
import { MessageService } from './messages.ts'
import { PinService } from './pins/pins.ts'
import { ReactionService } from './reactions/reactions.ts'
import { Sending } from './sending.ts'
import { StarService } from './stars/stars.ts'
import { StarStore } from './stars/store.ts'
import { createStarItems } from './stars/user-items.ts'
import { createMessageItems } from './user-items.ts'

/** The collections of what people keep of messages for themselves. */
export const messageCollections: Collections = { stars: StarStore.indexes }

export function createMessageStores({ db }: Database) {
  return { stars: new StarStore(db) }
}

type MessageDeps = Omit<ConstructorParameters<typeof MessageService>[0], 'sending' | 'sends' | 'changes'> &
  ConstructorParameters<typeof Sending>[0] &
  ConstructorParameters<typeof HistoryService>[0] &
  ConstructorParameters<typeof Origins>[0] &
  Omit<ConstructorParameters<typeof StarService>[0], 'messages'>

/** Messages: sending, forwarding, changing and finding them, history, reactions, pins and stars. */
export function createMessages(deps: MessageDeps) {
  const { store, config } = deps
  const { sendsPerSecond: perSecond, sendsBurst: burst } = config.limits
  const changes = new TokenBuckets({ perSecond, burst })
  const sending = new Sending(deps)
  const messages = new MessageService({ ...deps, sending, sends: new TokenBuckets({ perSecond, burst }), changes })
  const sources = new Sources({ store, origins: new Origins(deps) })
  return {
    history: new HistoryService(deps),
    messageIdAt: new MessageIdAt(store),
    messages,
    forwarding: new ForwardingService({ ...deps, sending, sources }),
    pins: new PinService({ ...deps, changes }),
    reactions: new ReactionService({ ...deps, changes }),
    stars: new StarService({ ...deps, messages }),
    messageItems: { ...createMessageItems(store.messages), ...createStarItems(store) }
  }
}
