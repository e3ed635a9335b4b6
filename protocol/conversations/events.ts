import { type Static, Type } from '@sinclair/typebox'
import { command, durable, ephemeral } from '../envelope.ts'
import { ConversationId, UserId } from '../ids.ts'
import { DEFAULT_LIMITS } from '../limits.ts'
import { Counter, closed, withExamples } from '../schema.ts'
import { PictureUrl } from '../users/entities.ts'
import {
  Conversation,
  ConversationName,
  ConversationView,
  Description,
  GroupSettings,
  Member,
  Membership,
  Receipt,
  Role
} from './entities.ts'

const UserIds = Type.Array(UserId, { minItems: 1, maxItems: DEFAULT_LIMITS.membersPerCommand, uniqueItems: true })

/** A direct conversation with one person (there is only ever one), or a new group. */
export const NewConversation = withExamples(
  Type.Union([
    closed({ type: Type.Literal('direct'), userId: UserId }),
    closed({
      type: Type.Literal('group'),
      name: ConversationName,
      description: Type.Optional(Description),
      avatarUrl: Type.Optional(PictureUrl),
      memberIds: Type.Optional(UserIds)
    })
  ]),
  { type: 'group', name: 'Weekend' },
  { type: 'direct', userId: 'user_64b7f0c2a1d3e4f5a6b7c8d9' }
)
export type NewConversation = Static<typeof NewConversation>

export const ConversationCreate = command('conversation:create', {
  description: 'Opens the direct conversation with somebody, new or old, or makes a group.',
  data: NewConversation,
  reply: ConversationView
})

/** Fields that an admin of a group may change. */
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
  'You keep a conversation otherwise: muted, pinned, archived, hidden, cleared and the like; or have read on.',
  closed({ conversationId: ConversationId, me: Membership })
)

const receiptData = closed({ conversationId: ConversationId, seq: Counter })

export const ReceiptDelivered = command('receipt:delivered', {
  description: 'Everything up to this `seq` has reached this device. Only moves forward.',
  data: receiptData,
  reply: Receipt,
  isSilent: true
})

export const ReceiptRead = command('receipt:read', {
  description: 'Everything up to this `seq` was read. Only moves forward; read is delivered.',
  data: receiptData,
  reply: Receipt,
  isSilent: true
})

const typingData = closed({ conversationId: ConversationId })

export const TypingStart = command('typing:start', {
  description: 'The person is typing; repeat every few seconds.',
  data: typingData,
  reply: closed({}),
  isSilent: true,
  isDroppable: true
})

export const TypingStop = command('typing:stop', {
  description: 'The person stopped typing.',
  data: typingData,
  reply: closed({}),
  isSilent: true,
  isDroppable: true
})

const typing = closed({ conversationId: ConversationId, userId: UserId })

export const TypingStarted = ephemeral('typing:start', 'Somebody is typing; forget it after six seconds.', typing)

export const TypingStopped = ephemeral('typing:stop', 'Somebody stopped typing.', typing)

export const Delivered = ephemeral('receipt:delivered', 'A member’s cursors moved.', Receipt)

export const Read = ephemeral('receipt:read', 'A member’s cursors moved.', Receipt)
