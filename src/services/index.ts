import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config.ts'
import { TokenBuckets } from '../limits/token-buckets.ts'
import type { Store } from '../store/index.ts'
import { AuthService } from './auth.ts'
import { ConversationListService } from './conversation-list.ts'
import { ConversationService } from './conversations.ts'
import { GroupService } from './groups.ts'
import { HealthService } from './health.ts'
import { HistoryService } from './history.ts'
import { Lookout } from './lookout.ts'
import { MessageService } from './messages.ts'
import { PreferenceService } from './preferences.ts'
import { PresenceService } from './presence.ts'
import { tellCommits } from './publisher.ts'
import { ReactionService } from './reactions.ts'
import { ReceiptService } from './receipts.ts'
import { ReplayService } from './replay.ts'
import { SessionService } from './sessions.ts'
import { SyncService } from './sync.ts'
import { TypingService } from './typing.ts'
import { UserService } from './users.ts'

export type { Actor } from './actor.ts'
export type { CommitCounts } from './publisher.ts'
export { requireCursor } from './receipts.ts'

interface ServiceParts {
  store: Store
  bus: Bus
  config: Config & { JWT_SECRET: string[] }
  onError: (error: unknown) => void
}

/** Every rule of Parley: what may be done, by whom, and what it changes. */
export type Services = ReturnType<typeof createServices>

/** Builds the services on a store and a bus, and lets the bus hear of every commit. */
export function createServices({ store, bus, config, onError }: ServiceParts) {
  const parts = { store, bus, config }
  const users = new UserService(parts)
  const sessions = new SessionService({ ...parts, users })
  const conversations = new ConversationService({ store, users, config })
  const sync = new SyncService({ store, conversations, users })
  const lookout = new Lookout({ store, bus, onError })
  const receipts = new ReceiptService(parts)
  const { limits } = config
  return {
    auth: new AuthService({ ...parts, sessions, users }),
    commits: tellCommits(store.commits, bus),
    conversations,
    conversationList: new ConversationListService({ store, conversations }),
    groups: new GroupService({ store, users, config }),
    health: new HealthService({ store, lookout }),
    history: new HistoryService({ store }),
    lookout,
    messages: new MessageService({ ...parts, sends: new TokenBuckets(limits.sendsPerSecond, limits.sendsBurst) }),
    preferences: new PreferenceService({ store, bus, receipts }),
    presence: new PresenceService(parts),
    reactions: new ReactionService(parts),
    receipts,
    replay: new ReplayService({ store, sync }),
    sessions,
    sync,
    typing: new TypingService(parts),
    users
  }
}
