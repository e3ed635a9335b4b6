import { Type } from '@sinclair/typebox'
import { command, durable } from '../envelope.ts'
import { ConversationId, MessageId } from '../ids.ts'
import { Changed } from '../messages/events.ts'
import { closed } from '../schema.ts'

const place = closed({ conversationId: ConversationId, messageId: MessageId })

export const MessageStar = command('message:star', {
  description: 'Stars a message for oneself; repeating it changes nothing.',
  data: place,
  reply: Changed
})

export const MessageUnstar = command('message:unstar', {
  description: 'Takes one’s star off a message; repeating it changes nothing.',
  data: place,
  reply: Changed
})

export const StarsUpdated = durable(
  'user',
  'stars:updated',
  'You starred a message, or no longer do, on this device or another.',
  closed({ conversationId: ConversationId, messageId: MessageId, isStarred: Type.Boolean() })
)
