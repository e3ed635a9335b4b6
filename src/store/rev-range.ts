import type { ObjectId } from 'mongodb'

/** Changes of one conversation with `since < rev <= upTo`. */
export interface RevRange {
  readonly conversationId: ObjectId
  readonly since: number
  readonly upTo: number
}

/** The filter that finds what changed within the range. */
export function revFilter({ conversationId, since, upTo }: RevRange) {
  return { conversationId, rev: { $gt: since, $lte: upTo } }
}

/** Whether a `rev` is within the range. */
export function isWithin(rev: number, { since, upTo }: RevRange): boolean {
  return rev > since && rev <= upTo
}
