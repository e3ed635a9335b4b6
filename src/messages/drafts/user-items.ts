import { DraftUpdated } from '../../../protocol/messages/drafts/events.ts'
import { ObjectId } from '../../database/object-id.ts'
import { presentEach, type UserItemTable } from '../../streams/user-items.ts'
import { presentState } from './present.ts'
import type { MessageDraftStore } from './store.ts'

/** Items of a person's own stream about what they have begun to write. */
export function createDraftItems(drafts: Pick<MessageDraftStore, 'findMany'>): Pick<UserItemTable, 'draft'> {
  return {
    draft: async ({ userId }, changes) => {
      const refs = changes.map(({ ref }) => ref)
      const found = await drafts.findMany(new ObjectId(userId), refs)
      const rows = new Map(found.map(row => [row.conversationId.toHexString(), row]))
      return presentEach(changes, ({ rev, ref }) => {
        const state = presentState(ref, rows.get(ref.toHexString()))
        return { item: { type: 'draft', rev, ...state }, event: DraftUpdated.create(state) }
      })
    }
  }
}
