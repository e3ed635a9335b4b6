import { type Static, Type } from '@sinclair/typebox'
import { ConversationId, UserId } from '../ids.ts'
import { Counter, closed, oneOf, PLAIN_TEXT, Timestamp } from '../schema.ts'
import { Message } from './message.ts'
import { PictureUrl } from './user.ts'

export const ConversationName = Type.String({ minLength: 1, maxLength: 128, pattern: PLAIN_TEXT })
export const Description = Type.String({ maxLength: 1_024, pattern: PLAIN_TEXT })

export const Role = oneOf('owner', 'admin', 'member')
export type Role = Static<typeof Role>

/** What is the same for every member. `rev`: the conversation's change that last touched these fields. */
export const Conversation = closed({
  id: ConversationId,
  type: oneOf('direct', 'group'),
  rev: Counter,
  name: Type.Optional(ConversationName),
  description: Type.Optional(Description),
  avatarUrl: Type.Optional(PictureUrl),
  createdAt: Timestamp
})
export type Conversation = Static<typeof Conversation>

/** Somebody's membership; `leftAt` when it has ended. `rev`: the conversation's change that last touched it. */
export const Member = closed({
  userId: UserId,
  role: Role,
  rev: Counter,
  joinedAt: Timestamp,
  leftAt: Type.Optional(Timestamp)
})
export type Member = Static<typeof Member>

/** How far one member has got: everything up to these `seq` was delivered to them, read by them. */
export const Receipt = closed({
  conversationId: ConversationId,
  userId: UserId,
  deliveredSeq: Counter,
  readSeq: Counter
})
export type Receipt = Static<typeof Receipt>

/** The caller's own side of a conversation. History begins after `joinedSeq`; `clearedSeq` hides what is before. */
export const Membership = closed({
  role: Role,
  joinedSeq: Counter,
  deliveredSeq: Counter,
  readSeq: Counter,
  clearedSeq: Counter
})
export type Membership = Static<typeof Membership>

/** A conversation as one member sees it in a list: the shared part, its newest state, and their own side. */
export const ConversationView = closed({
  ...Conversation.properties,
  head: closed({ seq: Counter, rev: Counter }),
  memberCount: Type.Integer({ minimum: 0 }),
  peerId: Type.Optional({ ...UserId, description: 'The other person of a direct conversation.' }),
  lastMessage: Type.Optional(Message),
  lastActivityAt: Timestamp,
  me: Membership,
  unreadCount: Type.Integer({ minimum: 0 })
})
export type ConversationView = Static<typeof ConversationView>
