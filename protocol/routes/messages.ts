import { Type } from '@sinclair/typebox'
import { ClientId, Emoji, Text } from '../entities/message.ts'
import { Changed, HistoryPage, HistoryQuery, Sent } from '../events/message.ts'
import { ConversationId, MessageId } from '../ids.ts'
import { closed, oneOf } from '../schema.ts'
import { route } from './route.ts'

const tags = ['messages']
const params = closed({ conversationId: ConversationId })
const messageParams = closed({ conversationId: ConversationId, messageId: MessageId })

export const SendMessage = route({
  method: 'POST',
  url: '/conversations/:conversationId/messages',
  schema: {
    summary: 'Send a message; give `clientId` in the body or as the header `Idempotency-Key`',
    tags,
    params,
    headers: Type.Object({ 'idempotency-key': Type.Optional(ClientId) }),
    body: closed({ clientId: Type.Optional(ClientId), text: Text, replyTo: Type.Optional(MessageId) }),
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

export const EditMessage = route({
  method: 'PATCH',
  url: '/conversations/:conversationId/messages/:messageId',
  schema: {
    summary: 'Edit a message of yours',
    tags,
    params: messageParams,
    body: closed({ text: Text }),
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

export const AddReaction = route({
  method: 'POST',
  url: '/conversations/:conversationId/messages/:messageId/reactions',
  schema: {
    summary: 'React to a message',
    tags,
    params: messageParams,
    body: closed({ emoji: Emoji }),
    response: { 200: Changed }
  }
})

export const RemoveReaction = route({
  method: 'DELETE',
  url: '/conversations/:conversationId/messages/:messageId/reactions/:emoji',
  schema: {
    summary: 'Take a reaction back',
    tags,
    params: closed({ ...messageParams.properties, emoji: Emoji }),
    response: { 200: Changed }
  }
})
