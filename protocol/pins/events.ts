import { command, durable } from '../envelope.ts'
import { UserId } from '../ids.ts'
import { Message, MessageRef } from '../messages/entities.ts'
import { Changed } from '../messages/events.ts'
import { closed } from '../schema.ts'

const place = closed(MessageRef)

export const MessagePin = command('message:pin', {
  description: 'Pins a message for everyone; repeating it changes nothing.',
  data: place,
  reply: Changed
})

export const MessageUnpin = command('message:unpin', {
  description: 'Takes a message’s pin off; repeating it changes nothing.',
  data: place,
  reply: Changed
})

const pinned = closed({ message: Message, userId: UserId })

export const MessagePinned = durable('conversation', 'message:pinned', 'Somebody pinned a message.', pinned)

export const MessageUnpinned = durable('conversation', 'message:unpinned', 'Somebody took a pin off.', pinned)
