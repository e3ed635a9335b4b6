import { Type } from '@sinclair/typebox'
import type { Conversation, ConversationView, Member, Receipt } from '../../../protocol/entities/conversation.ts'
import type { Message } from '../../../protocol/entities/message.ts'
import type { Presence } from '../../../protocol/entities/user.ts'
import { bareId, ConversationId, MessageId } from '../../../protocol/ids.ts'
import type { Services } from '../../services/index.ts'
import type { Told } from '../../transport/connection.ts'
import type { Say, Spoken, Vocabulary } from '../../transport/vocabulary.ts'
import { createCommands } from '../commands.ts'
import { startTyping } from '../typing.ts'
import { NewMessage, send } from './content.ts'
import { presentHead, presentMessage } from './present.ts'
import { presentPresence } from './routes/users.ts'

/** Live events with canonical names and document 2’s shapes, on server-sent events and sockets alike. */
export function createVocabulary(services: Services): Vocabulary {
  return { name: 'chatapp', commands: commands(services), says: says(services), watches: 'peers' }
}

function commands(services: Services) {
  const { receipts, typing } = services
  const place = Type.Object({ conversationId: ConversationId })
  return createCommands(on => {
    on('message:send', NewMessage, async (actor, data) => presentMessage(await send(services, actor, data), 'sent'))
    on('message:read', Type.Object({ messageId: MessageId }), async (actor, { messageId }) => {
      await receipts.markUpTo(actor, { readUpTo: messageId })
      return { success: true }
    })
    on('typing:start', place, async (actor, { conversationId }) => {
      await startTyping(services, actor, conversationId)
      return { success: true }
    })
    on('typing:stop', place, async (actor, { conversationId }) => {
      await typing.stop(actor, conversationId)
      return { success: true }
    })
  })
}

function says({ marks }: Services): Map<string, Say> {
  return new Map<string, Say>([
    ['message:new', sayNew],
    ['message:edited', sayChanged],
    ['message:deleted', sayChanged],
    ['message:hidden', sayAsItIs],
    ['reaction:added', sayReaction],
    ['reaction:removed', sayReaction],
    ['receipt:delivered', async event => await sayReceipt(marks, event)],
    ['receipt:read', async event => await sayReceipt(marks, event)],
    ['typing:start', sayAsItIs],
    ['typing:stop', sayAsItIs],
    ['presence', ({ data }) => [{ name: 'presence', data: presentPresence(data as Presence) }]],
    ['profile:updated', sayAsItIs],
    ['conversation:added', ({ type, data }) => [{ name: type, data: presentHead(data as ConversationView) }]],
    ['conversation:updated', sayUpdated],
    ['conversation:removed', sayAsItIs],
    ['member:changed', sayMembers]
  ])
}

/** What has no other fields in the document. */
function sayAsItIs({ type, data }: Told): Spoken[] {
  return [{ name: type, data }]
}

/** To who is told a message has been delivered by that. */
function sayNew({ type: name, data }: Told): Spoken[] {
  const message = data as Message
  const isSender = (userId: string): boolean => userId === bareId(message.senderId)
  return [
    { name, data: presentMessage(message, 'sent'), isFor: isSender },
    { name, data: presentMessage(message, 'delivered'), isFor: userId => !isSender(userId) }
  ]
}

function sayChanged({ type, data }: Told): Spoken[] {
  return [{ name: type, data: presentMessage(data as Message) }]
}

function sayReaction({ type, data }: Told): Spoken[] {
  const { message, userId, emoji } = data as { message: Message; userId: string; emoji: string }
  const { reactions } = presentMessage(message)
  const { id: messageId, conversationId } = message
  return [{ name: type, data: { messageId, conversationId, userId, emoji, reactions } }]
}

async function sayReceipt(marks: Services['marks'], { type, data }: Told): Promise<Spoken[]> {
  const { conversationId, userId, deliveredSeq, readSeq } = data as Receipt
  const isRead = type === 'receipt:read'
  const messageId = await marks.at(conversationId, isRead ? readSeq : deliveredSeq)
  if (messageId === undefined) return []
  const status = isRead ? 'read' : 'delivered'
  const told = { conversationId, userId, messageId, status, ...(isRead ? { lastReadMessageId: messageId } : {}) }
  return [{ name: type, data: told }]
}

function sayUpdated({ type, data }: Told): Spoken[] {
  const { id, name = '', avatarUrl = '', description = '' } = data as Conversation
  return [{ name: type, data: { conversationId: id, name, avatar: avatarUrl, description } }]
}

function sayMembers({ type, data, stream }: Told): Spoken[] {
  const { members } = data as { members: Member[] }
  const participants = members.map(({ userId, role, joinedAt, leftAt }) => ({
    ...{ userId, role, joinedAt },
    ...(leftAt === undefined ? {} : { leftAt })
  }))
  return [{ name: type, data: { conversationId: stream, participants } }]
}
