import { SYNC_PAGE_BYTES, SYNC_PAGE_ITEMS } from '../../protocol/limits.ts'
import type { AccountChange, ConversationChange } from '../bus/bus.ts'
import { type MemberDoc, type MessageDoc, ObjectId, type Store } from '../store/index.ts'
import { fitPage, presentConversation, presentMember, presentMessage } from './present.ts'
import type { SyncService } from './sync.ts'

/** Conversations of one person that a process follows. */
const MAX_MEMBERSHIPS = 10_000

/** Events that this process has not heard, made again from the state that the store holds. */
export class ReplayService {
  readonly #store: Pick<Store, 'accounts' | 'conversations' | 'members' | 'messages'>
  readonly #sync: SyncService

  constructor({
    store,
    sync
  }: { store: Pick<Store, 'accounts' | 'conversations' | 'members' | 'messages'>; sync: SyncService }) {
    this.#store = store
    this.#sync = sync
  }

  /** Every conversation that somebody is in, with the `seq` after which they see messages. */
  async memberships(userId: string): Promise<{ conversationId: string; joinedSeq: number }[]> {
    const rows = await this.#store.members.ofUser(new ObjectId(userId), MAX_MEMBERSHIPS)
    return rows.map(({ conversationId, joinedSeq }) => ({ conversationId: conversationId.toHexString(), joinedSeq }))
  }

  /** Where an account and these conversations stand. */
  async heads(
    userId: string,
    conversationIds: readonly string[]
  ): Promise<{ account: number; conversations: Map<string, number> }> {
    const [account, docs] = await Promise.all([
      this.#store.accounts.head(new ObjectId(userId)),
      this.#store.conversations.heads(conversationIds.map(id => new ObjectId(id)))
    ])
    return { account, conversations: new Map(docs.map(({ _id, rev }) => [_id.toHexString(), rev])) }
  }

  /**
   * The changes of a conversation after `since`, dense by `rev`: what has been overtaken by a later change is a
   * `noop` in its place. One page; call again from the last `rev`.
   */
  async conversation(conversationId: string, since: number): Promise<ConversationChange[]> {
    const id = new ObjectId(conversationId)
    const [head] = await this.#store.conversations.heads([id])
    if (head === undefined) return []
    const [messages, members, doc] = await Promise.all([
      this.#store.messages.changedSince(id, since, SYNC_PAGE_ITEMS),
      this.#store.members.changedSince(id, since, SYNC_PAGE_ITEMS),
      this.#store.conversations.find(id)
    ])
    const changes = new Map<number, ConversationChange>()
    for (const message of messages) changes.set(message.rev, messageChange(conversationId, message))
    for (const rev of new Set(members.map(member => member.rev))) {
      changes.set(
        rev,
        memberChange(
          conversationId,
          rev,
          members.filter(member => member.rev === rev)
        )
      )
    }
    if (doc !== null && doc.selfRev > since) {
      const data = presentConversation(doc)
      changes.set(doc.selfRev, { conversationId, rev: doc.selfRev, type: 'conversation:updated', data })
    }
    const cuts = [messages, members]
      .filter(rows => rows.length >= SYNC_PAGE_ITEMS)
      .map(rows => rows.at(-1)?.rev ?? head.rev)
    const fitting = fitPage(messages, SYNC_PAGE_BYTES)
    if (fitting.length < messages.length) cuts.push(fitting.at(-1)?.rev ?? head.rev)
    // Bounded, so that what is replayed at once does not make every listener a slow one.
    const end = Math.min(head.rev, since + SYNC_PAGE_ITEMS, ...cuts)
    return Array.from({ length: Math.max(0, end - since) }, (_, index) => {
      const rev = since + 1 + index
      return changes.get(rev) ?? { conversationId, rev, type: 'noop', data: {} }
    })
  }

  /** The changes of one person's account after `since`, dense by `rev`. */
  async account(userId: string, since: number): Promise<AccountChange[]> {
    const actor = { userId, expiresAt: 0 }
    const { items, rev: end } = await this.#sync.pull(actor, `user_${userId}`, since)
    const byRev = new Map(items.map(item => [item.rev, item]))
    return Array.from({ length: end - since }, (_, index) => {
      const rev = since + 1 + index
      const item = byRev.get(rev)
      if (item?.type === 'membership') return { userId, rev, type: 'conversation:added', data: item.conversation }
      if (item?.type === 'removed') {
        return { userId, rev, type: 'conversation:removed', data: { conversationId: item.conversationId } }
      }
      if (item?.type === 'hidden') {
        return {
          userId,
          rev,
          type: 'message:hidden',
          data: { conversationId: item.conversationId, messageId: item.messageId }
        }
      }
      if (item?.type === 'profile') return { userId, rev, type: 'user:updated', data: item.user }
      return { userId, rev, type: 'noop', data: {} }
    })
  }
}

function messageChange(conversationId: string, message: MessageDoc): ConversationChange {
  const { rev, seq } = message
  const data = presentMessage(message)
  if (message.deletedAt !== undefined) return { conversationId, rev, seq, type: 'message:deleted', data }
  return { conversationId, rev, seq, type: message.createdRev === rev ? 'message:new' : 'message:edited', data }
}

function memberChange(conversationId: string, rev: number, members: readonly MemberDoc[]): ConversationChange {
  const present = members.filter(({ leftAt }) => leftAt === undefined)
  const gone = members.filter(({ leftAt }) => leftAt !== undefined)
  return {
    conversationId,
    rev,
    type: 'member:changed',
    data: { members: members.map(presentMember) },
    joined: new Map(present.map(({ userId, joinedSeq }) => [userId.toHexString(), joinedSeq])),
    left: gone.map(({ userId }) => userId.toHexString())
  }
}
