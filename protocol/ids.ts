import { type TString, Type } from '@sinclair/typebox'

/** The kinds of things that have ids of their own, by the prefix of the id. */
export type IdPrefix = 'user' | 'conv' | 'msg' | 'ses' | 'qr' | 'req' | 'file' | 'sch' | 'exp'

const HEX = '[0-9a-f]{24}'

/** An id as a client may write it: with its prefix (`conv_<24 hex>`, as the server answers it) or bare. */
export const idOf = (prefix: IdPrefix): TString =>
  Type.String({ pattern: `^(${prefix}_)?${HEX}$`, maxLength: 29, examples: [`${prefix}_64b7f0c2a1d3e4f5a6b7c8d9`] })

export const UserId = idOf('user')
export const ConversationId = idOf('conv')
export const MessageId = idOf('msg')
export const SessionId = idOf('ses')
export const QrLoginId = idOf('qr')
export const RequestId = idOf('req')
export const FileId = idOf('file')

/** A stream of durable events: a conversation's (`conv_…`) or a user's own (`user_…`). */
export const StreamId = Type.String({ pattern: `^(conv|user)_${HEX}$`, maxLength: 29 })

/** The 24 hexadecimal digits of an id of either form. */
export function bareId(id: string): string {
  return id.slice(-24)
}

/** The id with its prefix. */
export function prefixedId(prefix: IdPrefix, bare: string): string {
  return `${prefix}_${bare}`
}
