import type { Receipt } from '../../../protocol/conversations/entities.ts'
import { bareId } from '../../../protocol/ids.ts'
import type { EventData } from '../../../protocol/index.ts'
import type { PersonRequest } from '../../../protocol/requests/entities.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { EventContext } from '../../realtime/connection.ts'
import type { DialectEvent, Translations } from '../../realtime/encoding/dialect-encoder.ts'
import type { Services } from '../kit/services.ts'
import { presentMessage } from './present/message.ts'
import { presentChanging, presentPresence, presentUser, presentUserId } from './present/people.ts'
import { presentRequest } from './present/request.ts'

type Marks = Pick<Services, 'messageIdAt'>

/** Translations of events, by canonical type. */
export function createTranslations(services: Marks): Translations {
  return {
    'message:new': (message, { pair }) => [{ name: 'receive-message', data: presentMessage(message, pair) }],
    'message:edited': (message, { pair }) => [{ name: 'message_edited', data: presentMessage(message, pair) }],
    'message:deleted': (message, { pair }) => [
      { name: 'message_deleted', data: { ...presentMessage(message, pair), scope: 'everyone' } }
    ],
    'message:hidden': presentHidden,
    'reaction:added': (reaction, context) => presentReaction(reaction, context, 'added'),
    'reaction:removed': (reaction, context) => presentReaction(reaction, context, 'removed'),
    'receipt:delivered': async (receipt, context) => await presentDelivered(services, receipt, context),
    'receipt:read': async receipt => await presentRead(services, receipt),
    'typing:start': (typing, context) => [{ name: 'typing', data: presentTyping(typing, context, true) }],
    'typing:stop': (typing, context) => [{ name: 'typing-stopped', data: presentTyping(typing, context, false) }],
    presence: presence => [{ name: 'presence', data: presentPresence(presence) }],
    'request:new': tellRequest,
    'request:updated': tellRequest,
    'profile:updated': presentProfile,
    'user:updated': me => [{ name: 'user_profile_updated', data: presentUser(me) }]
  }
}

function presentHidden(place: EventData['message:hidden']): DialectEvent[] {
  const [conversationId, messageId] = [bareId(place.conversationId), bareId(place.messageId)]
  const ids = { _id: messageId, id: messageId, messageId, conversationId, conversation: conversationId }
  return [{ name: 'message_deleted', data: { ...ids, scope: 'me' } }]
}

function presentReaction(
  { message, userId, emoji }: EventData['reaction:added'],
  { pair }: EventContext,
  action: 'added' | 'removed'
): DialectEvent[] {
  const shown = presentMessage(message, pair)
  const { messageId, conversationId, conversation, reactions, reactionCounts } = shown
  const by = { userId: bareId(userId), emoji, action }
  const told = { messageId, conversationId, conversation, ...by, reactions, reactionCounts }
  return [{ name: 'message_reaction', data: told }]
}

/** To the others. What had been waiting for somebody who came back is told under a name of its own as well. */
async function presentDelivered(
  { messageIdAt }: Marks,
  { conversationId, userId, deliveredSeq }: Receipt,
  { isCatchUp = false }: EventContext
): Promise<DialectEvent[]> {
  const upTo = await messageIdAt.find(conversationId, deliveredSeq)
  if (upTo === undefined) return []
  const [conversation, by] = [bareId(conversationId), bareId(userId)]
  const data = { conversationId: conversation, conversation, userId: by, deliveredUpTo: bareId(upTo) }
  const names = isCatchUp ? ['catchupDelivered', 'delivered'] : ['delivered']
  return names.map(name => ({ name, data, isFor: id => id !== by }))
}

async function presentRead(
  { messageIdAt }: Marks,
  { conversationId, userId, readSeq }: Receipt
): Promise<DialectEvent[]> {
  const upTo = await messageIdAt.find(conversationId, readSeq)
  if (upTo === undefined) return []
  const [conversation, by] = [bareId(conversationId), bareId(userId)]
  const data = { conversationId: conversation, conversation, userId: by, readUpTo: bareId(upTo) }
  return [{ name: 'read_up_to', data, isFor: id => id !== by }]
}

function presentTyping(
  { conversationId, userId }: EventData['typing:start'],
  { pair }: EventContext,
  isTyping: boolean
) {
  const [conversation, by] = [bareId(conversationId), bareId(userId)]
  const to = pair?.find(it => it !== by)
  return {
    conversationId: conversation,
    conversation,
    userId: by,
    from: by,
    ...omitUndefined({ to }),
    isTyping
  }
}

/** To the other side of who has done something: who is asked hears of the question, who asked of the answer. */
function tellRequest(request: PersonRequest): DialectEvent[] {
  const { kind, status, from, to } = request
  if (kind !== 'chat') return []
  const other = bareId(status === 'open' || status === 'cancelled' ? to : from)
  return [{ name: 'chat_request', data: presentRequest(request, other), isFor: id => id === other }]
}

function presentProfile({ userId, ...changing }: EventData['profile:updated']): DialectEvent[] {
  return [{ name: 'user_profile_updated', data: { ...presentUserId(userId), ...presentChanging(changing) } }]
}
