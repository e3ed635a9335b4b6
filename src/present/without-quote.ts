import type { ConversationEvent } from '../../protocol/index.ts'
import type { Message } from '../../protocol/messages/entities.ts'

/** The event, with nothing but the ids of the message that its own message answers. */
export function withoutQuote(event: ConversationEvent): ConversationEvent {
  switch (event.type) {
    case 'message:new':
    case 'message:edited':
      return { ...event, data: withIdsOnly(event.data) }
    case 'reaction:added':
    case 'reaction:removed':
      return { ...event, data: { ...event.data, message: withIdsOnly(event.data.message) } }
    case 'message:pinned':
    case 'message:unpinned':
      return { ...event, data: { ...event.data, message: withIdsOnly(event.data.message) } }
    default:
      return event
  }
}

function withIdsOnly(message: Message): Message {
  if (message.replyTo === undefined) return message
  const { messageId, senderId } = message.replyTo
  return { ...message, replyTo: { messageId, senderId } }
}
