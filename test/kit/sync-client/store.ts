import type { Conversation, ConversationView, Member, Membership } from '../../../protocol/conversations/entities.ts'
import type { Message } from '../../../protocol/messages/entities.ts'
import type { SyncItem } from '../../../protocol/sync/events.ts'
import type { Frame } from '../socket-client.ts'

/** Conversation as a client keeps it: current states. A member who left is not in `members`. */
export interface StoredConversation {
  conversation?: Conversation
  members: Record<string, Member>
  messages: Record<string, Message>
}

/**
 * State that a client keeps between connections: data, and the cursors that belong to it. Two stores of one person that
 * are both level are deeply equal.
 */
export interface ClientStore {
  epoch: string
  cursors: Record<string, number>
  conversations: Record<string, StoredConversation>
  /** Messages the person has deleted for themselves. */
  hidden: Record<string, true>
  /** Messages the person has starred. */
  starred: Record<string, true>
  /** The `seq` of each conversation up to which nothing is shown. */
  cleared: Record<string, number>
}

/** Demand of a change of the store on the streams: to take up a conversation's, or to forget it. */
export interface Demand {
  joined?: string
  left?: string
}

/** A store with nothing in it. */
export function emptyStore(): ClientStore {
  return { epoch: '', cursors: {}, conversations: {}, hidden: {}, starred: {}, cleared: {} }
}

/** Applies a live event; an older state never replaces a newer one. */
export function applyEvent(store: ClientStore, { stream, type, data }: Frame): Demand {
  if (type === 'conversation:added') return join(store, data)
  if (type === 'conversation:removed') return { left: data.conversationId }
  if (type === 'message:hidden') hide(store, data)
  else if (type === 'preferences:updated') clear(store, data)
  else if (type === 'stars:updated') star(store, data)
  else if (/^(?:message|reaction):/.test(type)) upsertMessage(store, data.message ?? data)
  else upsertShared(store, { stream, type, data })
  return {}
}

function upsertShared(store: ClientStore, { stream, type, data }: Frame): void {
  if (type === 'member:changed') for (const member of data.members) upsertMember(store, stream, member)
  else if (type === 'conversation:updated') upsertConversation(store, data)
}

/** Applies an item of a pulled page; an older state never replaces a newer one. */
export function applyItem(store: ClientStore, stream: string, item: SyncItem): Demand {
  if (item.type === 'membership') return join(store, item.conversation)
  if (item.type === 'removed') return { left: item.conversationId }
  if (item.type === 'message') upsertMessage(store, item.message)
  else if (item.type === 'member') upsertMember(store, stream, item.member)
  else if (item.type === 'conversation') upsertConversation(store, item.conversation)
  else if (item.type === 'hidden') hide(store, item)
  else if (item.type === 'star') star(store, item)
  else if (item.type === 'preferences') clear(store, item)
  return {}
}

function stored(store: ClientStore, id: string): StoredConversation {
  const known = store.conversations[id] ?? { members: {}, messages: {} }
  store.conversations[id] = known
  return known
}

function upsertMessage(store: ClientStore, message: Message): void {
  if (message.id in store.hidden || message.seq <= (store.cleared[message.conversationId] ?? 0)) return
  const { messages } = stored(store, message.conversationId)
  if (message.rev > (messages[message.id]?.rev ?? 0)) messages[message.id] = message
}

function upsertMember(store: ClientStore, stream: string, member: Member): void {
  const { members } = stored(store, stream)
  if (member.rev <= (members[member.userId]?.rev ?? 0)) return
  if (member.leftAt === undefined) members[member.userId] = member
  else delete members[member.userId]
}

function upsertConversation(store: ClientStore, conversation: Conversation): void {
  const known = stored(store, conversation.id)
  if (conversation.rev > (known.conversation?.rev ?? 0)) known.conversation = conversation
}

function hide(store: ClientStore, { conversationId, messageId }: { conversationId: string; messageId: string }): void {
  store.hidden[messageId] = true
  delete store.conversations[conversationId]?.messages[messageId]
}

function star(store: ClientStore, { messageId, isStarred }: { messageId: string; isStarred: boolean }): void {
  if (isStarred) store.starred[messageId] = true
  else delete store.starred[messageId]
}

/** Drop what was cleared, or is from before the membership, whenever and wherever it comes from. */
function clear(store: ClientStore, { conversationId, me }: { conversationId: string; me: Membership }): void {
  const upTo = Math.max(store.cleared[conversationId] ?? 0, me.joinedSeq, me.clearedSeq)
  store.cleared[conversationId] = upTo
  const messages = store.conversations[conversationId]?.messages ?? {}
  for (const message of Object.values(messages)) if (message.seq <= upTo) delete messages[message.id]
}

/** Into a conversation, again perhaps: what was said before this time is not for its eyes. */
function join(store: ClientStore, { id, me }: ConversationView): Demand {
  clear(store, { conversationId: id, me })
  return { joined: id }
}
