import type { ClientSession, Db, ObjectId } from 'mongodb'
import type { MessageDoc } from '../documents.ts'
import type { Pending } from './change.ts'

/**
 * Reads the messages that these changes look at, by id (hex). One query, and another one where a change looks at what
 * its message answers.
 */
export async function readMessages(
  db: Db,
  pending: readonly Pending[],
  session: ClientSession
): Promise<Map<string, MessageDoc>> {
  const named = await find(
    db,
    pending.flatMap(({ change }) => change.messageId ?? []),
    session
  )
  const replies = pending.flatMap(({ change: { messageId, withAnswered = false } }) =>
    withAnswered ? (named.get(messageId?.toHexString() ?? '') ?? []) : []
  )
  const answered = await find(
    db,
    replies.flatMap(({ replyTo }) => replyTo?.messageId ?? []),
    session
  )
  return new Map([...named, ...answered])
}

async function find(db: Db, ids: readonly ObjectId[], session: ClientSession): Promise<Map<string, MessageDoc>> {
  if (ids.length === 0) return new Map()
  const found = await db
    .collection<MessageDoc>('messages')
    .find({ _id: { $in: [...ids] } }, { session })
    .toArray()
  return new Map(found.map(message => [message._id.toHexString(), message]))
}
