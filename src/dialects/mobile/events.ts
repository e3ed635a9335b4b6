import type { Receipt } from '../../../protocol/conversations/entities.ts'
import { bareId } from '../../../protocol/ids.ts'
import type { EventData } from '../../../protocol/index.ts'
import type { Presence } from '../../../protocol/presence/entities.ts'
import type { DialectEvent, Translations } from '../../realtime/encoding/dialect-encoder.ts'
import type { Services } from '../kit/services.ts'
import { presentMessage } from './present/message.ts'

/** Document 0, "Real-Time Features": what the app is told, by the canonical type of the event. */
export function createTranslations({ messageIdAt }: Pick<Services, 'messageIdAt'>): Translations {
  return {
    'message:new': message => [{ name: 'message:new', data: presentMessage(message) }],
    'message:edited': message => [{ name: 'message:edited', data: presentMessage(message) }],
    'message:deleted': ({ conversationId, id }) => [deleted({ conversationId, messageId: id })],
    // To the devices of who deleted it for themselves, and to nobody else.
    'message:hidden': place => [deleted(place)],
    'reaction:added': reaction => [presentReaction('message:reaction:added', reaction)],
    'reaction:removed': reaction => [presentReaction('message:reaction:removed', reaction)],
    'typing:start': typing => [presentTyping('typing:start', typing)],
    'typing:stop': typing => [presentTyping('typing:stop', typing)],
    'receipt:read': async receipt => await presentRead(messageIdAt, receipt),
    // Live, one's own reading is heard as a receipt; afterwards only one's own account knows of it.
    'preferences:updated': async ({ conversationId, me }, { isCatchUp, stream = '' }) =>
      isCatchUp ? await presentRead(messageIdAt, { conversationId, userId: stream, readSeq: me.readSeq }) : [],
    presence: presentPresence
  }
}

function deleted({ conversationId, messageId }: EventData['message:hidden']): DialectEvent {
  return { name: 'message:deleted', data: { conversationId: bareId(conversationId), messageId: bareId(messageId) } }
}

function presentReaction(name: string, { message, userId, emoji }: EventData['reaction:added']): DialectEvent {
  const { conversationId, id } = message
  const reaction = { conversationId: bareId(conversationId), messageId: bareId(id), userId: bareId(userId), emoji }
  return { name, data: reaction }
}

function presentTyping(name: string, { conversationId, userId }: EventData['typing:start']): DialectEvent {
  return { name, data: { conversationId: bareId(conversationId), userId: bareId(userId) } }
}

async function presentRead(
  messageIdAt: Services['messageIdAt'],
  { conversationId, userId, readSeq }: Pick<Receipt, 'conversationId' | 'userId' | 'readSeq'>
): Promise<DialectEvent[]> {
  const messageId = await messageIdAt.find(conversationId, readSeq)
  if (messageId === undefined) return []
  const read = { conversationId: bareId(conversationId), userId: bareId(userId), messageId: bareId(messageId) }
  return [{ name: 'message:read', data: read }]
}

function presentPresence({ userId, status }: Presence): DialectEvent[] {
  if (status === 'away') return []
  return [{ name: status === 'online' ? 'user:online' : 'user:offline', data: { userId: bareId(userId) } }]
}
