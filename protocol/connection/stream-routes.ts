import { Type } from '@sinclair/typebox'
import { route } from '../route.ts'
import { closed } from '../schema.ts'

/** The stream of server-sent events; it has a face of its own, and is not among the routes of REST. */
export const OpenEvents = route({
  method: 'GET',
  url: '/events',
  isOptional: true,
  schema: {
    summary:
      'Server-sent events: what the socket tells, each with its type as its name, after what was missed since Last-Event-ID',
    tags: ['events'],
    headers: Type.Object({
      'last-event-id': Type.Optional(Type.String({ description: 'Of the last event that came; browsers send it.' }))
    }),
    querystring: closed({
      ticket: Type.Optional(Type.String({ description: 'In place of the header Authorization.', maxLength: 128 })),
      token: Type.Optional(Type.String({ description: 'The same, where WS_QUERY_TOKEN allows it.', maxLength: 8_192 })),
      lastEventId: Type.Optional(Type.String({ description: 'In place of the header Last-Event-ID.' }))
    }),
    response: { 200: Type.String({ contentMediaType: 'text/event-stream' }) }
  }
})
