import { createHash } from 'node:crypto'
import type { Membership } from '../../../protocol/conversations/entities.ts'
import { bareId } from '../../../protocol/ids.ts'
import type { Attachment, Message } from '../../../protocol/messages/entities.ts'
import type { Presence } from '../../../protocol/presence/entities.ts'
import type { User } from '../../../protocol/users/entities.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { shownTextOf } from '../kit/text-of.ts'

/** Date that stands for a hidden or missing one. */
const NEVER = new Date(0).toISOString()

export type Status = 'sent' | 'delivered' | 'read'

/** A message between two people. @param recipientId in either form */
export function presentMessage(message: Message, recipientId: string, status: Status) {
  const { id, conversationId, senderId, clientId, attachments = [], createdAt, editedAt, deletedAt } = message
  const [attachment] = attachments
  return {
    _id: bareId(id),
    id: bareId(id),
    conversationId: bareId(conversationId),
    senderId: bareId(senderId),
    recipientId: bareId(recipientId),
    text: shownTextOf(message),
    ...omitUndefined({ attachment: attachment && presentAttachment(attachment), clientId }),
    createdAt,
    status,
    isEdited: editedAt !== undefined,
    isDeleted: deletedAt !== undefined
  }
}

/** Attachment in the types that the apps know: image, video, file. */
function presentAttachment({ type, ...attachment }: Attachment) {
  return { type: type === 'image' || type === 'video' ? type : 'file', ...attachment }
}

/** Last-seen time; now for people who are online. */
export function lastSeenOf({ status, lastSeenAt }: Presence): string {
  return status === 'offline' ? (lastSeenAt ?? NEVER) : new Date().toISOString()
}

/** A friend, and whether they are there. */
export function presentFriend({ user, presence }: { user: User; presence: Presence }) {
  const { id, displayName, avatarUrl = '' } = user
  return {
    _id: bareId(id),
    id: bareId(id),
    name: displayName,
    photoURL: avatarUrl,
    isOnline: presence.status !== 'offline',
    lastSeen: lastSeenOf(presence)
  }
}

/** Preferences of a person for the conversation with another. */
export function presentMetadata(
  { userId, otherUserId }: { userId: string; otherUserId: string },
  preferences: Membership['preferences'],
  isBlocked: boolean
) {
  // Of the two people, so that it is the same before and after there is a conversation.
  const id = createHash('sha256').update(`${userId}:${otherUserId}`).digest('hex').slice(0, 24)
  return {
    _id: id,
    id,
    userId,
    otherUserId,
    isPinned: preferences?.pinned ?? false,
    isBlocked,
    customRingtone: preferences?.ringtone ?? '',
    isFavorite: preferences?.favorite ?? false
  }
}
