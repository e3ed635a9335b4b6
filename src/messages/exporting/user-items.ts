import { ExportUpdated } from '../../../protocol/messages/exports/events.ts'
import { ObjectId } from '../../database/object-id.ts'
import { presentEach, type UserItemTable } from '../../streams/user-items.ts'
import { presentExport } from './present.ts'
import type { ExportStore } from './store.ts'

/** Items of a person's own stream about conversations that they export. */
export function createExportItems(store: Pick<ExportStore, 'findMany'>): Pick<UserItemTable, 'export'> {
  return {
    export: async ({ userId }, changes) => {
      const found = await store.findMany(
        new ObjectId(userId),
        changes.map(({ ref }) => ref)
      )
      const byId = new Map(found.map(doc => [doc._id.toHexString(), presentExport(doc)]))
      return presentEach(changes, ({ rev, ref }) => {
        const presented = byId.get(ref.toHexString())
        return presented && { item: { type: 'export', rev, export: presented }, event: ExportUpdated.create(presented) }
      })
    }
  }
}
