import type { ConversationView } from '../../../protocol/conversations/entities.ts'
import type { Attachment, Message } from '../../../protocol/messages/entities.ts'
import type { ConversationDetails, Participant } from '../../conversations/index.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { textOf } from '../kit/text-of.ts'

export type Status = 'sent' | 'delivered' | 'read'

/** Status of a message: the least that everybody else in the conversation has got of it. */
export function statusOf({ senderId, seq }: Message, participants: readonly Participant[]): Status {
  const others = participants.filter(({ user }) => user.id !== senderId)
  if (others.length === 0) return 'sent'
  if (others.every(({ readSeq }) => readSeq >= seq)) return 'read'
  return others.every(({ deliveredSeq }) => deliveredSeq >= seq) ? 'delivered' : 'sent'
}

/** @param status left out where it may have become another one meanwhile */
export function presentMessage(message: Message, status?: Status) {
  const { id, conversationId, senderId, clientId, reactions, location, attachments = [], replyTo } = message
  const { createdAt, editedAt, deletedAt } = message
  const [attachment] = attachments
  return {
    messageId: id,
    conversationId,
    senderId,
    text: textOf(message),
    type: typeOf(message),
    ...omitUndefined({
      clientId,
      media: attachment && presentMedia(attachment),
      attachments: attachments.length > 1 ? attachments.map(presentMedia) : undefined,
      location,
      status,
      replyTo: replyTo?.messageId,
      deletedAt
    }),
    reactions: reactions.flatMap(({ emoji, userIds, reactedAt }) =>
      userIds.map((userId, index) => ({ userId, emoji, createdAt: reactedAt[index] ?? null }))
    ),
    createdAt,
    updatedAt: deletedAt ?? editedAt ?? createdAt
  }
}

const TYPES: ReadonlySet<string> = new Set(['text', 'image', 'video', 'audio', 'file', 'location'])

/** The document knows six types. */
function typeOf({ type }: Message): string {
  if (TYPES.has(type)) return type
  return type === 'voice' ? 'audio' : 'text'
}

function presentMedia({ url, thumbnailUrl, mimeType, fileSize, durationSeconds, fileName, width, height }: Attachment) {
  const media = { url, thumbnail: thumbnailUrl, mimeType, size: fileSize, duration: durationSeconds }
  const known = Object.entries({ ...media, fileName, width, height }).filter(([, value]) => value !== undefined)
  return Object.fromEntries(known)
}

export function presentMessages(messages: readonly Message[], participants: readonly Participant[]) {
  return messages.map(message => presentMessage(message, statusOf(message, participants)))
}

/** A conversation as far as it is known without looking up who is in it. */
export function presentHead({ id, type, name = '', avatarUrl = '', createdAt, lastActivityAt, ...view }: Head) {
  const { lastMessage, unreadCount, me } = view
  return {
    conversationId: id,
    type: type === 'direct' ? 'direct' : 'group',
    name,
    avatar: avatarUrl,
    lastMessage: lastMessage === undefined ? null : presentLast(lastMessage),
    unreadCount,
    isArchived: me.preferences?.archived ?? false,
    isMuted: me.preferences?.muted ?? false,
    createdAt,
    updatedAt: lastActivityAt
  }
}

type Head = Omit<ConversationView, 'rev'>

function presentLast(message: Message) {
  const { id, senderId, createdAt } = message
  return { messageId: id, text: textOf(message), senderId, timestamp: createdAt }
}

/** A conversation as its list shows it; what somebody has archived and muted is nobody else’s business. */
export function presentConversation({ view, participants }: ConversationDetails, callerId: string) {
  const { isArchived, isMuted, ...head } = presentHead(view)
  const owner = participants.find(({ role }) => role === 'owner')
  return {
    ...head,
    ...omitUndefined({ createdBy: owner?.user.id }),
    isArchived,
    isMuted,
    participants: participants.map(({ user: { id, displayName, avatarUrl = '' }, role, joinedAt, readUpTo }) => ({
      userId: id,
      displayName,
      avatar: avatarUrl,
      role,
      joinedAt,
      lastReadMessageId: readUpTo ?? null,
      ...omitUndefined({
        isArchived: id === callerId ? isArchived : undefined,
        isMuted: id === callerId ? isMuted : undefined
      })
    }))
  }
}
