import { Type } from '@sinclair/typebox'
import { ClientId, type Message, Text } from '../../../protocol/entities/message.ts'
import type { Presence } from '../../../protocol/entities/user.ts'
import { bareId, MessageId, prefixedId, UserId } from '../../../protocol/ids.ts'
import type { Services } from '../../services/index.ts'
import type { Told } from '../../transport/connection.ts'
import type { Say, Spoken, Vocabulary } from '../../transport/vocabulary.ts'
import { createCommands } from '../commands.ts'
import { sendToPerson } from '../sending.ts'
import { startTyping } from '../typing.ts'
import { textOf } from '../words.ts'
import { presentMessage } from './present.ts'

/** Document 4, "Real-Time Communication": what its client says, and what it is told. */
export function createVocabulary(services: Services): Vocabulary {
  return { name: 'taatom', commands: commands(services), says: says(services), watches: 'peers' }
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
        const message = await sendToPerson(services, actor, to, { text, ...(clientId && { clientId }) })
        return { chatId: bareId(message.conversationId), message: presentMessage(message) }
      }
    )
  })
}

function says({ marks }: Services): Map<string, Say> {
  return new Map<string, Say>([
    ['message:new', sayNew],
    ['message:edited', event => [changed('message:edited', event.data as Message)]],
    ['message:deleted', event => [changed('message:deleted', event.data as Message)]],
    ['reaction:added', event => [changed('message:reaction', (event.data as { message: Message }).message)]],
    ['reaction:removed', event => [changed('message:reaction', (event.data as { message: Message }).message)]],
    ['typing:start', sayTyping],
    ['receipt:read', async event => await saySeen(marks, event)],
    ['presence', sayPresence]
  ])
}

function sayNew({ data }: Told): Spoken[] {
  const message = data as Message
  const chatId = bareId(message.conversationId)
  const isSender = (userId: string) => userId === bareId(message.senderId)
  const told = { chatId, message: presentMessage(message) }
  return [
    { name: 'message:new', data: told, isFor: userId => !isSender(userId) },
    { name: 'message:sent', data: told, isFor: isSender },
    { name: 'chat:update', data: { chatId, lastMessage: textOf(message), timestamp: message.createdAt } }
  ]
}

function changed(name: string, message: Message): Spoken {
  return { name, data: { chatId: bareId(message.conversationId), message: presentMessage(message) } }
}

function sayTyping({ data }: Told): Spoken[] {
  const { conversationId, userId } = data as { conversationId: string; userId: string }
  return [{ name: 'typing', data: { from: bareId(userId), chatId: bareId(conversationId) } }]
}

async function saySeen(marks: Services['marks'], { data }: Told): Promise<Spoken[]> {
  const { conversationId, userId, readSeq } = data as { conversationId: string; userId: string; readSeq: number }
  const messageId = await marks.at(conversationId, readSeq)
  if (messageId === undefined) return []
  const seen = { from: bareId(userId), messageId: bareId(messageId), chatId: bareId(conversationId) }
  return [{ name: 'seen', data: seen, isFor: id => prefixedId('user', id) !== userId }]
}

function sayPresence({ data }: Told): Spoken[] {
  const { userId, status } = data as Presence
  if (status === 'away') return []
  return [{ name: status === 'online' ? 'user:online' : 'user:offline', data: { userId: bareId(userId) } }]
}
