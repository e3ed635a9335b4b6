import { Codes } from './accounts/codes/codes.ts'
import { OtpService } from './accounts/codes/otp.ts'
import type { Delivery } from './accounts/delivery/port.ts'
import { AuthService } from './accounts/passwords/password-sign-in.ts'
import { Passwords } from './accounts/passwords/passwords.ts'
import { QrService } from './accounts/qr/qr.ts'
import { SessionService } from './accounts/sessions/sessions.ts'
import type { Bus } from './bus/bus.ts'
import type { Config } from './config/config.ts'
import { SummaryService } from './conversations/conversation-details.ts'
import { ConversationListService } from './conversations/conversation-list.ts'
import { ConversationService } from './conversations/conversations.ts'
import { StartPolicy } from './conversations/direct-chat-policy.ts'
import { Pairs } from './conversations/direct-pairs.ts'
import { PeerService } from './conversations/direct-peers.ts'
import { GroupService } from './conversations/groups.ts'
import { PreferenceService } from './conversations/preferences.ts'
import { ReceiptService } from './conversations/receipts.ts'
import { TypingService } from './conversations/typing.ts'
import type { Store } from './database/database.ts'
import { TokenBuckets } from './limits/token-buckets.ts'
import { HistoryService } from './messages/history.ts'
import { MarkService } from './messages/message-id-at.ts'
import { MessageService } from './messages/messages.ts'
import { ReactionService } from './messages/reactions/reactions.ts'
import { HealthService } from './ops/health.ts'
import { PresenceService } from './presence/presence.ts'
import { RequestService } from './requests/requests.ts'
import { AccountItems } from './streams/user-items.ts'
import { tellCommits } from './sync/commit-events.ts'
import { Lookout } from './sync/head-poller.ts'
import { ReplayService } from './sync/replay.ts'
import { ResumptionService } from './sync/resume-token.ts'
import { SyncService } from './sync/sync.ts'
import { BlockService } from './users/blocks/blocks.ts'
import { ContactService } from './users/contacts/contacts.ts'
import { FriendService } from './users/friends/friends.ts'
import { SettingsService } from './users/settings/settings.ts'
import { UserService } from './users/users.ts'
import { Visibility } from './users/visibility.ts'

export type { Actor } from './actor.ts'
export type { Participant, Summary } from './conversations/conversation-details.ts'
export { requireCursor } from './conversations/receipts.ts'
export { given } from './omit-undefined.ts'
export { offline } from './presence/presence.ts'
export { MARGIN_MS, RecentPlaces } from './streams/recent-positions.ts'
export type { CommitCounts } from './sync/commit-events.ts'
export type { Bookmark, Missed } from './sync/resume-token.ts'

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
export function createServices({ delivery, ...parts }: ServiceParts) {
  const { store, bus, config, onError } = parts
  const pairs = new Pairs(store)
  const people = createPeople(parts, pairs)
  const { users, blocks, conversations, sessions, presence, requests, settings } = people
  const items = new AccountItems({ store, settings, requests })
  const sync = new SyncService({ store, conversations, users, people: items })
  const replay = new ReplayService({ store, sync })
  const receipts = new ReceiptService({ ...parts, blocks })
  const lookout = new Lookout({ store, intervalMs: config.timings.headPollMs, onError })
  lookout.subscribe(({ accounts, endedSessionIds }) => {
    settings.forget(accounts.map(({ id }) => id))
    for (const id of endedSessionIds) sessions.forget(id)
  })
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
    health: new HealthService({ store, lookout }),
    history: new HistoryService({ store }),
    lookout,
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
    typing: new TypingService({ ...parts, pairs })
  }
}

/** Those who are somebody to somebody else: what they are to each other decides much of what the rest may do. */
function createPeople(parts: Pick<ServiceParts, 'store' | 'bus' | 'config'>, pairs: Pairs) {
  const { store, config } = parts
  const visibility = new Visibility(store)
  const users = new UserService({ ...parts, visibility })
  const blocks = new BlockService({ ...parts, users })
  const starts = new StartPolicy(store)
  const conversations = new ConversationService({ store, users, blocks, starts, pairs, config })
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
