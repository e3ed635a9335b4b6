import { bareId } from '../../../../protocol/ids.ts'
import type { Attachment, Message, MessageType } from '../../../../protocol/messages/entities.ts'
import type { Reaction } from '../../../../protocol/reactions/entities.ts'
import type { Participant } from '../../../conversations/index.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import { textOf } from '../../kit/text-of.ts'

/** The app’s word for each kind of message; what it does not know is a text to it. */
const TYPES: Readonly<Record<MessageType, string>> = {
  text: 'text',
  image: 'image',
  video: 'video',
  audio: 'audio',
  voice: 'audio',
  file: 'file',
  call: 'call',
  location: 'text',
  contact: 'text',
  system: 'text'
}

/** A message, and who of the others in its conversation has read it; live ones have not been read yet. */
export function presentMessage(message: Message, participants: readonly Participant[] = []) {
  const { id, conversationId, senderId, type, attachments = [], reactions, replyTo, clientId } = message
  const { encryptedContent, metadata, createdAt, editedAt, deletedAt } = message
  const { location, contact, system } = message
  return {
    _id: bareId(id),
    id: bareId(id),
    conversationId: bareId(conversationId),
    senderId: bareId(senderId),
    type: TYPES[type],
    content: textOf(message),
    encryptedContent: encryptedContent ?? null,
    attachments: attachments.map(presentAttachment),
    reactions: reactions.flatMap(presentReactions),
    readReceipts: readersOf(message, participants).map(({ user, reads }) => ({
      userId: bareId(user.id),
      readAt: reads.find(it => it.seq >= message.seq)?.at ?? null
    })),
    replyTo: replyTo === undefined ? null : bareId(replyTo.messageId),
    isEdited: editedAt !== undefined,
    isDeleted: deletedAt !== undefined,
    deletedAt: deletedAt ?? null,
    metadata: metadata ?? {},
    ...omitUndefined({ clientId, location, contact, isSystem: system && true }),
    createdAt,
    updatedAt: deletedAt ?? editedAt ?? createdAt
  }
}

/** Members who were there when a message was sent, and have read up to it. */
function readersOf({ senderId, seq, createdAt }: Message, participants: readonly Participant[]): Participant[] {
  return participants.filter(
    ({ user, readSeq, joinedAt }) => user.id !== senderId && readSeq >= seq && joinedAt <= createdAt
  )
}

function presentAttachment({ type, durationSeconds, ...rest }: Attachment) {
  return {
    ...rest,
    type: TYPES[type],
    ...omitUndefined({ duration: durationSeconds })
  }
}

/** Reactions as the app counts them: one entry for each person. */
function presentReactions({ emoji, userIds, reactedAt }: Reaction) {
  return userIds.map((userId, index) => ({ emoji, userId: bareId(userId), createdAt: reactedAt[index] ?? null }))
}
