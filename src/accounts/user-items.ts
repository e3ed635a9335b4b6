import { SessionAdded } from '../../protocol/accounts/events.ts'
import { presentEach, type UserItemTable } from '../streams/user-items.ts'
import { presentRef } from './sessions/present.ts'
import type { SessionStore } from './sessions/store.ts'

/** Items of a person's own stream about sign-ins; one that has ended has none. */
export function createAccountItems(sessions: Pick<SessionStore, 'findLive'>): Pick<UserItemTable, 'session'> {
  return {
    session: async (_actor, changes) => {
      const live = await sessions.findLive(
        changes.map(({ ref }) => ref),
        new Date()
      )
      const byId = new Map(live.map(session => [session._id.toHexString(), presentRef(session)]))
      return presentEach(changes, ({ rev, ref }) => {
        const session = byId.get(ref.toHexString())
        if (session === undefined) return undefined
        return { item: { type: 'session', rev, session }, event: SessionAdded.create(session) }
      })
    }
  }
}
