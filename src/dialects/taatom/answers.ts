import { type TProperties, Type } from '@sinclair/typebox'
import { Attachment, MessageType } from '../../../protocol/messages/entities.ts'
import { Emoji } from '../../../protocol/reactions/entities.ts'
import { oneOf, Timestamp } from '../../../protocol/schema.ts'
import { BareId, nullable, success } from '../kit/answers.ts'

const id = { _id: BareId, id: BareId }
const granted = <P extends TProperties>(data: P) => success({ message: Type.String(), data: Type.Object(data) })

export const Message = Type.Object({
  ...id,
  sender: BareId,
  text: Type.String(),
  timestamp: Timestamp,
  seen: Type.Boolean(),
  type: MessageType,
  attachments: Type.Array(Attachment),
  reactions: Type.Array(Type.Object({ emoji: Emoji, count: Type.Integer({ minimum: 1 }), users: Type.Array(BareId) })),
  replyTo: nullable(BareId),
  isEdited: Type.Boolean(),
  isDeleted: Type.Boolean(),
  isPinned: Type.Boolean(),
  isForwarded: Type.Boolean(),
  forwardedFrom: nullable(Type.Object({ sender: BareId, timestamp: Timestamp }))
})

const Participant = Type.Object({
  ...id,
  fullName: Type.String(),
  profilePic: Type.String(),
  isVerified: Type.Boolean()
})

export const Chat = Type.Object({
  ...id,
  type: oneOf('user_chat', 'group_chat', 'admin_support'),
  status: oneOf('open', 'waiting_user', 'resolved'),
  name: Type.String(),
  participants: Type.Array(Participant),
  messages: Type.Array(Message),
  lastMessage: nullable(Message),
  unreadCount: Type.Integer({ minimum: 0 }),
  muted: Type.Boolean(),
  updatedAt: Timestamp,
  createdAt: Timestamp
})

export const Chats = granted({ chats: Type.Array(Chat) })
export const OneChat = granted({ chat: Chat })
export const Messages = granted({ messages: Type.Array(Message), more: Type.Optional(Type.Boolean()) })
export const Sent = granted({ message: Message })
export const Forwarded = granted({
  forwarded: Type.Array(Type.Object({ to: Type.String(), chatId: BareId, message: Message })),
  failed: Type.Array(Type.Object({ to: Type.String(), code: Type.String(), message: Type.String() }))
})
export const Done = granted({})
export const Muted = success({
  message: Type.String(),
  data: Type.Object({ muted: Type.Boolean() }),
  muted: Type.Boolean()
})
