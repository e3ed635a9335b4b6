import { Type } from '@sinclair/typebox'
import { command, ephemeral } from '../envelope.ts'
import { UserId } from '../ids.ts'
import { closed } from '../schema.ts'
import { Presence, PresenceStatus } from './entities.ts'

/** Presence of at most this many people at once. */
export const MAX_WATCHED = 200

export const PresenceSet = command('presence:set', {
  description: 'Shows this device as in use, not in use, or not there; a person is `online` when one device is.',
  data: closed({ status: PresenceStatus }),
  reply: closed({}),
  isSilent: true,
  isDroppable: true
})

export const PresenceSubscribe = command('presence:subscribe', {
  description: 'Answers the presence of these people and sends their changes; replaces an earlier list.',
  data: closed({ userIds: Type.Array(UserId, { maxItems: MAX_WATCHED, uniqueItems: true }) }),
  reply: closed({ presence: Type.Array(Presence) })
})

export const PresenceChanged = ephemeral('presence', 'Somebody watched came, went or stepped away.', Presence)
