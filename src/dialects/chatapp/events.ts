import type { Conversation, Member, Receipt } from '../../../protocol/conversations/entities.ts'
import { bareId } from '../../../protocol/ids.ts'
import type { EventData } from '../../../protocol/index.ts'
import type { Message } from '../../../protocol/messages/entities.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { DialectEvent, Translations } from '../../realtime/encoding/dialect-encoder.ts'
import type { Services } from '../kit/services.ts'
import { presentHead, presentMessage } from './present.ts'
import { presentChanging, presentPresence } from './routes/users.ts'

/** Events of its clients, by the canonical type. */
export function createTranslations({ messageIdAt }: Services): Translations {
  return {
    'message:new': presentNew,
    'message:edited': message => [{ name: 'message:edited', data: presentMessage(message) }],
    'message:deleted': message => [{ name: 'message:deleted', data: presentMessage(message) }],
    'message:hidden': data => [{ name: 'message:hidden', data }],
    'reaction:added': reaction => [{ name: 'reaction:added', data: presentReaction(reaction) }],
    'reaction:removed': reaction => [{ name: 'reaction:removed', data: presentReaction(reaction) }],
    'receipt:delivered': async receipt => await presentReceipt(messageIdAt, receipt, 'delivered'),
    'receipt:read': async receipt => await presentReceipt(messageIdAt, receipt, 'read'),
    // Live, one's own reading is heard as a receipt; afterwards only one's own account knows of it.
    'preferences:updated': async ({ conversationId, me }, { isCatchUp, stream = '' }) =>
      isCatchUp ? await presentReceipt(messageIdAt, { ...me, conversationId, userId: stream }, 'read') : [],
    'typing:start': data => [{ name: 'typing:start', data }],
    'typing:stop': data => [{ name: 'typing:stop', data }],
    presence: presence => [{ name: 'presence', data: presentPresence(presence) }],
    'profile:updated': presentProfile,
    'conversation:added': view => [{ name: 'conversation:added', data: presentHead(view) }],
    'conversation:updated': presentUpdated,
    'conversation:removed': data => [{ name: 'conversation:removed', data }],
    'member:changed': ({ members }, { stream }) => [{ name: 'member:changed', data: presentMembers(stream, members) }]
  }
}

/** Receipt of a new message: being told of it counts as delivery. */
function presentNew(message: Message): DialectEvent[] {
  const isSender = (userId: string): boolean => userId === bareId(message.senderId)
  return [
    { name: 'message:new', data: presentMessage(message, 'sent'), isFor: isSender },
    { name: 'message:new', data: presentMessage(message, 'delivered'), isFor: userId => !isSender(userId) }
  ]
}

function presentReaction({ message, userId, emoji }: EventData['reaction:added']) {
  const { reactions } = presentMessage(message)
  const { id: messageId, conversationId } = message
  return { messageId, conversationId, userId, emoji, reactions }
}

async function presentReceipt(
  messageIdAt: Services['messageIdAt'],
  { conversationId, userId, deliveredSeq, readSeq }: Receipt,
  status: 'delivered' | 'read'
): Promise<DialectEvent[]> {
  const isRead = status === 'read'
  const messageId = await messageIdAt.find(conversationId, isRead ? readSeq : deliveredSeq)
  if (messageId === undefined) return []
  const told = {
    conversationId,
    userId,
    messageId,
    status,
    ...omitUndefined({ lastReadMessageId: isRead ? messageId : undefined })
  }
  return [{ name: isRead ? 'receipt:read' : 'receipt:delivered', data: told }]
}

function presentProfile({ userId, username, ...changing }: EventData['profile:updated']): DialectEvent[] {
  const data = { userId, ...omitUndefined({ username }), ...presentChanging(changing) }
  return [{ name: 'profile:updated', data }]
}

/** The shared fields of a group. A chat of two has none that its app knows. */
function presentUpdated({ id, type, name = '', avatarUrl = '', description = '' }: Conversation): DialectEvent[] {
  if (type === 'direct') return []
  return [{ name: 'conversation:updated', data: { conversationId: id, name, avatar: avatarUrl, description } }]
}

function presentMembers(conversationId: string | undefined, members: readonly Member[]) {
  const participants = members.map(({ userId, role, joinedAt, leftAt }) => ({
    userId,
    role,
    joinedAt,
    ...omitUndefined({ leftAt })
  }))
  return { conversationId, participants }
}
