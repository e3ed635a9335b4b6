import type { ObjectId } from 'mongodb'

/** Rows by the id of their conversation (24 hexadecimal digits), in their order. */
export function byConversation<Row extends { conversationId: ObjectId }>(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const id = row.conversationId.toHexString()
    const group = groups.get(id)
    if (group === undefined) groups.set(id, [row])
    else group.push(row)
  }
  return groups
}
