import { Type } from '@sinclair/typebox'
import type { Receipt } from '../../../protocol/entities/conversation.ts'
import { ClientId, type Message, Text } from '../../../protocol/entities/message.ts'
import type { Presence } from '../../../protocol/entities/user.ts'
import { bareId, MessageId, prefixedId, UserId } from '../../../protocol/ids.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { DialectEvent, RealtimeDialect, Translations } from '../../realtime/dialect-encoder.ts'
import { createCommands } from '../kit/commands.ts'
import { sendToPerson } from '../kit/sending.ts'
import type { Services } from '../kit/services.ts'
import { textOf } from '../kit/text-of.ts'
import { startTyping } from '../kit/typing.ts'
import { presentMessage } from './present.ts'

/** Document 4, "Real-Time Communication": what its client says, and what it is told. */
export function createRealtime(services: Services): RealtimeDialect {
  return {
    name: 'taatom',
    commands: commands(services),
    translations: createTranslations(services),
    presenceScope: 'peers',
    namespaces: ['app']
  }
}

function commands(services: Services) {
  const { conversations, receipts } = services
  return createCommands(on => {
    on('typing', Type.Object({ to: UserId }), async (actor, { to }) => {
      const id = await conversations.directId(actor, to)
      if (id !== undefined) await startTyping(services, actor, id)
      return {}
    })
    on('seen', Type.Object({ to: Type.Optional(UserId), messageId: MessageId }), async (actor, { messageId }) => {
      await receipts.markUpTo(actor, { readUpTo: messageId })
      return { success: true }
    })
    on(
      'sendMessage',
      Type.Object({ to: UserId, text: Text, clientId: Type.Optional(ClientId) }),
      async (actor, { to, text, clientId }) => {
        const message = await sendToPerson(services, actor, to, {
          text,
          ...omitUndefined({ clientId })
        })
        return { chatId: bareId(message.conversationId), message: presentMessage(message) }
      }
    )
  })
}

function createTranslations({ messageIdAt }: Services): Translations {
  return {
    'message:new': presentNew,
    'message:edited': message => [changed('message:edited', message)],
    'message:deleted': message => [changed('message:deleted', message)],
    'reaction:added': ({ message }) => [changed('message:reaction', message)],
    'reaction:removed': ({ message }) => [changed('message:reaction', message)],
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
  return [
    { name: 'message:new', data: told, isFor: userId => !isSender(userId) },
    { name: 'message:sent', data: told, isFor: isSender },
    { name: 'chat:update', data: { chatId, lastMessage: textOf(message), timestamp: message.createdAt } }
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
