import type { ObjectId } from 'mongodb'

/** View of a conversation for one person: messages after `afterSeq` that they have not hidden. */
export interface View {
  readonly conversationId: ObjectId
  readonly userId: ObjectId
  readonly afterSeq: number
}

/** View up to a `seq`. */
export interface ViewRange extends View {
  readonly upToSeq: number
}

/** Number of messages in a range, hidden ones too: there is one for each `seq`. */
export function lengthOf({ afterSeq, upToSeq }: ViewRange): number {
  return upToSeq - afterSeq
}

/** Filter of the messages of a view that match a condition on `seq`. */
export function viewFilter<Condition>({ conversationId, userId }: View, seq: Condition) {
  return { conversationId, seq, hiddenFor: { $ne: userId } }
}

/** Filter of the messages of a range. */
export function rangeFilter(range: ViewRange) {
  return viewFilter(range, { $gt: range.afterSeq, $lte: range.upToSeq })
}
