import { Type } from '@sinclair/typebox'
import { MessageId } from '../../../protocol/ids.ts'
import { MAX_PAGE_SIZE, PAGE_SIZE } from '../../../protocol/limits.ts'

/** Larger numbers are taken as the largest page, as the apps expect. */
const Whole = Type.Integer({ minimum: 1, maximum: 1_000_000 })

/** The query of a list: `page` (1 is the newest) and `limit`. */
export const pageQuery = {
  page: Type.Optional({
    ...Whole,
    description:
      'From 1. Beyond the first 1,000 people nobody is found; beyond the first 10,000 conversations it is refused.'
  }),
  limit: Type.Optional({ ...Whole, description: `More than ${MAX_PAGE_SIZE} are taken as that.` })
}
/** Numbered pages that a history has. */
const MAX_PAGE = 1_000
/** The query of a history: by page, or before a message. */
export const historyQuery = {
  ...pageQuery,
  page: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PAGE, description: '1 is the newest.' })),
  before: Type.Optional(MessageId)
}

interface HistoryQuery {
  readonly page?: number
  readonly limit?: number
  readonly before?: string
}

/** Page size of a request. */
export function limitOf({ limit = PAGE_SIZE }: Pick<HistoryQuery, 'limit'>): number {
  return Math.min(limit, MAX_PAGE_SIZE)
}

/** The place in a history that a query names, as the services take it. */
export function placeOf(query: HistoryQuery): { limit: number; page?: number; beforeMessageId?: string } {
  const { page, before } = query
  const limit = limitOf(query)
  if (before !== undefined) return { limit, beforeMessageId: before }
  return page === undefined ? { limit } : { limit, page }
}
