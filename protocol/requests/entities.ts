import { type Static, Type } from '@sinclair/typebox'
import { ConversationId, RequestId, UserId } from '../ids.ts'
import { closed, oneOf, PLAIN_TEXT, Timestamp } from '../schema.ts'

export const RequestKind = oneOf('chat', 'friend')
export type RequestKind = Static<typeof RequestKind>

export const RequestStatus = oneOf('open', 'accepted', 'declined', 'cancelled')
export type RequestStatus = Static<typeof RequestStatus>

export const RequestText = Type.String({ minLength: 1, maxLength: 500, pattern: PLAIN_TEXT })

/** Request to talk (`chat`) or to be friends. `conversationId`: once it is accepted. */
export const PersonRequest = closed({
  id: RequestId,
  kind: RequestKind,
  from: UserId,
  to: UserId,
  message: Type.Optional(RequestText),
  status: RequestStatus,
  createdAt: Timestamp,
  decidedAt: Type.Optional(Timestamp),
  conversationId: Type.Optional(ConversationId)
})
export type PersonRequest = Static<typeof PersonRequest>
