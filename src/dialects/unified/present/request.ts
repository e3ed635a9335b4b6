import { bareId } from '../../../../protocol/ids.ts'
import type { PersonRequest } from '../../../../protocol/requests/entities.ts'

/** A chat request as one of the two sees it. @param viewerId 24 hexadecimal digits */
export function presentRequest(request: PersonRequest, viewerId: string) {
  const { id, from, to, message, status, conversationId, createdAt, decidedAt } = request
  const conversation = conversationId === undefined ? null : bareId(conversationId)
  return {
    _id: bareId(id),
    id: bareId(id),
    requestId: bareId(id),
    from: bareId(from),
    sender: bareId(from),
    to: bareId(to),
    message: message ?? '',
    status: status === 'open' ? 'pending' : status,
    direction: bareId(to) === viewerId ? 'incoming' : 'outgoing',
    conversationId: conversation,
    conversation,
    createdAt,
    updatedAt: decidedAt ?? createdAt
  }
}
