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
