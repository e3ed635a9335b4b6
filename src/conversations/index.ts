import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/config.ts'
import type { DatabaseClock } from '../database/index.ts'
import type { Budgets } from '../limits/budgets.ts'
import type { FairGate } from '../limits/fair-gate.ts'
import type { Commits } from '../store/commit/commits.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { MemberStore } from '../store/members.ts'
import type { MessageStore } from '../store/messages.ts'
import type { ClaimsPictures } from '../store/pictures.ts'
import type { AccountStore } from '../streams/store.ts'
import type {
  BlockService,
  ContactStore,
  FriendshipStore,
  SettingsStore,
  UserService,
  UserStore
} from '../users/index.ts'
import { Consent } from './consent/consent.ts'
import { ConversationDetailsService } from './conversation-details.ts'
import { ConversationListService } from './conversation-list.ts'
import { ConversationService } from './conversations.ts'
import { DirectPairs } from './direct/pairs.ts'
import { DirectPeers } from './direct/peers.ts'
import { GroupService } from './groups.ts'
import { LargeChanges } from './large-changes.ts'
import { PreferenceService } from './preferences.ts'
import { ReceiptService } from './receipts.ts'
import { TypingService } from './typing.ts'
import { createConversationItems } from './user-items.ts'

export type { ConversationDetails, Participant } from './conversation-details.ts'
export type { ConversationListService } from './conversation-list.ts'
export type { ConversationService } from './conversations.ts'
export {
  requireAdmin,
  requireFromPerson,
  requireMayPin,
  requireMaySend,
  requireMember,
  requirePresent,
  requireSender,
  requireUnblocked,
  requireVisible,
  viewOf
} from './policy.ts'
export type { ReceiptService } from './receipts.ts'
export { appendSystemMessage } from './system-messages.ts'
export type { TypingService } from './typing.ts'

interface ConversationDeps {
  readonly clock: DatabaseClock
  readonly store: {
    readonly accounts: AccountStore
    readonly commits: Commits
    readonly contacts: ContactStore
    readonly conversations: ConversationStore
    readonly friendships: FriendshipStore
    readonly members: MemberStore
    readonly messages: MessageStore
    readonly pictures: ClaimsPictures
    readonly settings: SettingsStore
    readonly users: UserStore
  }
  readonly bus: Bus
  readonly config: Config
  readonly budgets: Budgets
  readonly users: UserService
  readonly blocks: BlockService
  readonly pageGate: FairGate
}

/** Conversations: creating, listing and changing them, and how each member is in them. */
export function createConversations(deps: ConversationDeps) {
  const { store } = deps
  const pairs = new DirectPairs(store)
  const consent = new Consent(deps)
  const largeChanges = new LargeChanges()
  const conversations = new ConversationService({ ...deps, consent, largeChanges, pairs })
  const receipts = new ReceiptService(deps)
  return {
    conversations,
    conversationList: new ConversationListService({ ...deps, conversations }),
    groups: new GroupService({ ...deps, consent, largeChanges }),
    pairs,
    peers: new DirectPeers(store),
    preferences: new PreferenceService({ ...deps, receipts }),
    receipts,
    details: new ConversationDetailsService(deps),
    typing: new TypingService({ ...deps, pairs }),
    conversationItems: createConversationItems({ store, conversations })
  }
}
