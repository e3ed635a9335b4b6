import { type Static, Type } from '@sinclair/typebox'
import { RequestId, UserId } from '../ids.ts'
import { route } from '../route.ts'
import { closed, oneOf, PageLimit } from '../schema.ts'
import { PersonRequest, RequestKind, RequestStatus, RequestText } from './entities.ts'

const limit = Type.Optional(PageLimit)

const requestTags = ['requests']

const requestParams = closed({ requestId: RequestId })

export const SendRequest = route({
  method: 'POST',
  url: '/requests',
  schema: {
    summary: 'Ask somebody to talk or to be friends; who was asked by them already accepts',
    tags: requestTags,
    body: closed({ kind: RequestKind, to: UserId, message: Type.Optional(RequestText) }),
    response: { 200: PersonRequest }
  }
})

export type NewRequest = Static<typeof SendRequest.schema.body>

export const RequestPage = closed({ requests: Type.Array(PersonRequest), next: Type.Optional(RequestId) })
export type RequestPage = Static<typeof RequestPage>

export const ListRequests = route({
  method: 'GET',
  url: '/requests',
  schema: {
    summary: 'Requests to you and by you, newest first',
    tags: requestTags,
    querystring: closed({
      limit,
      after: Type.Optional(RequestId),
      direction: Type.Optional(oneOf('incoming', 'outgoing')),
      status: Type.Optional(RequestStatus),
      kind: Type.Optional(RequestKind)
    }),
    response: { 200: RequestPage }
  }
})

export type RequestQuery = Static<typeof ListRequests.schema.querystring>

export const AcceptRequest = route({
  method: 'POST',
  url: '/requests/:requestId/accept',
  schema: {
    summary: 'Accept a request: the two become contacts, and have a conversation',
    tags: requestTags,
    params: requestParams,
    response: { 200: PersonRequest }
  }
})

export const DeclineRequest = route({
  method: 'POST',
  url: '/requests/:requestId/decline',
  schema: { summary: 'Decline a request', tags: requestTags, params: requestParams, response: { 200: PersonRequest } }
})

export const CancelRequest = route({
  method: 'POST',
  url: '/requests/:requestId/cancel',
  schema: { summary: 'Take a request back', tags: requestTags, params: requestParams, response: { 200: PersonRequest } }
})
