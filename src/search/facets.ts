import { bareId } from '../../protocol/ids.ts'
import type { MessageType } from '../../protocol/messages/entities.ts'
import type { MessageDoc } from '../store/documents.ts'

/** What a message must be, beside what it says. */
export interface Facets {
  readonly senderId?: string
  readonly type?: MessageType
  /** With an attachment, or without. */
  readonly hasFile?: boolean
  /** A person who is mentioned in it. */
  readonly mention?: string
}

/** No word has this sign in it. */
const SIGN = '@'

/** Terms of what a message is. */
export function facetsOf({
  senderId,
  type,
  attachments = [],
  mentions = []
}: Pick<MessageDoc, 'senderId' | 'type' | 'attachments' | 'mentions'>): string[] {
  if (isServerType(type)) return []
  const file = attachments.length > 0 ? [`${SIGN}file`] : []
  const mentioned = mentions.map(id => `${SIGN}mention:${id.toHexString()}`)
  return [`${SIGN}from:${senderId.toHexString()}`, `${SIGN}type:${type}`, ...file, ...mentioned]
}

/** Terms that every message has which is as asked for, those of few messages first. */
export function facetTerms({ senderId, type, hasFile, mention }: Facets): string[] {
  return [
    ...(mention === undefined ? [] : [`${SIGN}mention:${bareId(mention)}`]),
    ...(hasFile === true ? [`${SIGN}file`] : []),
    ...(type === undefined ? [] : [`${SIGN}type:${type}`]),
    ...(senderId === undefined ? [] : [`${SIGN}from:${bareId(senderId)}`])
  ]
}

/** Whether the server writes messages of a type by itself: nobody has said anything in them. */
export function isServerType(type: MessageType): boolean {
  return type === 'system' || type === 'call'
}
