import { ConversationAdded, ConversationRemoved, PreferencesUpdated } from '../../protocol/conversations/events.ts'
import { bareId } from '../../protocol/ids.ts'
import { ObjectId } from '../database/index.ts'
import { conversationId } from '../ids.ts'
import { presentMembership } from '../present/present.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { MemberStore } from '../store/members.ts'
import { presentEach, type UserItemTable } from '../streams/user-items.ts'
import type { ConversationService } from './conversations.ts'

interface ConversationItemDeps {
  readonly store: { readonly conversations: ConversationStore; readonly members: MemberStore }
  readonly conversations: Pick<ConversationService, 'views'>
}

/** Items of a person's own stream about being in conversations, and how the person keeps them. */
export function createConversationItems({
  store,
  conversations
}: ConversationItemDeps): Pick<UserItemTable, 'membership' | 'preferences'> {
  return {
    membership: async ({ userId }, changes) => {
      const memberships = await store.members.findByUserIn(
        new ObjectId(userId),
        changes.map(({ ref }) => ref)
      )
      const docs = await store.conversations.findMany(memberships.map(it => it.conversationId))
      const views = new Map((await conversations.views(docs, memberships)).map(view => [bareId(view.id), view]))
      return presentEach(changes, ({ rev, ref }) => {
        const view = views.get(ref.toHexString())
        if (view !== undefined) {
          return { item: { type: 'membership', rev, conversation: view }, event: ConversationAdded.create(view) }
        }
        const removed = { conversationId: conversationId(ref) }
        return { item: { type: 'removed', rev, ...removed }, event: ConversationRemoved.create(removed) }
      })
    },
    preferences: async ({ userId }, changes) => {
      const refs = changes.map(({ ref }) => ref)
      const heads = await store.conversations.heads(refs)
      const seqs = new Map(heads.map(({ _id, saidSeq }) => [_id.toHexString(), saidSeq]))
      const rows = await store.members.findByUserIn(new ObjectId(userId), refs)
      const mine = new Map(rows.map(row => [row.conversationId.toHexString(), row]))
      return presentEach(changes, ({ rev, ref }) => {
        const id = ref.toHexString()
        const row = mine.get(id)
        if (row === undefined) return undefined
        const kept = { conversationId: conversationId(ref), me: presentMembership(row, seqs.get(id) ?? 0) }
        return { item: { type: 'preferences', rev, ...kept }, event: PreferencesUpdated.create(kept) }
      })
    }
  }
}
