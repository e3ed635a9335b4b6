import { prefixedId } from '../protocol/ids.ts'

/** An id as the database has it. */
interface StoredId {
  toHexString(): string
}

export const userId = (id: StoredId): string => prefixedId('user', id.toHexString())
export const conversationId = (id: StoredId): string => prefixedId('conv', id.toHexString())
export const messageId = (id: StoredId): string => prefixedId('msg', id.toHexString())

export const fileId = (id: StoredId): string => prefixedId('file', id.toHexString())

/** The name of a pair of people, whoever asks; ids are 24 hexadecimal digits. */
export function pairKeyOf(a: string, b: string): string {
  return [a, b].sort().join(':')
}
