import { bareId } from '../../../protocol/ids.ts'
import type { EventData } from '../../../protocol/index.ts'
import type { Message } from '../../../protocol/messages/entities.ts'
import type { Presence } from '../../../protocol/presence/entities.ts'
import type { EventContext } from '../../realtime/connection.ts'
import type { DialectEvent, Translations } from '../../realtime/encoding/dialect-encoder.ts'
import { lastSeenOf, presentMessage } from './present.ts'

/** Events of its clients, by the canonical type. */
export const translations: Translations = {
  'message:new': presentNew,
  'typing:start': (typing, context) => presentTyping(typing, context, true),
  'typing:stop': (typing, context) => presentTyping(typing, context, false),
  presence: presence => [presentStatus(presence)]
}

/** Events of a new message; being told of it counts as delivery. */
function presentNew(message: Message, { pair }: EventContext): DialectEvent[] {
  const recipientId = pair?.find(id => id !== bareId(message.senderId))
  if (recipientId === undefined) return []
  const told = presentMessage(message, recipientId, 'delivered')
  return [{ name: 'receiveMessage', data: told, isFor: userId => userId === recipientId }]
}

function presentTyping(
  { userId }: EventData['typing:start'],
  { pair }: EventContext,
  isTyping: boolean
): DialectEvent[] {
  return pair === undefined ? [] : [{ name: 'typingStatus', data: { senderId: bareId(userId), isTyping } }]
}

function presentStatus(presence: Presence): DialectEvent {
  const { userId, status } = presence
  const data = { userId: bareId(userId), isOnline: status !== 'offline', lastSeen: lastSeenOf(presence) }
  return { name: 'userStatus', data }
}
