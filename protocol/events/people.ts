import { Type } from '@sinclair/typebox'
import { PersonRequest, Settings } from '../entities/people.ts'
import { DisplayName, Username } from '../entities/user.ts'
import { durable, ephemeral } from '../envelope.ts'
import { UserId } from '../ids.ts'
import { closed } from '../schema.ts'

export const SettingsUpdated = durable('user', 'settings:updated', 'Your settings changed.', Settings)
export const BlocksUpdated = durable(
  'user',
  'blocks:updated',
  'You blocked somebody, or no longer do.',
  closed({ userId: UserId, isBlocked: Type.Boolean() })
)
export const ContactsUpdated = durable(
  'user',
  'contacts:updated',
  'Your contacts or friends changed; load again what you show of them.',
  closed({})
)
export const RequestNew = durable('user', 'request:new', 'A request was made, to you or by you.', PersonRequest)
export const RequestUpdated = durable(
  'user',
  'request:updated',
  'A request was accepted, declined or cancelled; accepting makes the two contacts.',
  PersonRequest
)
export const ProfileUpdated = ephemeral(
  'profile:updated',
  'Somebody who shares a conversation with you changed their profile; the rest of it is read with GET /v1/users/:userId.',
  closed({ userId: UserId, displayName: DisplayName, username: Type.Optional(Username) })
)
