import { MAX_UNREAD } from '../../protocol/limits.ts'
import { lengthOf, rangeFilter, type ViewRange } from './view.ts'

/** Messages after a cursor among which unread ones are looked for: own ones, deleted ones and system messages are none. */
const MAX_LOOKED_AT = 2_000

const COUNT = { $group: { _id: '$conversationId', count: { $sum: 1 } } }

/** Pipeline on messages that counts the unread ones of each range, up to `MAX_UNREAD`: `{_id: conversationId, count}`. */
export function countUnread(ranges: readonly ViewRange[]): object[] {
  const short = ranges.filter(range => lengthOf(range) <= MAX_UNREAD)
  const long = ranges.filter(range => lengthOf(range) > MAX_UNREAD)
  const [first = [], ...others] = [
    // One scan for all that cannot hold too many: it is cheaper than one for each.
    ...(short.length > 0 ? [[{ $match: { $or: short.map(unreadFilter) } }, COUNT]] : []),
    ...long.map(range => [{ $match: unreadFilter(beginningOf(range)) }, { $limit: MAX_UNREAD }, COUNT])
  ]
  return [...first, ...others.map(pipeline => ({ $unionWith: { coll: 'messages', pipeline } }))]
}

function unreadFilter(range: ViewRange) {
  return {
    ...rangeFilter(range),
    senderId: { $ne: range.userId },
    type: { $ne: 'system' },
    deletedAt: { $exists: false }
  }
}

function beginningOf(range: ViewRange): ViewRange {
  return { ...range, upToSeq: Math.min(range.upToSeq, range.afterSeq + MAX_LOOKED_AT) }
}
