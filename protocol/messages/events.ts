import { type Static, Type } from '@sinclair/typebox'
import { command, durable } from '../envelope.ts'
import { ConversationId, MessageId } from '../ids.ts'
import { MAX_PAGE_SIZE } from '../limits.ts'
import { Counter, closed, oneOf, PageLimit, Timestamp } from '../schema.ts'
import { ClientId, content, Message, MessageRef, MessageType, NoPreview, Text } from './entities.ts'

/** Reply to a send; a repeated `clientId` answers the first message with `duplicate: true`. */
export const Sent = closed({
  id: MessageId,
  seq: Counter,
  rev: Counter,
  createdAt: Timestamp,
  duplicate: Type.Boolean()
})
export type Sent = Static<typeof Sent>

/** Position of a change of a message. */
export const Changed = closed({ id: MessageId, rev: Counter })
export type Changed = Static<typeof Changed>

/** Content of a new message. Without a type it is `text`. */
export const NewContent = {
  type: Type.Optional(MessageType),
  text: Type.Optional(Text),
  ...content,
  replyTo: Type.Optional(MessageId),
  noPreview: Type.Optional(NoPreview)
}

export const MessageSend = command('message:send', {
  description: 'Puts a message into a conversation.',
  data: closed({
    conversationId: ConversationId,
    clientId: ClientId,
    ...NewContent
  }),
  reply: Sent
})

export type MessageSendData = Static<typeof MessageSend.data>

/**
 * Other content of a message: one of text and encrypted content. `mentions` and `mentionsEveryone` stay as they are where
 * they are not named, unless `mentionRanges` is; ranges stay with their text alone.
 */
export const EditedContent = {
  text: Type.Optional(Text),
  encryptedContent: content.encryptedContent,
  mentions: content.mentions,
  mentionRanges: content.mentionRanges,
  mentionsEveryone: content.mentionsEveryone
}

export const MessageEdit = command('message:edit', {
  description: 'Replaces the text, or the encrypted content, of a message of one’s own, within the edit window.',
  data: closed({ ...MessageRef, ...EditedContent }),
  reply: Changed
})

export type MessageEditData = Static<typeof MessageEdit.data>

export const MessageDelete = command('message:delete', {
  description: 'Deletes a message for everyone (its sender, or an admin of the group), or hides it for oneself.',
  data: closed({ ...MessageRef, scope: oneOf('everyone', 'me') }),
  reply: Changed
})

/** A page of messages, oldest first. `rev`: the conversation's head, read before the page. */
export const HistoryPage = closed({
  messages: Type.Array(Message, { maxItems: MAX_PAGE_SIZE }),
  rev: Counter,
  more: Type.Boolean()
})
export type HistoryPage = Static<typeof HistoryPage>

const position = Type.Optional(Counter)

export const HistoryQuery = {
  before: { ...position, description: 'Messages below this `seq`; without any of the three, the newest.' },
  after: { ...position, description: 'Messages above this `seq`.' },
  around: { ...position, description: 'Messages on both sides of this `seq`, and itself.' },
  limit: Type.Optional(PageLimit)
}

export const HistoryGet = command('history:get', {
  description: 'A page of a conversation’s messages.',
  data: closed({ conversationId: ConversationId, ...HistoryQuery }),
  reply: HistoryPage
})

export const MessageNew = durable('conversation', 'message:new', 'A message was added.', Message)

export const MessageEdited = durable(
  'conversation',
  'message:edited',
  'A message has another text, or changed otherwise.',
  Message
)

export const MessageDeleted = durable(
  'conversation',
  'message:deleted',
  'A message was deleted for everyone; its tombstone.',
  Message
)

export const MessageHidden = durable(
  'user',
  'message:hidden',
  'You deleted a message for yourself, on this device or another.',
  closed(MessageRef)
)
