import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config.ts'
import type { Delivery } from '../delivery/port.ts'
import type { Jobs } from '../jobs/index.ts'
import { TokenBuckets } from '../limits/token-buckets.ts'
import type { Store } from '../store/index.ts'
import { AccountItems } from './account-items.ts'
import { AuthService } from './auth.ts'
import { BlockService } from './blocks.ts'
import { Codes } from './codes.ts'
import { ContactService } from './contacts.ts'
import { ConversationListService } from './conversation-list.ts'
import { ConversationService } from './conversations.ts'
import { FriendService } from './friends.ts'
import { GroupService } from './groups.ts'
import { HeadPoller } from './head-poller.ts'
import { HealthService } from './health.ts'
import { HistoryService } from './history.ts'
import { MarkService } from './marks.ts'
import { MessageService } from './messages.ts'
import { OtpService } from './otp.ts'
import { Pairs, PeerService } from './pairs.ts'
import { Passwords } from './passwords.ts'
import { PreferenceService } from './preferences.ts'
import { PresenceService } from './presence.ts'
import { tellCommits } from './publisher.ts'
import { QrService } from './qr.ts'
import { ReactionService } from './reactions.ts'
import { ReceiptService } from './receipts.ts'
import { ReplayService } from './replay.ts'
import { RequestService } from './requests.ts'
import { ResumptionService } from './resumption.ts'
import { SessionService } from './sessions.ts'
import { SettingsService } from './settings.ts'
import { StartPolicy } from './start-policy.ts'
import { SummaryService } from './summaries.ts'
import { SyncService } from './sync.ts'
import { TypingService } from './typing.ts'
import { UserService } from './users.ts'
import { Visibility } from './visibility.ts'

export type { Actor } from './actor.ts'
export { given } from './given.ts'
export { offline } from './presence.ts'
export type { CommitCounts } from './publisher.ts'
export { requireCursor } from './receipts.ts'
export { MARGIN_MS, RecentPlaces } from './recent-places.ts'
export type { Bookmark, Missed } from './resumption.ts'
export type { Participant, Summary } from './summaries.ts'

interface ServiceParts {
  store: Store
  bus: Bus
  config: Config & { JWT_SECRET: string[] }
  delivery: Delivery
  jobs: Pick<Jobs, 'everyServer'>
  onError: (error: unknown) => void
}

/** Every rule of Parley: what may be done, by whom, and what it changes. */
export type Services = ReturnType<typeof createServices>

/** Builds the services on a store and a bus, and lets the bus hear of every commit. */
export function createServices({ delivery, jobs, ...parts }: ServiceParts) {
  const { store, bus, config, onError } = parts
  const people = createPeople(parts)
  const { users, blocks, conversations, sessions, presence, requests, settings } = people
  const items = new AccountItems({ store, settings, requests })
  const sync = new SyncService({ store, conversations, users, people: items })
  const replay = new ReplayService({ store, sync })
  const receipts = new ReceiptService({ ...parts, blocks })
  const pairs = new Pairs(store)
  const signIn = { ...parts, sessions, users, passwords: new Passwords(), codes: new Codes(parts) }
  const { sendsPerSecond, sendsBurst } = config.limits
  return {
    ...people,
    auth: new AuthService(signIn),
    commits: tellCommits(store.commits, bus),
    contacts: new ContactService({ ...parts, users, blocks }),
    conversationList: new ConversationListService({ store, conversations }),
    friends: new FriendService({ ...parts, users, presence }),
    groups: new GroupService({ store, users, blocks, config }),
    health: new HealthService({ store, headPoller: jobs.everyServer(new HeadPoller({ store, bus })) }),
    history: new HistoryService({ store }),
    marks: new MarkService(store),
    messages: new MessageService({ ...parts, sends: new TokenBuckets(sendsPerSecond, sendsBurst) }),
    otp: new OtpService({ ...signIn, delivery, onError }),
    pairs,
    peers: new PeerService(store),
    preferences: new PreferenceService({ store, bus, receipts }),
    qr: new QrService(signIn),
    reactions: new ReactionService(parts),
    receipts,
    replay,
    resumption: new ResumptionService({ store, replay }),
    summaries: new SummaryService({ store, users, blocks }),
    sync,
    typing: new TypingService({ ...parts, blocks, pairs })
  }
}

/** Those who are somebody to somebody else: what they are to each other decides much of what the rest may do. */
function createPeople(parts: Pick<ServiceParts, 'store' | 'bus' | 'config'>) {
  const { store, config } = parts
  const visibility = new Visibility(store)
  const users = new UserService({ ...parts, visibility })
  const blocks = new BlockService({ ...parts, users })
  const conversations = new ConversationService({ store, users, blocks, starts: new StartPolicy(store), config })
  return {
    users,
    blocks,
    conversations,
    presence: new PresenceService({ ...parts, visibility }),
    requests: new RequestService({ ...parts, users, blocks, conversations }),
    sessions: new SessionService({ ...parts, users }),
    settings: new SettingsService(parts)
  }
}
