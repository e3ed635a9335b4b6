import { prefixedId } from '../../protocol/ids.ts'
import type { Attachment, MentionRange, Message, SystemNote } from '../../protocol/messages/entities.ts'
import type { LinkPreview } from '../../protocol/previews/entities.ts'
import type { ObjectId } from '../database/object-id.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { AttachmentDoc, MentionRangeDoc, MessageDoc, PreviewDoc } from '../store/documents.ts'
import { type FileLinks, fileLinks, type LinkHolder } from './file-links.ts'

const PARTS = [
  ...(['attachments', 'location', 'contact', 'encryptedContent', 'metadata'] as const),
  ...(['mentions', 'mentionRanges', 'mentionsEveryone', 'system', 'preview'] as const)
] as const

/** Most bytes of the address of a file after that of the server, and of the prefix of an id. */
const ADDRESS_BYTES = 256
const PREFIX_BYTES = 8

type Content = Pick<Message, (typeof PARTS)[number]>

/** Content of a stored message besides its text, as on the wire. */
export function presentContent(doc: MessageDoc, userId?: ObjectId): Content {
  // Most messages are text and nothing else.
  if (!PARTS.some(name => doc[name] !== undefined)) return {}
  const { conversationId: of, attachments, location, contact, encryptedContent, metadata, mentions, system } = doc
  const { mentionRanges, mentionsEveryone, preview } = doc
  const conversationId = of.toHexString()
  const holder = { conversationId, ...(userId && { userId: userId.toHexString() }) }
  return omitUndefined({
    attachments: attachments?.map(it => presentAttachment(it, holder)),
    location,
    contact: contact && presentContact(contact),
    encryptedContent,
    metadata,
    mentions: mentions?.map(presentId),
    mentionRanges: mentionRanges?.map(presentRange),
    mentionsEveryone,
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

/** The same of what is stored, before it is presented: ids have no prefix yet, and files no addresses. */
export function storedContentBytes(doc: MessageDoc): number {
  const given = PARTS.flatMap(name => doc[name] ?? [])
  if (given.length === 0) return 0
  const files = doc.attachments?.filter(({ fileId }) => fileId !== undefined).length ?? 0
  const ids = [doc.mentions, doc.mentionRanges, doc.system?.userIds].reduce((sum, list) => sum + (list?.length ?? 0), 0)
  const addresses = (files + (doc.preview?.picture === undefined ? 0 : 1)) * 3 * (fileLinks.base.length + ADDRESS_BYTES)
  return Buffer.byteLength(JSON.stringify(given)) + 256 + ids * PREFIX_BYTES + addresses
}

const presentId = (id: ObjectId): string => prefixedId('user', id.toHexString())

/** Stored range → as it goes on the wire. */
export function presentRange({ offset, length, userId }: MentionRangeDoc): MentionRange {
  return { offset, length, ...(userId === undefined ? { everyone: true } : { userId: presentId(userId) }) }
}

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
