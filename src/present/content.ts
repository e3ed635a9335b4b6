import { prefixedId } from '../../protocol/ids.ts'
import type { Message, SystemNote } from '../../protocol/messages/entities.ts'
import type { ObjectId } from '../database/object-id.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { MessageDoc } from '../store/documents.ts'

const PARTS = ['attachments', 'location', 'contact', 'encryptedContent', 'metadata', 'mentions', 'system'] as const

type Content = Pick<Message, (typeof PARTS)[number]>

/** Content of a stored message besides its text, as on the wire. */
export function presentContent(doc: MessageDoc): Content {
  // Most messages are text and nothing else.
  if (!PARTS.some(name => doc[name] !== undefined)) return {}
  const { attachments, location, contact, encryptedContent, metadata, mentions, system } = doc
  return omitUndefined({
    attachments,
    location,
    contact: contact && presentContact(contact),
    encryptedContent,
    metadata,
    mentions: mentions?.map(presentId),
    system: system && presentNote(doc.senderId, system)
  })
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
