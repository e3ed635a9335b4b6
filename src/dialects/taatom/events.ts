import type { Receipt } from '../../../protocol/conversations/entities.ts'
import { bareId, prefixedId } from '../../../protocol/ids.ts'
import type { Message } from '../../../protocol/messages/entities.ts'
import type { Presence } from '../../../protocol/presence/entities.ts'
import type { DialectEvent, Translations } from '../../realtime/encoding/dialect-encoder.ts'
import type { Services } from '../kit/services.ts'
import { shownTextOf } from '../kit/text-of.ts'
import { presentMessage } from './present.ts'

/** Events of its clients, by the canonical type. */
export function createTranslations({ messageIdAt }: Services): Translations {
  return {
    'message:new': presentNew,
    'message:edited': message => [changed('message:edited', message)],
    'message:deleted': message => [changed('message:deleted', message)],
    'reaction:added': ({ message }) => [changed('message:reaction', message)],
    'reaction:removed': ({ message }) => [changed('message:reaction', message)],
    'message:pinned': ({ message }) => [changed('message:pinned', message)],
    'message:unpinned': ({ message }) => [changed('message:unpinned', message)],
    'typing:start': ({ conversationId, userId }) => [
      { name: 'typing', data: { from: bareId(userId), chatId: bareId(conversationId) } }
    ],
    'receipt:read': async receipt => await presentSeen(messageIdAt, receipt),
    presence: presentPresence
  }
}

function presentNew(message: Message): DialectEvent[] {
  const chatId = bareId(message.conversationId)
  const isSender = (userId: string) => userId === bareId(message.senderId)
  const told = { chatId, message: presentMessage(message) }
  // What the server notes by itself moves no chat up.
  const isSaid = message.type !== 'system'
  const update = { chatId, lastMessage: shownTextOf(message), timestamp: message.createdAt }
  return [
    { name: 'message:new', data: told, isFor: userId => !isSender(userId) },
    { name: 'message:sent', data: told, isFor: isSender },
    ...(isSaid ? [{ name: 'chat:update', data: update }] : [])
  ]
}

function changed(name: string, message: Message): DialectEvent {
  return { name, data: { chatId: bareId(message.conversationId), message: presentMessage(message) } }
}

async function presentSeen(
  messageIdAt: Services['messageIdAt'],
  { conversationId, userId, readSeq }: Receipt
): Promise<DialectEvent[]> {
  const messageId = await messageIdAt.find(conversationId, readSeq)
  if (messageId === undefined) return []
  const seen = { from: bareId(userId), messageId: bareId(messageId), chatId: bareId(conversationId) }
  return [{ name: 'seen', data: seen, isFor: id => prefixedId('user', id) !== userId }]
}

function presentPresence({ userId, status }: Presence): DialectEvent[] {
  if (status === 'away') return []
  return [{ name: status === 'online' ? 'user:online' : 'user:offline', data: { userId: bareId(userId) } }]
}
