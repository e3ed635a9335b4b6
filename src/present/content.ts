import { prefixedId } from '../../protocol/ids.ts'
import type { Attachment, Message, SystemNote } from '../../protocol/messages/entities.ts'
import type { LinkPreview } from '../../protocol/previews/entities.ts'
import type { ObjectId } from '../database/object-id.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { AttachmentDoc, MessageDoc, PreviewDoc } from '../store/documents.ts'
import { type FileLinks, fileLinks, type LinkHolder } from './file-links.ts'

const PARTS = [
  'attachments',
  'location',
  'contact',
  'encryptedContent',
  'metadata',
  'mentions',
  'system',
  'preview'
] as const

type Content = Pick<Message, (typeof PARTS)[number]>

/** Content of a stored message besides its text, as on the wire. */
export function presentContent(doc: MessageDoc, userId?: ObjectId): Content {
  // Most messages are text and nothing else.
  if (!PARTS.some(name => doc[name] !== undefined)) return {}
  const { conversationId: of, attachments, location, contact, encryptedContent, metadata, mentions } = doc
  const { system, preview } = doc
  const conversationId = of.toHexString()
  const holder = { conversationId, ...(userId && { userId: userId.toHexString() }) }
  return omitUndefined({
    attachments: attachments?.map(it => presentAttachment(it, holder)),
    location,
    contact: contact && presentContact(contact),
    encryptedContent,
    metadata,
    mentions: mentions?.map(presentId),
    system: system && presentNote(doc.senderId, system),
    preview: preview && presentPreview(preview, holder)
  })
}

/** A file that is kept here has addresses for who reads of it. */
function presentAttachment({ fileId, hasPictures, url = '', ...rest }: AttachmentDoc, holder: LinkHolder): Attachment {
  if (fileId === undefined) return { ...rest, url }
  const to = (variant: Parameters<FileLinks['to']>[1]) => fileLinks.to(fileId.toHexString(), variant, holder)
  return {
    ...rest,
    url: to('original'),
    ...(hasPictures && { previewUrl: to('preview'), thumbnailUrl: to('thumbnail') })
  }
}

function presentPreview({ picture, ...preview }: PreviewDoc, holder: LinkHolder): LinkPreview {
  if (picture === undefined) return preview
  const { fileId, ...facts } = picture
  const to = (variant: Parameters<FileLinks['to']>[1]) => fileLinks.to(fileId.toHexString(), variant, holder)
  return { ...preview, picture: { url: to('original'), thumbnailUrl: to('thumbnail'), ...facts } }
}

/** An upper bound of its bytes on the wire. */
export function contentBytes(message: Content): number {
  const given = PARTS.flatMap(name => message[name] ?? [])
  return given.length === 0 ? 0 : Buffer.byteLength(JSON.stringify(given)) + 256
}

const presentId = (id: ObjectId): string => prefixedId('user', id.toHexString())

function presentContact({ userId, ...contact }: NonNullable<MessageDoc['contact']>) {
  return { ...contact, ...omitUndefined({ userId: userId && presentId(userId) }) }
}

function presentNote(
  actorId: ObjectId,
  { userIds, messageId, ...note }: NonNullable<MessageDoc['system']>
): SystemNote {
  return {
    ...note,
    actorId: presentId(actorId),
    ...omitUndefined({
      userIds: userIds?.map(presentId),
      messageId: messageId && prefixedId('msg', messageId.toHexString())
    })
  }
}
