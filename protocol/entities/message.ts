import { type Static, Type } from '@sinclair/typebox'
import { ConversationId, MessageId, UserId } from '../ids.ts'
import { Counter, closed, PLAIN_TEXT, Timestamp } from '../schema.ts'
import { content, MessageType, SystemNote } from './content.ts'

/** Chosen by the client, unique for the sender in the conversation; a repeat answers the first message. */
export const ClientId = Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9._:-]+$' })
/** Up to 16 KiB of UTF-8 (`textBytes`); the length here only bounds the work of checking. */
export const Text = Type.String({ minLength: 1, maxLength: 16_384, pattern: PLAIN_TEXT })
/** One emoji, as one grapheme. */
export const Emoji = Type.String({ minLength: 1, maxLength: 64 })

/** Everyone who reacted with one emoji: how many, and the first twenty of them with the moments when they did. */
export const Reaction = closed({
  emoji: Emoji,
  count: Type.Integer({ minimum: 1 }),
  userIds: Type.Array(UserId, { maxItems: 20 }),
  reactedAt: Type.Array(Timestamp, { maxItems: 20 })
})
export type Reaction = Static<typeof Reaction>

/** The answered message as it was when it was answered. */
export const Quote = closed({
  messageId: MessageId,
  senderId: UserId,
  type: Type.Optional(MessageType),
  text: Type.Optional(Type.String({ maxLength: 256 }))
})
export type Quote = Static<typeof Quote>

/**
 * A message, as it is now. `seq` is its place in the conversation, for ever; `rev` the conversation's change that
 * it was last touched by. A deleted message stays as a tombstone: no content, no reactions, `deletedAt`. A `system` message
 * records a change of the group; it is never unread.
 */
export const Message = closed({
  id: MessageId,
  conversationId: ConversationId,
  seq: Counter,
  rev: Counter,
  senderId: UserId,
  clientId: Type.Optional(ClientId),
  type: MessageType,
  text: Type.Optional(Type.String()),
  ...content,
  system: Type.Optional(SystemNote),
  replyTo: Type.Optional(Quote),
  reactions: Type.Array(Reaction),
  createdAt: Timestamp,
  editedAt: Type.Optional(Timestamp),
  deletedAt: Type.Optional(Timestamp)
})
export type Message = Static<typeof Message>
