import { Type } from '@sinclair/typebox'
import { Attachment, ClientId } from '../../../protocol/messages/entities.ts'
import { oneOf, Timestamp } from '../../../protocol/schema.ts'
import { BareId, success } from '../kit/answers.ts'

const id = { _id: BareId, id: BareId }

export const Message = Type.Object({
  ...id,
  conversationId: BareId,
  senderId: BareId,
  recipientId: BareId,
  text: Type.String(),
  attachment: Type.Optional(Type.Object({ ...Attachment.properties, type: oneOf('image', 'video', 'file') })),
  clientId: Type.Optional(ClientId),
  createdAt: Timestamp,
  status: oneOf('sent', 'delivered', 'read'),
  isEdited: Type.Boolean(),
  isDeleted: Type.Boolean()
})
export const Sent = success({ message: Message })
export const History = success({ messages: Type.Array(Message), more: Type.Boolean() })

export const Friend = Type.Object({
  ...id,
  name: Type.String(),
  photoURL: Type.String(),
  isOnline: Type.Boolean(),
  lastSeen: Timestamp
})
export const Friends = success({ friends: Type.Array(Friend) })

const metadata = {
  ...id,
  userId: BareId,
  otherUserId: BareId,
  isPinned: Type.Boolean(),
  isBlocked: Type.Boolean(),
  customRingtone: Type.String(),
  isFavorite: Type.Boolean()
}
export const Metadata = Type.Object(metadata)
export const ChangedMetadata = success({ metadata: Metadata, ...metadata })
