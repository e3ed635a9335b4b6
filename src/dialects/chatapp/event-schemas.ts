import { Type } from '@sinclair/typebox'
import { Role } from '../../../protocol/conversations/entities.ts'
import { ConversationId, MessageId, UserId } from '../../../protocol/ids.ts'
import { Emoji } from '../../../protocol/reactions/entities.ts'
import { oneOf, Timestamp } from '../../../protocol/schema.ts'
import { Username } from '../../../protocol/users/entities.ts'
import { Conversation, Message, OwnUser, Presence } from './answers.ts'

const place = { conversationId: ConversationId, messageId: MessageId }
const Reaction = Type.Object({
  ...place,
  userId: UserId,
  emoji: Emoji,
  reactions: Message.properties.reactions
})
const Receipt = Type.Object({
  ...place,
  userId: UserId,
  status: oneOf('delivered', 'read'),
  lastReadMessageId: Type.Optional(MessageId)
})
const Typing = Type.Object({ conversationId: ConversationId, userId: UserId })
const { userId, displayName, avatar, status } = OwnUser.properties
const Members = Type.Array(
  Type.Object({ userId: UserId, role: Role, joinedAt: Timestamp, leftAt: Type.Optional(Timestamp) })
)

/** Schemas of what its clients are told, by the name of the event. */
export const eventSchemas = {
  'message:new': Message,
  'message:edited': Message,
  'message:deleted': Message,
  'message:hidden': Type.Object(place),
  'reaction:added': Reaction,
  'reaction:removed': Reaction,
  'receipt:delivered': Receipt,
  'receipt:read': Receipt,
  'typing:start': Typing,
  'typing:stop': Typing,
  presence: Type.Omit(Presence, ['success']),
  'profile:updated': Type.Object({ userId, username: Type.Optional(Username), displayName, avatar, status }),
  'conversation:added': Type.Omit(Conversation, ['participants', 'createdBy']),
  'conversation:updated': Type.Object({
    conversationId: ConversationId,
    name: Type.String(),
    avatar: Type.String(),
    description: Type.String()
  }),
  'conversation:removed': Type.Object({ conversationId: ConversationId }),
  'member:changed': Type.Object({ conversationId: ConversationId, participants: Members })
}
