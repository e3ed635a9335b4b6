import { type Static, Type } from '@sinclair/typebox'
import { UserId } from '../ids.ts'
import { closed, oneOf, Timestamp } from '../schema.ts'

export const PresenceStatus = oneOf('online', 'away', 'offline')
export type PresenceStatus = Static<typeof PresenceStatus>

/** Whether somebody has a connection, over all their devices; `lastSeenAt` when they have none. */
export const Presence = closed({
  userId: UserId,
  status: PresenceStatus,
  lastSeenAt: Type.Optional(Timestamp)
})
export type Presence = Static<typeof Presence>
