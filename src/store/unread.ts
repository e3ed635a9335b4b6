import type { ObjectId } from 'mongodb'
import { MAX_UNREAD } from '../../protocol/limits.ts'
import { lengthOf, rangeFilter, type SeqRange } from './view.ts'

/** Messages after a cursor among which unread ones are looked for: own ones, deleted ones and system messages are none. */
const MAX_LOOKED_AT = 2_000

const COUNT = { $group: { _id: '$conversationId', count: { $sum: 1 } } }

/** Pipeline on messages that counts a person's unread ones of each range, up to `MAX_UNREAD`: `{_id: conversationId, count}`. */
export function countUnread(ranges: readonly SeqRange[], userId: ObjectId, now: Date): object[] {
  const match = (some: readonly SeqRange[]) => ({ $match: { ...rangeFilter(some, userId), ...othersOf(userId, now) } })
  const short = ranges.filter(range => lengthOf(range) <= MAX_UNREAD)
  const long = ranges.filter(range => lengthOf(range) > MAX_UNREAD)
  const [first = [], ...others] = [
    // One scan for all that cannot hold too many: it is cheaper than one for each.
    ...(short.length > 0 ? [[match(short), COUNT]] : []),
    ...long.map(range => [match([beginningOf(range)]), { $limit: MAX_UNREAD }, COUNT])
  ]
  return [...first, ...others.map(pipeline => ({ $unionWith: { coll: 'messages', pipeline } }))]
}

function othersOf(userId: ObjectId, now: Date) {
  const isThere = { deletedAt: { $exists: false }, expiresAt: { $not: { $lte: now } } }
  return { senderId: { $ne: userId }, type: { $ne: 'system' }, ...isThere }
}

function beginningOf(range: SeqRange): SeqRange {
  return { ...range, upToSeq: Math.min(range.upToSeq, range.afterSeq + MAX_LOOKED_AT) }
}
