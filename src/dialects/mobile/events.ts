import type { Message } from '../../../protocol/entities/message.ts'
import type { Presence } from '../../../protocol/entities/user.ts'
import { bareId } from '../../../protocol/ids.ts'
import type { Services } from '../../services/index.ts'
import type { Told } from '../../transport/connection.ts'
import type { Say, Spoken } from '../../transport/vocabulary.ts'
import { presentMessage } from './messages.ts'

/** Document 0, "Real-Time Features": what the app is told, by the canonical type of the event. */
export function says({ marks }: Pick<Services, 'marks'>): ReadonlyMap<string, Say> {
  return new Map<string, Say>([
    ['message:new', ({ data }) => [{ name: 'message:new', data: presentMessage(data as Message) }]],
    ['message:edited', ({ data }) => [{ name: 'message:edited', data: presentMessage(data as Message) }]],
    ['message:deleted', ({ data }) => [sayDeleted(data as Message)]],
    ['message:hidden', sayHidden],
    ['reaction:added', event => [sayReaction('message:reaction:added', event)]],
    ['reaction:removed', event => [sayReaction('message:reaction:removed', event)]],
    ['typing:start', event => [sayTyping('typing:start', event)]],
    ['typing:stop', event => [sayTyping('typing:stop', event)]],
    ['receipt:read', async event => await sayRead(marks, event)],
    ['presence', sayPresence]
  ])
}

function sayDeleted({ conversationId, id }: Message): Spoken {
  return { name: 'message:deleted', data: { conversationId: bareId(conversationId), messageId: bareId(id) } }
}

/** Told to the devices of who deleted it for themselves, and to nobody else. */
function sayHidden({ data }: Told): Spoken[] {
  const { conversationId, messageId } = data as { conversationId: string; messageId: string }
  const hidden = { conversationId: bareId(conversationId), messageId: bareId(messageId) }
  return [{ name: 'message:deleted', data: hidden }]
}

function sayReaction(name: string, { data }: Told): Spoken {
  const { message, userId, emoji } = data as { message: Message; userId: string; emoji: string }
  const { conversationId, id } = message
  const reaction = { conversationId: bareId(conversationId), messageId: bareId(id), userId: bareId(userId), emoji }
  return { name, data: reaction }
}

function sayTyping(name: string, { data }: Told): Spoken {
  const { conversationId, userId } = data as { conversationId: string; userId: string }
  return { name, data: { conversationId: bareId(conversationId), userId: bareId(userId) } }
}

async function sayRead(marks: Services['marks'], { data }: Told): Promise<Spoken[]> {
  const { conversationId, userId, readSeq } = data as { conversationId: string; userId: string; readSeq: number }
  const messageId = await marks.at(conversationId, readSeq)
  if (messageId === undefined) return []
  const read = { conversationId: bareId(conversationId), userId: bareId(userId), messageId: bareId(messageId) }
  return [{ name: 'message:read', data: read }]
}

function sayPresence({ data }: Told): Spoken[] {
  const { userId, status } = data as Presence
  if (status === 'away') return []
  return [{ name: status === 'online' ? 'user:online' : 'user:offline', data: { userId: bareId(userId) } }]
}
