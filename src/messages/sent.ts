import type { Sent } from '../../protocol/messages/events.ts'
import { AppError } from '../errors.ts'
import { messageId } from '../ids.ts'
import type { FirstSend } from '../store/commit/change.ts'
import type { ConversationState } from '../store/commit/draft.ts'

/** Whether nobody has said anything in a direct conversation yet. */
export function isFirst({ doc }: ConversationState): boolean {
  return doc.type === 'direct' && (doc.saidSeq ?? doc.seq) === 0
}

/** Acknowledgement of a send. */
export function presentSent({ _id, seq, createdRev, createdAt }: FirstSend, duplicate: boolean): Sent {
  return { id: messageId(_id), seq, rev: createdRev, createdAt: createdAt.toISOString(), duplicate }
}

/** The first send, for a repeat of it. @throws {AppError} `idempotency_mismatch` for another message */
export function requireSame<First extends FirstSend>(first: First, bodyHash: string): First {
  if (first.bodyHash !== bodyHash) {
    throw new AppError('idempotency_mismatch', 'This clientId was used for another message')
  }
  return first
}
