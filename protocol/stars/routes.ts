import { Type } from '@sinclair/typebox'
import { MessageRef } from '../messages/entities.ts'
import { Changed } from '../messages/events.ts'
import { route } from '../route.ts'
import { closed, PageLimit } from '../schema.ts'
import { StarPage } from './entities.ts'

const tags = ['messages']

const params = closed(MessageRef)

export const StarMessage = route({
  method: 'PUT',
  url: '/conversations/:conversationId/messages/:messageId/star',
  schema: { summary: 'Star a message for yourself', tags, params, response: { 200: Changed } }
})

export const UnstarMessage = route({
  method: 'DELETE',
  url: '/conversations/:conversationId/messages/:messageId/star',
  schema: { summary: 'Take your star off a message', tags, params, response: { 200: Changed } }
})

export const ListStars = route({
  method: 'GET',
  url: '/stars',
  schema: {
    summary: 'Your starred messages that you still see, the newest star first; go on from `next` while there is one',
    tags,
    querystring: closed({
      limit: Type.Optional(PageLimit),
      after: Type.Optional(Type.String({ pattern: '^[0-9a-f]{24}$', maxLength: 24 }))
    }),
    response: { 200: StarPage }
  }
})
