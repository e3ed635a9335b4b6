import { MessageRef } from '../messages/entities.ts'
import { Changed } from '../messages/events.ts'
import { route } from '../route.ts'
import { closed } from '../schema.ts'
import { Emoji } from './entities.ts'

const tags = ['messages']

const messageParams = closed(MessageRef)

export const AddReaction = route({
  method: 'POST',
  url: '/conversations/:conversationId/messages/:messageId/reactions',
  schema: {
    summary: 'React to a message',
    tags,
    params: messageParams,
    body: closed({ emoji: Emoji }),
    response: { 200: Changed }
  }
})

export const RemoveReaction = route({
  method: 'DELETE',
  url: '/conversations/:conversationId/messages/:messageId/reactions/:emoji',
  schema: {
    summary: 'Take a reaction back',
    tags,
    params: closed({ ...messageParams.properties, emoji: Emoji }),
    response: { 200: Changed }
  }
})
