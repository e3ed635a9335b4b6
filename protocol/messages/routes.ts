import { type Static, Type } from '@sinclair/typebox'
import { ConversationId, UserId } from '../ids.ts'
import { route } from '../route.ts'
import { closed, oneOf, PageLimit, Timestamp, withExamples } from '../schema.ts'
import { ClientId, IdempotencyKey, Message, MessageRef } from './entities.ts'
import { Changed, EditedContent, HistoryPage, HistoryQuery, NewContent, Sent } from './events.ts'

const tags = ['messages']

const params = closed({ conversationId: ConversationId })

const messageParams = closed(MessageRef)

export const SendMessage = route({
  method: 'POST',
  url: '/conversations/:conversationId/messages',
  schema: {
    summary: 'Send a message; give `clientId` in the body or as the header `Idempotency-Key`',
    tags,
    params,
    headers: Type.Object({ 'idempotency-key': Type.Optional(IdempotencyKey) }),
    body: withExamples(closed({ clientId: Type.Optional(ClientId), ...NewContent }), {
      clientId: 'first',
      text: 'Are you there?'
    }),
    response: { 200: Sent, 201: Sent }
  }
})

export const GetHistory = route({
  method: 'GET',
  url: '/conversations/:conversationId/messages',
  schema: {
    summary: 'A page of messages, oldest first; the newest page without `before`, `after` or `around`',
    tags,
    params,
    querystring: closed(HistoryQuery),
    response: { 200: HistoryPage }
  }
})

export const GetMessage = route({
  method: 'GET',
  url: '/conversations/:conversationId/messages/:messageId',
  schema: { summary: 'One message', tags, params: messageParams, response: { 200: Message } }
})

export const GetEdits = route({
  method: 'GET',
  url: '/conversations/:conversationId/messages/:messageId/edits',
  schema: {
    summary: 'The former texts of a message, oldest first, each with when it was replaced',
    tags,
    params: messageParams,
    response: { 200: Type.Array(closed({ text: Type.String({ examples: ['Are you here?'] }), at: Timestamp })) }
  }
})

/** Of a page of members, who has read a message and whom it has reached. */
export const MessageReceipts = closed({
  readBy: Type.Array(UserId),
  deliveredTo: Type.Array(UserId),
  next: Type.Optional(UserId)
})
export type MessageReceipts = Static<typeof MessageReceipts>

export const GetMessageReceipts = route({
  method: 'GET',
  url: '/conversations/:conversationId/messages/:messageId/receipts',
  schema: {
    summary: 'Who has received and read a message, its sender left out; a page of members',
    tags,
    params: messageParams,
    querystring: closed({
      limit: Type.Optional(PageLimit),
      after: Type.Optional(UserId)
    }),
    response: { 200: MessageReceipts }
  }
})

export const EditMessage = route({
  method: 'PATCH',
  url: '/conversations/:conversationId/messages/:messageId',
  schema: {
    summary: 'Edit a message of yours',
    tags,
    params: messageParams,
    body: withExamples(closed(EditedContent), { text: 'Are you still there?' }),
    response: { 200: Changed }
  }
})

export const DeleteMessage = route({
  method: 'DELETE',
  url: '/conversations/:conversationId/messages/:messageId',
  schema: {
    summary: 'Delete a message for everyone, or for yourself with `?scope=me`',
    tags,
    params: messageParams,
    querystring: closed({ scope: Type.Optional(oneOf('everyone', 'me')) }),
    response: { 200: Changed }
  }
})
