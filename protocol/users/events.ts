import { Type } from '@sinclair/typebox'
import { durable, ephemeral } from '../envelope.ts'
import { UserId } from '../ids.ts'
import { closed } from '../schema.ts'
import { Bio, DisplayName, Me, PictureUrl, Settings, StatusText, Username } from './entities.ts'

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

export const ProfileUpdated = ephemeral(
  'profile:updated',
  'Somebody who shares a conversation with you changed their profile: this is what you may see of it now; a key is read with GET /v1/users/:userId.',
  closed({
    userId: UserId,
    displayName: DisplayName,
    username: Type.Optional(Username),
    avatarUrl: Type.Optional(PictureUrl),
    bio: Type.Optional(Bio),
    statusText: Type.Optional(StatusText)
  })
)

export const UserUpdated = durable('user', 'user:updated', 'Your own profile changed.', Me)
