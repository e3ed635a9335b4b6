import { type Static, Type } from '@sinclair/typebox'
import {
  Conversation,
  ConversationName,
  ConversationView,
  Description,
  GroupSettings,
  Member,
  Membership,
  Role
} from '../entities/conversation.ts'
import { Message } from '../entities/message.ts'
import { PersonRequest, Settings } from '../entities/people.ts'
import { Me, PictureUrl } from '../entities/user.ts'
import { command, durable } from '../envelope.ts'
import { ConversationId, MessageId, StreamId, UserId } from '../ids.ts'
import { DEFAULT_LIMITS, SYNC_PAGE_ITEMS } from '../limits.ts'
import { Counter, closed } from '../schema.ts'
import { Cursors, Heads } from './session.ts'

const UserIds = Type.Array(UserId, { minItems: 1, maxItems: DEFAULT_LIMITS.membersPerCommand, uniqueItems: true })

/** A direct conversation with one person (there is only ever one), or a new group. */
export const NewConversation = Type.Union([
  closed({ type: Type.Literal('direct'), userId: UserId }),
  closed({
    type: Type.Literal('group'),
    name: ConversationName,
    description: Type.Optional(Description),
    avatarUrl: Type.Optional(PictureUrl),
    memberIds: Type.Optional(UserIds)
  })
])
export type NewConversation = Static<typeof NewConversation>

export const ConversationCreate = command('conversation:create', {
  description: 'Opens the direct conversation with somebody, new or old, or makes a group.',
  data: NewConversation,
  reply: ConversationView
})

/** What an admin of a group may change. */
export const ConversationChanges = {
  name: Type.Optional(ConversationName),
  description: Type.Optional(Description),
  avatarUrl: Type.Optional(PictureUrl),
  settings: Type.Optional(Type.Partial(GroupSettings))
}

export const ConversationUpdate = command('conversation:update', {
  description: 'Changes a group’s name, description, picture or settings.',
  data: closed({ conversationId: ConversationId, ...ConversationChanges }),
  reply: closed({ rev: Counter })
})

export const ConversationLeave = command('conversation:leave', {
  description: 'Leaves a group. An owner hands it over to the longest-standing admin, else member.',
  data: closed({ conversationId: ConversationId }),
  reply: closed({ rev: Counter })
})

export const MemberAdd = command('member:add', {
  description: 'Adds people to a group; who is in it already stays as they are.',
  data: closed({ conversationId: ConversationId, userIds: UserIds }),
  reply: closed({ rev: Counter })
})

export const MemberRemove = command('member:remove', {
  description: 'Removes somebody from a group.',
  data: closed({ conversationId: ConversationId, userId: UserId }),
  reply: closed({ rev: Counter })
})

export const MemberRole = command('member:role', {
  description: 'Makes somebody admin or member of a group, or hands it over to them (`owner`).',
  data: closed({ conversationId: ConversationId, userId: UserId, role: Role }),
  reply: closed({ rev: Counter })
})

export const SyncHeads = command('sync:heads', {
  description: 'What moved since the cursors given: a page of heads.',
  data: closed({
    cursors: Type.Optional(Cursors),
    after: Type.Optional(Type.String({ maxLength: 64, pattern: '^[0-9a-f]{24}$' }))
  }),
  reply: Heads
})

/** One thing that changed, as it is now. */
export const SyncItem = Type.Union([
  closed({ type: Type.Literal('message'), rev: Counter, message: Message }),
  closed({ type: Type.Literal('member'), rev: Counter, member: Member }),
  closed({ type: Type.Literal('conversation'), rev: Counter, conversation: Conversation }),
  closed({ type: Type.Literal('membership'), rev: Counter, conversation: ConversationView }),
  closed({ type: Type.Literal('removed'), rev: Counter, conversationId: ConversationId }),
  closed({ type: Type.Literal('hidden'), rev: Counter, conversationId: ConversationId, messageId: MessageId }),
  closed({ type: Type.Literal('profile'), rev: Counter, user: Me }),
  closed({ type: Type.Literal('settings'), rev: Counter, settings: Settings }),
  closed({ type: Type.Literal('block'), rev: Counter, userId: UserId, isBlocked: Type.Boolean() }),
  closed({ type: Type.Literal('contacts'), rev: Counter }),
  closed({ type: Type.Literal('request'), rev: Counter, request: PersonRequest }),
  closed({ type: Type.Literal('preferences'), rev: Counter, conversationId: ConversationId, me: Membership })
])
export type SyncItem = Static<typeof SyncItem>

/**
 * A page of what changed after `since`, by `rev`, as current state. Complete up to `rev` (items above it may be
 * there already). `reset`: too far behind; drop the conversation, load a page of history, and pull from `rev`.
 */
export const SyncPage = closed({
  stream: StreamId,
  rev: Counter,
  more: Type.Boolean(),
  items: Type.Array(SyncItem, { maxItems: SYNC_PAGE_ITEMS }),
  reset: Type.Optional(Type.Literal(true))
})
export type SyncPage = Static<typeof SyncPage>

export const SyncPull = command('sync:pull', {
  description: 'The changes of one stream after a cursor.',
  data: closed({ stream: StreamId, since: Counter }),
  reply: SyncPage
})

export const MemberChanged = durable(
  'conversation',
  'member:changed',
  'People joined, left or have another role, all in this one change.',
  closed({ members: Type.Array(Member) })
)
export const ConversationUpdated = durable(
  'conversation',
  'conversation:updated',
  'Name, description, picture or settings changed.',
  Conversation
)
export const ConversationAdded = durable(
  'user',
  'conversation:added',
  'You are in a conversation that you were not in; precedes every event of it.',
  ConversationView
)
export const ConversationRemoved = durable(
  'user',
  'conversation:removed',
  'You are no longer in a conversation; the last you hear of it.',
  closed({ conversationId: ConversationId })
)
export const PreferencesUpdated = durable(
  'user',
  'preferences:updated',
  'You keep a conversation otherwise: muted, pinned, archived, hidden, cleared and the like.',
  closed({ conversationId: ConversationId, me: Membership })
)
export const Noop = durable(
  'either',
  'noop',
  'A change that does not concern you; it moves the cursor and nothing else.',
  closed({})
)
