import { bareId } from '../../../protocol/ids.ts'
import type { Message } from '../../../protocol/messages/entities.ts'
import type { ConversationDetails, Participant } from '../../conversations/index.ts'
import { AppError } from '../../errors.ts'
import { shownTextOf } from '../kit/text-of.ts'
import type { ForwardedTo } from './content.ts'

/** A message as it is told live; whether it was seen is not known yet. */
export function presentMessage(message: Message, seen = false) {
  const { id, senderId, type, attachments = [], reactions, replyTo, forwarded, pinned } = message
  const { createdAt, editedAt, deletedAt } = message
  return {
    _id: bareId(id),
    id: bareId(id),
    sender: bareId(senderId),
    text: shownTextOf(message),
    timestamp: createdAt,
    seen,
    type,
    attachments,
    reactions: reactions.map(({ emoji, userIds, count }) => ({ emoji, count, users: userIds.map(bareId) })),
    replyTo: replyTo === undefined ? null : bareId(replyTo.messageId),
    isEdited: editedAt !== undefined,
    isDeleted: deletedAt !== undefined,
    isPinned: pinned !== undefined,
    isForwarded: forwarded !== undefined,
    forwardedFrom: presentOrigin(forwarded)
  }
}

/** Author and time of what was forwarded, where they may be told. */
function presentOrigin({ senderId, sentAt }: NonNullable<Message['forwarded']> = {}) {
  return senderId === undefined || sentAt === undefined ? null : { sender: bareId(senderId), timestamp: sentAt }
}

/** Messages in the order of time; seen is what everybody else in the chat has read. */
export function presentMessages(messages: readonly Message[], participants: readonly Participant[]) {
  return messages.map(message => {
    const others = participants.filter(({ user }) => user.id !== message.senderId)
    return presentMessage(message, others.length > 0 && others.every(({ readSeq }) => readSeq >= message.seq))
  })
}

function presentParticipant({ user: { id, displayName, avatarUrl = '' } }: Participant) {
  return {
    _id: bareId(id),
    id: bareId(id),
    fullName: displayName,
    profilePic: avatarUrl,
    isVerified: false
  }
}

const TYPES = { direct: 'user_chat', group: 'group_chat', support: 'admin_support' } as const

/** A chat with the newest page of its messages. */
export function presentChat({ view, participants }: ConversationDetails, messages: readonly Message[]) {
  const { id, type, name = '', lastMessage, lastActivityAt, createdAt, unreadCount, status, me } = view
  // Whether all have seen something is known only where all are named.
  const readers = participants.length < view.memberCount ? [] : participants
  return {
    _id: bareId(id),
    id: bareId(id),
    type: TYPES[type],
    status: status ?? 'open',
    name,
    participants: participants.map(presentParticipant),
    messages: presentMessages(messages, readers),
    lastMessage: lastMessage === undefined ? null : presentMessages([lastMessage], readers)[0],
    unreadCount,
    muted: me.preferences?.muted ?? false,
    updatedAt: lastActivityAt,
    createdAt
  }
}

/** Chats into which a message was forwarded, and those into which it was not. */
export function presentForwarded(chats: readonly ForwardedTo[]) {
  return {
    forwarded: chats.flatMap(({ to, outcome }) =>
      outcome instanceof AppError
        ? []
        : [{ to, chatId: bareId(outcome.conversationId), message: presentMessage(outcome) }]
    ),
    failed: chats.flatMap(({ to, outcome }) =>
      outcome instanceof AppError ? [{ to, code: outcome.code, message: outcome.message }] : []
    )
  }
}
