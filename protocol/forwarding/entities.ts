import { Type } from '@sinclair/typebox'
import { MessageId, UserId } from '../ids.ts'
import { closed, Timestamp } from '../schema.ts'

/** Origin of a forwarded message: all three, or none of them where its author does not let others name them. */
export const Origin = closed(
  {
    senderId: Type.Optional(UserId),
    sentAt: Type.Optional(Timestamp),
    messageId: Type.Optional(MessageId)
  },
  'The message was forwarded: who said it first, when, and as which message. Empty where its author is not to be named.'
)
