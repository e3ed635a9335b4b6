import { command, durable } from '../envelope.ts'
import { UserId } from '../ids.ts'
import { Message, MessageRef } from '../messages/entities.ts'
import { Changed } from '../messages/events.ts'
import { closed } from '../schema.ts'
import { Emoji } from './entities.ts'

const reactionData = closed({ ...MessageRef, emoji: Emoji })

export const ReactionAdd = command('reaction:add', {
  description: 'Reacts to a message; repeating it changes nothing.',
  data: reactionData,
  reply: Changed
})

export const ReactionRemove = command('reaction:remove', {
  description: 'Takes a reaction back; repeating it changes nothing.',
  data: reactionData,
  reply: Changed
})

const reacted = closed({ message: Message, userId: UserId, emoji: Emoji })

export const ReactionAdded = durable('conversation', 'reaction:added', 'Somebody reacted to a message.', reacted)

export const ReactionRemoved = durable('conversation', 'reaction:removed', 'Somebody took a reaction back.', reacted)
