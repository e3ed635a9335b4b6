import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config.ts'
import type { Delivery } from '../delivery/port.ts'
import { TokenBuckets } from '../limits/token-buckets.ts'
import type { Store } from '../store/index.ts'
import { AuthService } from './auth.ts'
import { Codes } from './codes.ts'
import { ConversationService } from './conversations.ts'
import { GroupService } from './groups.ts'
import { HealthService } from './health.ts'
import { Lookout } from './lookout.ts'
import { MarkService } from './marks.ts'
import { MessageService } from './messages.ts'
import { Pairs, PeerService } from './pairs.ts'
import { OtpService } from './otp.ts'
import { Passwords } from './passwords.ts'
import { PresenceService } from './presence.ts'
import { tellCommits } from './publisher.ts'
import { QrService } from './qr.ts'
import { ReactionService } from './reactions.ts'
import { ReceiptService } from './receipts.ts'
import { ReplayService } from './replay.ts'
import { ResumptionService } from './resumption.ts'
import { SessionService } from './sessions.ts'
import { SummaryService } from './summaries.ts'
import { SyncService } from './sync.ts'
import { TypingService } from './typing.ts'
import { UserService } from './users.ts'

export type { Actor } from './actor.ts'
export type { CommitCounts } from './publisher.ts'
export { requireCursor } from './receipts.ts'
export { type Missed, RecentPlaces } from './resumption.ts'
export type { Participant, Summary } from './summaries.ts'

interface ServiceParts {
  store: Store
  bus: Bus
  config: Config & { JWT_SECRET: string[] }
  delivery: Delivery
  onError: (error: unknown) => void
}

/** Every rule of Parley: what may be done, by whom, and what it changes. */
export type Services = ReturnType<typeof createServices>

/** Builds the services on a store and a bus, and lets the bus hear of every commit. */
export function createServices({ store, bus, config, delivery, onError }: ServiceParts) {
  const parts = { store, bus, config }
  const users = new UserService(parts)
  const sessions = new SessionService({ ...parts, users })
  const conversations = new ConversationService({ store, users, config })
  const sync = new SyncService({ store, conversations, users })
  const lookout = new Lookout({ store, bus, onError })
  const replay = new ReplayService({ store, sync })
  const { limits } = config
  const pairs = new Pairs(store)
  const signIn = { ...parts, sessions, users, passwords: new Passwords(), codes: new Codes(parts) }
  return {
    auth: new AuthService(signIn),
    commits: tellCommits(store.commits, bus),
    conversations,
    groups: new GroupService({ store, users, config }),
    health: new HealthService({ store, lookout }),
    lookout,
    marks: new MarkService(store),
    messages: new MessageService({ ...parts, sends: new TokenBuckets(limits.sendsPerSecond, limits.sendsBurst) }),
    pairs,
    peers: new PeerService(store),
    otp: new OtpService({ ...signIn, delivery, onError }),
    presence: new PresenceService(parts),
    qr: new QrService(signIn),
    reactions: new ReactionService(parts),
    receipts: new ReceiptService(parts),
    replay,
    resumption: new ResumptionService({ store, replay }),
    sessions,
    summaries: new SummaryService({ store, users }),
    sync,
    typing: new TypingService({ ...parts, pairs }),
    users
  }
}
