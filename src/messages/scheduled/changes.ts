import { ScheduledUpdated } from '../../../protocol/messages/scheduled/events.ts'
import type { Bus } from '../../bus/bus.ts'
import type { ClientSession } from '../../database/index.ts'
import type { FairGate } from '../../limits/fair-gate.ts'
import type { AccountStore } from '../../streams/store.ts'
import { presentScheduled } from './present.ts'
import type { ScheduledDoc } from './store.ts'

interface ChangeDeps {
  readonly store: { readonly accounts: AccountStore }
  readonly bus: Bus
  readonly ownGate: FairGate
}

/**
 * Writes a change of a scheduled message with its place in its sender's own stream, and tells their devices.
 * @param write answers the message as it is then; nothing where there is no change
 * @returns the same, once it is written
 */
export type ChangeScheduled = (
  { userId, _id }: Pick<ScheduledDoc, 'userId' | '_id'>,
  write: (session: ClientSession) => Promise<ScheduledDoc | null>
) => Promise<ScheduledDoc | null>

/** Makes that change. */
export function createChangeScheduled({ store, bus, ownGate }: ChangeDeps): ChangeScheduled {
  return async ({ userId, _id }, write) => {
    const party = userId.toHexString()
    return await ownGate.run({ party }, async () => {
      let after: ScheduledDoc | null = null
      const rev = await store.accounts.changeIf(userId, 'scheduled', _id, async session => {
        after = await write(session)
        return after !== null
      })
      if (rev === undefined || after === null) return null
      bus.publish('user', { userId: party, rev, event: ScheduledUpdated.create(presentScheduled(after)) })
      return after
    })
  }
}
