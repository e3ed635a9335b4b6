import { omitUndefined } from '../omit-undefined.ts'
import type { AnsweredMessage, MessageDoc } from './documents.ts'

/** Tombstone of a message deleted for everyone: its position, and nothing of its content. */
export function tombstoneOf(message: Readonly<MessageDoc>, deletedAt: Date): MessageDoc {
  const { _id, conversationId, seq, rev, createdRev, senderId, clientId, bodyHash, type, createdAt, hiddenFor } =
    message
  return {
    _id,
    conversationId,
    seq,
    rev,
    createdRev,
    senderId,
    bodyHash,
    type,
    createdAt,
    deletedAt,
    ...omitUndefined({ clientId, hiddenFor })
  }
}

/**
 * A message as it is at a moment: one that is over is its tombstone, also while it is not stored as one. Until then the
 * tombstone has the `expiresAt` of the message.
 * @param now by the database's clock, ms since 1970
 */
export function messageAt<M extends Readonly<MessageDoc>>(message: M, now: number): M | MessageDoc {
  const { expiresAt } = message
  if (expiresAt === undefined || expiresAt.getTime() > now) return message
  return { ...tombstoneOf(message, expiresAt), expiresAt }
}

/** The same for an answered message. */
export function answeredAt(answered: AnsweredMessage, now: number): AnsweredMessage {
  const { text: _, ...rest } = answered
  const { expiresAt } = rest
  return expiresAt === undefined || expiresAt.getTime() > now ? answered : { ...rest, deletedAt: expiresAt }
}
