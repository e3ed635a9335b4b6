import { UserId } from '../ids.ts'
import { closed, Timestamp } from '../schema.ts'

/** Pin of a message: who pinned it, and when. */
export const Pin = closed({ userId: UserId, pinnedAt: Timestamp }, 'The message is pinned: by whom, and since when.')
