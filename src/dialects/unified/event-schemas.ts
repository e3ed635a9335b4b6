import { Type } from '@sinclair/typebox'
import { Emoji } from '../../../protocol/reactions/entities.ts'
import { oneOf } from '../../../protocol/schema.ts'
import { BareId } from '../kit/answers.ts'
import { DeletedMessage, Message, Presence, Request, User } from './answers.ts'

const place = { conversationId: BareId, conversation: BareId }
const { reactions, reactionCounts } = Message.properties
const Delivered = Type.Object({ ...place, userId: BareId, deliveredUpTo: BareId })
const Typing = Type.Object({
  ...place,
  userId: BareId,
  from: BareId,
  to: Type.Optional(BareId),
  isTyping: Type.Boolean()
})
/** Of somebody else than the caller there is what changes. */
const Profile = Type.Omit(User, ['isVerified', 'lastSeen', 'createdAt'])

/** Schemas of what its clients are told, by the name of the event. */
export const eventSchemas = {
  'receive-message': Message,
  message_edited: Message,
  message_deleted: Type.Union([
    Type.Object({ ...Message.properties, scope: oneOf('everyone') }),
    DeletedMessage.properties.data
  ]),
  message_reaction: Type.Object({
    messageId: BareId,
    ...place,
    userId: BareId,
    emoji: Emoji,
    action: oneOf('added', 'removed'),
    reactions,
    reactionCounts
  }),
  delivered: Delivered,
  catchupDelivered: Delivered,
  read_up_to: Type.Object({ ...place, userId: BareId, readUpTo: BareId }),
  typing: Typing,
  'typing-stopped': Typing,
  presence: Presence,
  chat_request: Type.Omit(Request, ['user']),
  user_profile_updated: Type.Union([User, Profile])
}
