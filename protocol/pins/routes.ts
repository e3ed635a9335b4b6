import { type Static, Type } from '@sinclair/typebox'
import { ConversationId } from '../ids.ts'
import { MAX_PAGE_SIZE } from '../limits.ts'
import { Message, MessageRef } from '../messages/entities.ts'
import { Changed } from '../messages/events.ts'
import { route } from '../route.ts'
import { Counter, closed, PageLimit } from '../schema.ts'

const tags = ['messages']

const params = closed(MessageRef)

export const PinMessage = route({
  method: 'PUT',
  url: '/conversations/:conversationId/messages/:messageId/pin',
  schema: { summary: 'Pin a message for everyone', tags, params, response: { 200: Changed } }
})

export const UnpinMessage = route({
  method: 'DELETE',
  url: '/conversations/:conversationId/messages/:messageId/pin',
  schema: { summary: 'Take the pin off a message', tags, params, response: { 200: Changed } }
})

/** A page of the pinned messages that the caller sees, the newest message first. */
export const PinPage = closed({ messages: Type.Array(Message, { maxItems: MAX_PAGE_SIZE }), more: Type.Boolean() })
export type PinPage = Static<typeof PinPage>

export const ListPins = route({
  method: 'GET',
  url: '/conversations/:conversationId/pins',
  schema: {
    summary: 'The pinned messages of a conversation, the newest message first',
    tags,
    params: closed({ conversationId: ConversationId }),
    querystring: closed({
      before: Type.Optional({ ...Counter, description: 'Messages below this `seq`: that of the last one of a page.' }),
      limit: Type.Optional(PageLimit)
    }),
    response: { 200: PinPage }
  }
})
