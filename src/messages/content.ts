import { hash } from 'node:crypto'
import { bareId } from '../../protocol/ids.ts'
import type { Attachment, MessageType } from '../../protocol/messages/entities.ts'
import type { MessageSendData } from '../../protocol/messages/events.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { fileLinks } from '../present/file-links.ts'
import type { MessageDoc } from '../store/documents.ts'
import { requireText } from '../text.ts'
import { type Mentions, readMentions } from './mentions/mentions.ts'
import { requireMetadata } from './metadata.ts'

/** Content that a client may put into a message. */
export type NewContent = Omit<MessageSendData, 'conversationId' | 'clientId'>

/** The checked content of a message, as it is stored. */
export interface Content {
  readonly fields: Pick<
    MessageDoc,
    'type' | 'text' | 'attachments' | 'location' | 'contact' | 'encryptedContent' | 'metadata' | 'preview' | 'noPreview'
  >
  readonly mentions: Mentions
  /** About how much it takes, bytes. */
  readonly bytes: number
  /** Tells a repeat from another message. */
  readonly bodyHash: string
}

const MEDIA: readonly MessageType[] = ['image', 'video', 'audio', 'voice', 'file']
const SERVER_ONLY: readonly MessageType[] = ['call', 'system']

/**
 * Checks what a client wants to say. An empty text is none.
 * @throws {AppError} `forbidden` for what only the server writes, `invalid` when the type lacks its content, `too_large`
 */
export function readContent(input: NewContent, textBytes: number): Content {
  const { type = 'text', metadata } = input
  if (SERVER_ONLY.includes(type)) throw new AppError('forbidden', `Only the server writes messages of type ${type}`)
  const text = input.text === '' ? undefined : input.text
  requireParts({ ...input, type }, text)
  if (text !== undefined) requireText(text, textBytes)
  if (metadata !== undefined) requireMetadata(metadata)
  const rest = partsOf(input)
  requireWellFormed(rest)
  const mentions = readMentions(input, text)
  const others = otherParts(type, withFileIds(rest), mentions)
  const replyTo = input.replyTo && bareId(input.replyTo)
  return {
    fields: { type, ...omitUndefined({ text }), ...rest },
    mentions,
    bytes: `${text ?? ''}${others ?? ''}`.length * 3 + 512,
    bodyHash: digest(text, replyTo, ...(others === undefined ? [] : [others]))
  }
}

/** Fields of a message but text, reply and mentions, in one order, so that equal ones have equal digests. */
function partsOf({ attachments = [], location, contact, encryptedContent, metadata, noPreview }: NewContent) {
  return omitUndefined({
    attachments: attachments.length === 0 ? undefined : attachments.map(attachmentOf),
    location: location && locationOf(location),
    contact: contact && contactOf(contact),
    encryptedContent,
    metadata,
    noPreview: noPreview || undefined
  })
}

function requireParts(
  { type, attachments = [], location, contact, encryptedContent }: NewContent & { type: MessageType },
  text: string | undefined
): void {
  if (encryptedContent !== undefined) return
  if (type === 'text' && text === undefined) throw new AppError('invalid', 'The text is empty')
  if (MEDIA.includes(type) && attachments.length === 0) throw missing(type, 'attachment')
  if (type === 'location' && location === undefined) throw missing(type, 'location')
  if (type === 'contact' && contact === undefined) throw missing(type, 'contact')
}

function missing(type: MessageType, part: string): AppError {
  return new AppError('invalid', `A message of type ${type} needs its ${part}`)
}

/** The same file is the same content, by whichever of its addresses. */
function withFileIds<T extends { readonly attachments?: readonly Attachment[] }>({ attachments, ...rest }: T) {
  if (attachments === undefined) return rest
  const named = attachments.map(({ url, thumbnailUrl, previewUrl, ...it }) => {
    const fileId = fileLinks.fileIdIn(url)
    return fileId === undefined ? { ...it, url, thumbnailUrl, previewUrl } : { type: it.type, fileId }
  })
  return { attachments: named, ...rest }
}

/** Content but text and reply, as one text; nothing for a plain text, so that its digest stays what it was. */
function otherParts(type: MessageType, rest: object, mentions: Mentions): string | undefined {
  const { userIds, ranges, everyone } = mentions
  const more = ranges.length > 0 || everyone ? [{ ranges, everyone }] : []
  const isPlain = type === 'text' && userIds.length === 0 && more.length === 0
  if (isPlain && Object.keys(rest).length === 0) return undefined
  return JSON.stringify([type, rest, userIds, ...more])
}

function attachmentOf(attachment: Attachment): Attachment {
  const { type, url, thumbnailUrl, fileName, fileSize, mimeType, durationSeconds, width, height, waveform } = attachment
  const { previewUrl, thumbhash } = attachment
  const rest = {
    thumbnailUrl,
    fileName,
    fileSize,
    mimeType,
    durationSeconds,
    width,
    height,
    waveform,
    previewUrl,
    thumbhash
  }
  return { type, url, ...omitUndefined(rest) }
}

function locationOf({ latitude, longitude, name }: NonNullable<NewContent['location']>) {
  return { latitude, longitude, ...omitUndefined({ name }) }
}

function contactOf({ name, phones, userId }: NonNullable<NewContent['contact']>): NonNullable<MessageDoc['contact']> {
  return { name, ...omitUndefined({ phones, userId: userId === undefined ? undefined : new ObjectId(bareId(userId)) }) }
}

/** Half a character would be stored as another one. */
function requireWellFormed(value: unknown): void {
  if (typeof value === 'string' && !value.isWellFormed()) {
    throw new AppError('invalid', 'The message is not well-formed Unicode')
  }
  if (typeof value !== 'object' || value === null || value instanceof ObjectId) return
  for (const [key, item] of Object.entries(value)) {
    if (!key.isWellFormed()) throw new AppError('invalid', 'The message is not well-formed Unicode')
    requireWellFormed(item)
  }
}

/** Tells a repeated send from another one with the same `clientId`. */
export function digest(...parts: (string | undefined)[]): string {
  return hash('sha1', JSON.stringify(parts), 'base64url')
}
