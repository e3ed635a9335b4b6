import { ExportUpdated } from '../../../protocol/messages/exports/events.ts'
import type { Bus } from '../../bus/bus.ts'
import type { ClientSession } from '../../database/index.ts'
import type { AccountStore } from '../../streams/store.ts'
import { presentExport } from './present.ts'
import type { ExportDoc } from './store.ts'

interface ChangeDeps {
  readonly store: { readonly accounts: AccountStore }
  readonly bus: Bus
}

/**
 * Writes a beginning or an end of an export with its place in its person's own stream, and tells their devices.
 * @param write answers the export as it is then; nothing where there is no change
 * @returns the same, once it is written
 */
export type ChangeExport = (
  { userId, _id }: Pick<ExportDoc, 'userId' | '_id'>,
  write: (session: ClientSession) => Promise<ExportDoc | null>
) => Promise<ExportDoc | null>

/** Makes that change. */
export function createChangeExport({ store, bus }: ChangeDeps): ChangeExport {
  return async ({ userId, _id }, write) => {
    let after: ExportDoc | null = null
    const rev = await store.accounts.changeIf(userId, 'export', _id, async session => {
      after = await write(session)
      return after !== null
    })
    if (rev === undefined || after === null) return null
    bus.publish('user', { userId: userId.toHexString(), rev, event: ExportUpdated.create(presentExport(after)) })
    return after
  }
}
