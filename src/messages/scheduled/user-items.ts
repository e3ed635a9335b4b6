import { ScheduledUpdated } from '../../../protocol/messages/scheduled/events.ts'
import { ObjectId } from '../../database/object-id.ts'
import { presentEach, type UserItemTable } from '../../streams/user-items.ts'
import { presentScheduled } from './present.ts'
import type { ScheduledStore } from './store.ts'

/** Items of a person's own stream about messages that they have scheduled. */
export function createScheduledItems(store: Pick<ScheduledStore, 'findMany'>): Pick<UserItemTable, 'scheduled'> {
  return {
    scheduled: async ({ userId }, changes) => {
      const found = await store.findMany(
        new ObjectId(userId),
        changes.map(({ ref }) => ref)
      )
      const byId = new Map(found.map(doc => [doc._id.toHexString(), presentScheduled(doc)]))
      return presentEach(changes, ({ rev, ref }) => {
        const scheduled = byId.get(ref.toHexString())
        return scheduled && { item: { type: 'scheduled', rev, scheduled }, event: ScheduledUpdated.create(scheduled) }
      })
    }
  }
}
