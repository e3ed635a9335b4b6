import type { ObjectId } from 'mongodb'

/** View of a conversation for one person: messages after `afterSeq` that they have not hidden. */
export interface View {
  readonly conversationId: ObjectId
  readonly userId: ObjectId
  readonly afterSeq: number
}

/** Messages of a conversation with `afterSeq < seq <= upToSeq`. */
export interface SeqRange {
  readonly conversationId: ObjectId
  readonly afterSeq: number
  readonly upToSeq: number
}

/** Number of messages in a range: there is one for each `seq`. */
export function lengthOf({ afterSeq, upToSeq }: SeqRange): number {
  return upToSeq - afterSeq
}

/** Filter of the messages of ranges that the person has not hidden. */
export function rangeFilter(ranges: readonly SeqRange[], userId: ObjectId) {
  // What is the same for all ranges is asked once: within each it costs the database several times as much.
  return { $or: ranges.map(seqFilter), hiddenFor: { $ne: userId } }
}

function seqFilter(range: SeqRange) {
  const { conversationId, afterSeq, upToSeq } = range
  return { conversationId, seq: lengthOf(range) === 1 ? upToSeq : { $gt: afterSeq, $lte: upToSeq } }
}
