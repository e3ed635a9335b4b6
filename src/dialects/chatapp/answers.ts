import { Type } from '@sinclair/typebox'
import { MatchCode, QrStatus, QrToken } from '../../../protocol/accounts/entities.ts'
import { Role } from '../../../protocol/conversations/entities.ts'
import { ConversationId, MessageId, QrLoginId, UserId } from '../../../protocol/ids.ts'
import { ClientId, Location } from '../../../protocol/messages/entities.ts'
import { PresenceStatus } from '../../../protocol/presence/entities.ts'
import { Emoji } from '../../../protocol/reactions/entities.ts'
import { oneOf, Timestamp } from '../../../protocol/schema.ts'
import { nullable, success } from '../kit/answers.ts'
import { Media } from './content.ts'

const message = {
  messageId: MessageId,
  conversationId: ConversationId,
  senderId: UserId,
  text: Type.String(),
  type: oneOf('text', 'image', 'video', 'audio', 'file', 'location'),
  clientId: Type.Optional(ClientId),
  media: Type.Optional(Media),
  attachments: Type.Optional(Type.Array(Media, { description: 'All of them, where there are several.' })),
  location: Type.Optional(Location),
  status: Type.Optional(oneOf('sent', 'delivered', 'read')),
  replyTo: Type.Optional(MessageId),
  deletedAt: Type.Optional(Timestamp),
  reactions: Type.Array(Type.Object({ userId: UserId, emoji: Emoji, createdAt: nullable(Timestamp) })),
  createdAt: Timestamp,
  updatedAt: Timestamp
}

export const Message = Type.Object(message)
export const MessageList = Type.Array(Message)
/** A message that was deleted for everyone, as it is then, or for oneself. */
export const Deletion = Type.Union([
  success(message),
  success({ conversationId: ConversationId, messageId: MessageId })
])

const Participant = Type.Object({
  userId: UserId,
  displayName: Type.String(),
  avatar: Type.String(),
  role: Role,
  joinedAt: Timestamp,
  lastReadMessageId: nullable(MessageId),
  isArchived: Type.Optional(Type.Boolean({ description: 'Of the caller alone.' })),
  isMuted: Type.Optional(Type.Boolean({ description: 'Of the caller alone.' }))
})

export const Conversation = Type.Object({
  conversationId: ConversationId,
  type: oneOf('direct', 'group'),
  name: Type.String(),
  avatar: Type.String(),
  lastMessage: nullable(
    Type.Object({ messageId: MessageId, text: Type.String(), senderId: UserId, timestamp: Timestamp })
  ),
  unreadCount: Type.Integer({ minimum: 0 }),
  createdBy: Type.Optional(UserId),
  isArchived: Type.Boolean(),
  isMuted: Type.Boolean(),
  createdAt: Timestamp,
  updatedAt: Timestamp,
  participants: Type.Array(Participant)
})
export const ConversationList = Type.Array(Conversation)

const lastSeen = nullable(Timestamp)
const user = {
  userId: UserId,
  displayName: Type.String(),
  avatar: Type.String(),
  status: Type.String({ description: 'Their status text.' }),
  isOnline: Type.Boolean(),
  lastSeen,
  createdAt: Type.Optional(Timestamp),
  updatedAt: Type.Optional(Timestamp)
}

export const Settings = Type.Object({
  notifications: Type.Boolean(),
  theme: oneOf('light', 'dark'),
  language: Type.String()
})
export const OwnUser = Type.Object({
  ...user,
  phoneNumber: nullable(Type.String()),
  updatedAt: Timestamp,
  settings: Settings
})
/** Somebody; the caller with what only they see. */
export const User = Type.Union([OwnUser, Type.Object(user)])
export const Presence = success({ userId: UserId, status: PresenceStatus, isOnline: Type.Boolean(), lastSeen })

const code = { qrId: QrLoginId, status: QrStatus, expiresAt: Timestamp }
export const NewCode = success({
  ...code,
  qrToken: QrToken,
  url: Type.String(),
  expiresIn: Type.Integer(),
  matchCode: Type.Optional(MatchCode)
})
export const Code = success({ ...code, isUsed: Type.Boolean() })
export const ApprovedCode = success(code)

const tokens = { userId: UserId, token: Type.String(), refreshToken: Type.String() }
export const Tokens = success(tokens)
export const SignedIn = success({ ...tokens, message: Type.String() })
