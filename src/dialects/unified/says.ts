import type { Receipt } from '../../../protocol/entities/conversation.ts'
import type { Message } from '../../../protocol/entities/message.ts'
import type { PersonRequest } from '../../../protocol/entities/people.ts'
import type { Me, Presence } from '../../../protocol/entities/user.ts'
import { bareId } from '../../../protocol/ids.ts'
import type { Services } from '../../services/index.ts'
import type { Told } from '../../transport/connection.ts'
import type { Say, Spoken } from '../../transport/vocabulary.ts'
import { presentMessage } from './message.ts'
import { presentPresence, presentUser, presentUserId } from './people.ts'
import { presentRequest } from './request.ts'

type Marks = Pick<Services, 'marks'>

/** What the clients are told, by the canonical type of the event. */
export function createSays(services: Marks): Map<string, Say> {
  return new Map<string, Say>([
    ['message:new', event => [{ name: 'receive-message', data: messageOf(event) }]],
    ['message:edited', event => [{ name: 'message_edited', data: messageOf(event) }]],
    ['message:deleted', event => [{ name: 'message_deleted', data: { ...messageOf(event), scope: 'everyone' } }]],
    ['message:hidden', sayHidden],
    ['reaction:added', event => sayReaction(event, 'added')],
    ['reaction:removed', event => sayReaction(event, 'removed')],
    ['receipt:delivered', async event => await sayReceipt(services, event)],
    ['receipt:read', async event => await sayReceipt(services, event)],
    ['typing:start', event => [{ name: 'typing', data: typingOf(event, true) }]],
    ['typing:stop', event => [{ name: 'typing-stopped', data: typingOf(event, false) }]],
    ['presence', event => [{ name: 'presence', data: presentPresence(event.data as Presence) }]],
    ['request:new', sayRequest],
    ['request:updated', sayRequest],
    ['profile:updated', sayProfile],
    ['user:updated', event => [{ name: 'user_profile_updated', data: presentUser(event.data as Me) }]]
  ])
}

function messageOf({ data, pair }: Told) {
  return presentMessage(data as Message, pair)
}

function sayHidden({ data }: Told): Spoken[] {
  const place = data as { conversationId: string; messageId: string }
  const [conversationId, messageId] = [bareId(place.conversationId), bareId(place.messageId)]
  const ids = { _id: messageId, id: messageId, messageId, conversationId, conversation: conversationId }
  return [{ name: 'message_deleted', data: { ...ids, scope: 'me' } }]
}

function sayReaction({ data, pair }: Told, action: 'added' | 'removed'): Spoken[] {
  const { message, userId, emoji } = data as { message: Message; userId: string; emoji: string }
  const shown = presentMessage(message, pair)
  const { messageId, conversationId, conversation, reactions, reactionCounts } = shown
  const by = { userId: bareId(userId), emoji, action }
  const told = { messageId, conversationId, conversation, ...by, reactions, reactionCounts }
  return [{ name: 'message_reaction', data: told }]
}

/** To the others. What had been waiting for somebody who came back is told under a name of its own as well. */
async function sayReceipt({ marks }: Marks, { type, data, isCatchUp = false }: Told): Promise<Spoken[]> {
  const { conversationId, userId, deliveredSeq, readSeq } = data as Receipt
  const isRead = type === 'receipt:read'
  const upTo = await marks.at(conversationId, isRead ? readSeq : deliveredSeq)
  if (upTo === undefined) return []
  const [conversation, by] = [bareId(conversationId), bareId(userId)]
  const mark = isRead ? { readUpTo: bareId(upTo) } : { deliveredUpTo: bareId(upTo) }
  const told = { conversationId: conversation, conversation, userId: by, ...mark }
  const isFor = (id: string): boolean => id !== by
  if (isRead) return [{ name: 'read_up_to', data: told, isFor }]
  const names = isCatchUp ? ['catchupDelivered', 'delivered'] : ['delivered']
  return names.map(name => ({ name, data: told, isFor }))
}

function typingOf({ data, pair }: Told, isTyping: boolean) {
  const { conversationId, userId } = data as { conversationId: string; userId: string }
  const [conversation, by] = [bareId(conversationId), bareId(userId)]
  const to = pair?.find(it => it !== by)
  return { conversationId: conversation, conversation, userId: by, from: by, ...(to && { to }), isTyping }
}

/** To the other side of who has done something: who is asked hears of the question, who asked of the answer. */
function sayRequest({ data }: Told): Spoken[] {
  const request = data as PersonRequest
  const { kind, status, from, to } = request
  if (kind !== 'chat') return []
  const other = bareId(status === 'open' || status === 'cancelled' ? to : from)
  return [{ name: 'chat_request', data: presentRequest(request, other), isFor: id => id === other }]
}

function sayProfile({ data }: Told): Spoken[] {
  const { userId, displayName, username = null } = data as { userId: string; displayName: string; username?: string }
  return [
    { name: 'user_profile_updated', data: { ...presentUserId(userId), name: displayName, displayName, username } }
  ]
}
