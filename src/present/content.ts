import { prefixedId } from '../../protocol/ids.ts'
import type { Message, SystemNote } from '../../protocol/messages/entities.ts'
import type { ObjectId } from '../database/object-id.ts'
import type { MessageDoc } from '../store/documents.ts'

const PARTS = [
  ...(['attachments', 'location', 'contact', 'encryptedContent'] as const),
  ...(['metadata', 'mentions', 'system'] as const)
]

type Content = Pick<Message, (typeof PARTS)[number]>

/** What a stored message carries besides its text, as it goes on the wire. */
export function presentContent(doc: MessageDoc): Content {
  // Most messages are text and nothing else.
  if (!PARTS.some(name => doc[name] !== undefined)) return {}
  const { contact, mentions, system } = doc
  const parts = {
    ...doc,
    contact: contact && presentContact(contact),
    mentions: mentions?.map(presentId),
    system: system && presentNote(doc.senderId, system)
  }
  return Object.fromEntries(PARTS.flatMap(name => (parts[name] === undefined ? [] : [[name, parts[name]]])))
}

/** An upper bound of its bytes on the wire. */
export function contentBytes(message: Content): number {
  const given = PARTS.flatMap(name => message[name] ?? [])
  return given.length === 0 ? 0 : Buffer.byteLength(JSON.stringify(given)) + 256
}

const presentId = (id: ObjectId): string => prefixedId('user', id.toHexString())

function presentContact({ userId, ...contact }: NonNullable<MessageDoc['contact']>) {
  return { ...contact, ...(userId === undefined ? {} : { userId: presentId(userId) }) }
}

function presentNote(actorId: ObjectId, { userIds, ...note }: NonNullable<MessageDoc['system']>): SystemNote {
  return {
    ...note,
    actorId: presentId(actorId),
    ...(userIds === undefined ? {} : { userIds: userIds.map(presentId) })
  }
}
