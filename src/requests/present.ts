import { prefixedId } from '../../protocol/ids.ts'
import type { PersonRequest } from '../../protocol/requests/entities.ts'
import type { ObjectId } from '../database/object-id.ts'
import { conversationId, userId } from '../ids.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { RequestDoc } from './store.ts'

export const requestId = (id: ObjectId): string => prefixedId('req', id.toHexString())

/** A stored request as it goes on the wire. @param pair conversation of the two, once it was accepted */
export function presentRequest(row: RequestDoc, pair?: ObjectId): PersonRequest {
  const { _id, kind, fromId, toId, message, status, createdAt, decidedAt } = row
  return {
    id: requestId(_id),
    kind,
    from: userId(fromId),
    to: userId(toId),
    status,
    createdAt: createdAt.toISOString(),
    ...omitUndefined({ message, decidedAt: decidedAt?.toISOString(), conversationId: pair && conversationId(pair) })
  }
}
