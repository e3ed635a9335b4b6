import { bareId } from '../../protocol/ids.ts'
import type { MessageType } from '../../protocol/messages/entities.ts'
import type { ObjectId } from '../database/object-id.ts'
import type { MessageDoc } from '../store/documents.ts'

/** What a message must be, beside what it says. */
export interface Facets {
  readonly senderId?: string
  readonly type?: MessageType
  /** With an attachment, or without. */
  readonly hasFile?: boolean
  /** A person who is mentioned in it; of who searches also what mentions everyone. */
  readonly mention?: string
}

/** No word has this sign in it. */
const SIGN = '@'

/** Term of what mentions everyone. */
const EVERYONE = `${SIGN}everyone`

/** Terms of what a message is. */
export function facetsOf({
  senderId,
  type,
  attachments = [],
  mentions = [],
  mentionsEveryone = false
}: Pick<MessageDoc, 'senderId' | 'type' | 'attachments' | 'mentions' | 'mentionsEveryone'>): string[] {
  if (isServerType(type)) return []
  const file = attachments.length > 0 ? [`${SIGN}file`] : []
  const mentioned = mentions.map(id => `${SIGN}mention:${id.toHexString()}`)
  return [
    `${SIGN}from:${senderId.toHexString()}`,
    `${SIGN}type:${type}`,
    ...file,
    ...mentioned,
    ...(mentionsEveryone ? [EVERYONE] : [])
  ]
}

/** Term that a message has, or terms of which it has one. */
export type Term = string | readonly string[]

/** Whether a person looks for what mentions themself. */
export function isOwnMention(mention: string, userId: ObjectId): boolean {
  return bareId(mention) === userId.toHexString()
}

/** Terms that every message has which is as somebody asks for, those of few messages first. */
export function facetTerms({ senderId, type, hasFile, mention }: Facets, userId: ObjectId): Term[] {
  return [
    ...(mention === undefined ? [] : [mentionTerm(mention, userId)]),
    ...(hasFile === true ? [`${SIGN}file`] : []),
    ...(type === undefined ? [] : [`${SIGN}type:${type}`]),
    ...(senderId === undefined ? [] : [`${SIGN}from:${bareId(senderId)}`])
  ]
}

function mentionTerm(mention: string, userId: ObjectId): Term {
  const term = `${SIGN}mention:${bareId(mention)}`
  return isOwnMention(mention, userId) ? [term, EVERYONE] : term
}

/** Whether the server writes messages of a type by itself: nobody has said anything in them. */
export function isServerType(type: MessageType): boolean {
  return type === 'system' || type === 'call'
}
