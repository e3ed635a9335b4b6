import { Type } from '@sinclair/typebox'
import { command, durable } from '../envelope.ts'
import { MessageRef } from '../messages/entities.ts'
import { Changed } from '../messages/events.ts'
import { closed } from '../schema.ts'

const place = closed(MessageRef)

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
  closed({ ...MessageRef, isStarred: Type.Boolean() })
)
