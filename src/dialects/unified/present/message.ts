import { bareId } from '../../../../protocol/ids.ts'
import type { Attachment, Message, Quote } from '../../../../protocol/messages/entities.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import type { Services } from '../../kit/services.ts'
import { textOf } from '../../kit/text-of.ts'

/** The two people of a direct conversation, 24 hexadecimal digits each. */
type Pair = readonly [string, string]

/** A message with both apps’ names of the fields. @param pair in a direct conversation: then `to` is told */
export function presentMessage(message: Message, pair?: Pair) {
  const { id, conversationId, senderId, clientId, type, seq, attachments = [], createdAt } = message
  const text = textOf(message)
  const sender = bareId(senderId)
  return {
    _id: bareId(id),
    id: bareId(id),
    messageId: bareId(id),
    seq,
    conversationId: bareId(conversationId),
    conversation: bareId(conversationId),
    sender,
    senderId: sender,
    from: sender,
    ...omitUndefined({ to: pair?.find(it => it !== sender), clientId }),
    type,
    content: text,
    text,
    attachments: attachments.map(presentAttachment),
    ...presentRest(message),
    ...presentState(message),
    createdAt,
    timestamp: createdAt
  }
}

function presentAttachment(attachment: Attachment) {
  const { thumbnailUrl, fileName, fileSize, durationSeconds } = attachment
  return {
    ...attachment,
    ...omitUndefined({ thumbnail: thumbnailUrl, name: fileName, size: fileSize, duration: durationSeconds })
  }
}

function presentRest({ location, contact, encryptedContent, metadata, mentions, system, replyTo }: Message) {
  return {
    replyTo: replyTo === undefined ? null : bareId(replyTo.messageId),
    ...omitUndefined({
      location,
      contact,
      encryptedContent,
      metadata,
      mentions: mentions?.map(bareId),
      system,
      quoted: replyTo && presentQuote(replyTo)
    })
  }
}

function presentQuote({ messageId, senderId, text = '', deleted = false }: Quote) {
  const sender = bareId(senderId)
  return { messageId: bareId(messageId), sender, from: sender, content: text, text, isDeleted: deleted }
}

/** State. Each reaction of each person is one item; `reactionCounts` counts those beyond the first twenty. */
function presentState({ reactions, createdAt, editedAt, deletedAt }: Message) {
  return {
    reactions: reactions.flatMap(({ emoji, userIds }) => userIds.map(id => ({ emoji, userId: bareId(id) }))),
    reactionCounts: Object.fromEntries(reactions.map(({ emoji, count }) => [emoji, count])),
    isEdited: editedAt !== undefined,
    editedAt: editedAt ?? null,
    isDeleted: deletedAt !== undefined,
    deletedAt: deletedAt ?? null,
    updatedAt: deletedAt ?? editedAt ?? createdAt
  }
}

/** Presents a message with whom it is to. */
export async function showMessage({ pairs }: Pick<Services, 'pairs'>, message: Message) {
  return presentMessage(message, await pairs.find(bareId(message.conversationId)))
}
