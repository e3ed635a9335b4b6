/**
 * Page of rows that were read with one more than the page holds.
 * @returns the page, and its last row where others follow it: the next page begins after it
 */
export function cutPage<Row>(rows: readonly Row[], limit: number): { page: Row[]; last: Row | undefined } {
  const page = rows.slice(0, limit)
  return { page, last: rows.length > limit ? page.at(-1) : undefined }
}
