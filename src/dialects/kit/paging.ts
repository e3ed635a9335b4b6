import { Type } from '@sinclair/typebox'
import { MessageId } from '../../../protocol/ids.ts'
import { MAX_PAGE_SIZE, PAGE_SIZE } from '../../../protocol/limits.ts'

/** Larger numbers are taken as the largest page, as the apps expect. */
const Whole = Type.Integer({ minimum: 1, maximum: 1_000_000 })

/** The query of a list: `page` (1 is the newest) and `limit`. */
export const pageQuery = { page: Type.Optional(Whole), limit: Type.Optional(Whole) }
/** The query of a history: by page, or before a message. */
export const historyQuery = { ...pageQuery, before: Type.Optional(MessageId) }

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
