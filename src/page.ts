import { AppError } from './errors.ts'

/**
 * Page of rows that were read with one more than the page holds.
 * @returns the page, and its last row where others follow it: the next page begins after it
 */
export function cutPage<Row>(rows: readonly Row[], limit: number): { page: Row[]; last: Row | undefined } {
  const page = rows.slice(0, limit)
  return { page, last: rows.length > limit ? page.at(-1) : undefined }
}

/**
 * Page of rows that are read as they are asked for, one more than the page holds: as many as fit its bytes, at least one.
 * @returns as `cutPage`
 */
export async function fillPage<Row>(
  rows: AsyncIterable<Row>,
  { limit, maxBytes }: { readonly limit: number; readonly maxBytes: number },
  bytesOf: (row: Row) => number
): Promise<{ page: Row[]; last: Row | undefined }> {
  const page: Row[] = []
  let left = maxBytes
  for await (const row of rows) {
    left -= bytesOf(row)
    if (page.length === limit || (page.length > 0 && left < 0)) return { page, last: page.at(-1) }
    page.push(row)
  }
  return { page, last: undefined }
}

/**
 * Number of rows before a numbered page; 1 is the first one.
 * @param max rows that numbered pages reach: the database reads those before them too
 * @throws {AppError} `invalid` for what is no page, or one that is too far
 */
export function skipOf({ page, limit, max, rows }: { page: number; limit: number; max: number; rows: string }): number {
  if (!Number.isInteger(page) || page < 1 || page * limit > max) {
    throw new AppError('invalid', `Pages are numbered from 1, and reach ${max} ${rows}`)
  }
  return (page - 1) * limit
}
