import { type Static, Type } from '@sinclair/typebox'
import { ConversationId, UserId } from '../ids.ts'
import { MAX_UNREAD } from '../limits.ts'
import { Message } from '../messages/entities.ts'
import { Counter, closed, oneOf, PLAIN_TEXT, Timestamp, withExamples } from '../schema.ts'
import { PictureUrl } from '../users/entities.ts'

export const ConversationName = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: PLAIN_TEXT,
  examples: ['Weekend']
})

export const Description = Type.String({ maxLength: 1_024, pattern: PLAIN_TEXT })

export const Ringtone = Type.String({ maxLength: 256, pattern: PLAIN_TEXT })

export const Nickname = Type.String({ maxLength: 64, pattern: PLAIN_TEXT })

export const Role = oneOf('owner', 'admin', 'member')
export type Role = Static<typeof Role>

/** Permissions of a group, and whether new members see what was said before them (`all`). */
export const GroupSettings = closed({
  whoMaySend: oneOf('members', 'admins'),
  whoMayAdd: oneOf('members', 'admins'),
  whoMayEdit: oneOf('members', 'admins'),
  history: oneOf('joined', 'all')
})
export type GroupSettings = Static<typeof GroupSettings>

/** Subject of a support conversation. */
export const RelatedEntity = closed({
  type: Type.String({ minLength: 1, maxLength: 64, pattern: '^[a-z0-9_]+$' }),
  refId: Type.Optional(Type.String({ maxLength: 128 }))
})
export type RelatedEntity = Static<typeof RelatedEntity>

export const SupportStatus = oneOf('open', 'waiting_user', 'resolved')
export type SupportStatus = Static<typeof SupportStatus>

/** Life of messages that go by themselves, seconds: at least, and at most (365 days). */
export const MIN_EXPIRY_S = 10
export const MAX_EXPIRY_S = 31_536_000

export const ConversationType = oneOf('direct', 'group', 'support')

/** Conversation as it is for every member. `rev`: the conversation's change that last touched these fields. */
export const Conversation = closed({
  id: ConversationId,
  type: ConversationType,
  rev: Counter,
  name: Type.Optional(ConversationName),
  description: Type.Optional(Description),
  avatarUrl: Type.Optional(PictureUrl),
  settings: Type.Optional({ ...GroupSettings, description: 'Groups only.' }),
  expireAfterSeconds: Type.Optional(
    Type.Integer({
      minimum: MIN_EXPIRY_S,
      maximum: MAX_EXPIRY_S,
      description: 'Life of messages that are sent now; without it they stay.'
    })
  ),
  status: Type.Optional({ ...SupportStatus, description: 'Support only.' }),
  assignedAdminId: Type.Optional(UserId),
  relatedEntity: Type.Optional(RelatedEntity),
  createdAt: Timestamp
})
export type Conversation = Static<typeof Conversation>

/** Membership of a person; `leftAt` when it has ended. `rev`: the conversation's change that last touched it. */
export const Member = closed({
  userId: UserId,
  role: Role,
  rev: Counter,
  joinedAt: Timestamp,
  leftAt: Type.Optional(Timestamp)
})
export type Member = Static<typeof Member>

/** Cursors of one member: everything up to these `seq` was delivered to them, read by them. */
export const Receipt = closed({
  conversationId: ConversationId,
  userId: UserId,
  deliveredSeq: Counter,
  readSeq: Counter
})
export type Receipt = Static<typeof Receipt>

/**
 * Preferences of a member, which nobody else sees. `muted` without `mutedUntil` is for ever. `hidden`: not in
 * the list until somebody writes in it. `nickname`: what they call the other person.
 */
export const Preferences = closed({
  muted: Type.Boolean(),
  mutedUntil: Type.Optional(Timestamp),
  pinned: Type.Boolean(),
  archived: Type.Boolean(),
  favorite: Type.Boolean(),
  hidden: Type.Boolean(),
  ringtone: Type.Optional(Ringtone),
  nickname: Type.Optional(Nickname)
})
export type Preferences = Static<typeof Preferences>

/** The caller's own side of a conversation. History begins after `joinedSeq`; `clearedSeq` hides what is before. */
export const Membership = closed({
  role: Role,
  joinedSeq: Counter,
  deliveredSeq: Counter,
  readSeq: Counter,
  clearedSeq: Counter,
  preferences: Type.Optional(Preferences)
})
export type Membership = Static<typeof Membership>

/** A conversation as one member sees it in a list: the shared part, its newest state, and their own side. */
export const ConversationView = withExamples(
  closed({
    ...Conversation.properties,
    head: closed({ seq: Counter, rev: Counter }),
    memberCount: Type.Integer({ minimum: 0 }),
    peerId: Type.Optional({ ...UserId, description: 'The other person of a direct conversation.' }),
    lastMessage: Type.Optional(Message),
    lastActivityAt: {
      ...Timestamp,
      description: 'When a person last wrote, or the caller was brought into the group, whichever is later.'
    },
    me: Membership,
    unreadCount: Type.Integer({ minimum: 0, maximum: MAX_UNREAD, description: 'The maximum: as many, or more.' })
  }),
  {
    id: 'conv_64b7f0c2a1d3e4f5a6b7c8d9',
    type: 'group',
    rev: 1,
    name: 'Weekend',
    settings: { whoMaySend: 'members', whoMayAdd: 'members', whoMayEdit: 'admins', history: 'joined' },
    createdAt: '2026-11-21T09:30:00.000Z',
    head: { seq: 1, rev: 2 },
    memberCount: 1,
    lastActivityAt: '2026-11-21T09:30:00.000Z',
    me: { role: 'owner', joinedSeq: 0, deliveredSeq: 1, readSeq: 1, clearedSeq: 0 },
    unreadCount: 0
  }
)
export type ConversationView = Static<typeof ConversationView>
