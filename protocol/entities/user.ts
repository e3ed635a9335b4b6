import { type Static, Type } from '@sinclair/typebox'
import { UserId } from '../ids.ts'
import { closed, oneOf, PLAIN_TEXT, Timestamp } from '../schema.ts'

export const Username = Type.String({ pattern: '^[A-Za-z0-9](?:[A-Za-z0-9._-]{1,30})[A-Za-z0-9]$', maxLength: 32 })
export const DisplayName = Type.String({ minLength: 1, maxLength: 64, pattern: PLAIN_TEXT })
export const Bio = Type.String({ maxLength: 500, pattern: PLAIN_TEXT })
export const StatusText = Type.String({ maxLength: 140, pattern: PLAIN_TEXT })
/** A public key for end-to-end encryption, in whatever text form the apps agree on. */
export const PublicKey = Type.String({ maxLength: 8_192, pattern: '^[\\x20-\\x7e\\r\\n]*$' })
/** A picture's address: http or https. */
export const PictureUrl = Type.String({ maxLength: 2_048, pattern: '^https?://[^\\s]+$' })

const profile = {
  id: UserId,
  username: Type.Optional(Username),
  displayName: DisplayName,
  avatarUrl: Type.Optional(PictureUrl),
  bio: Type.Optional(Bio),
  statusText: Type.Optional(StatusText),
  publicKey: Type.Optional(PublicKey),
  isVerified: Type.Optional(Type.Literal(true)),
  lastSeenAt: Type.Optional(Timestamp)
}

/**
 * A person as the caller may see them: what their privacy hides is absent. Where one of the two has blocked the
 * other only id and names are left.
 */
export const User = closed({ ...profile, createdAt: Type.Optional(Timestamp) })
export type User = Static<typeof User>

/** A person as they see themselves. `phone` is E.164. */
export const Me = closed({
  ...profile,
  phone: Type.Optional(Type.String()),
  email: Type.Optional(Type.String()),
  createdAt: Timestamp,
  updatedAt: Type.Optional(Timestamp)
})
export type Me = Static<typeof Me>

/** What kind of app a device runs; free text on the wire of later versions, so clients show the unknown as it is. */
export const Device = closed({
  id: Type.String({
    minLength: 1,
    maxLength: 64,
    pattern: '^[A-Za-z0-9._:-]+$',
    description: 'Stable for one install.'
  }),
  platform: Type.Optional(Type.String({ maxLength: 32, pattern: PLAIN_TEXT })),
  name: Type.Optional(Type.String({ maxLength: 64, pattern: PLAIN_TEXT }))
})
export type Device = Static<typeof Device>

export const PresenceStatus = oneOf('online', 'away', 'offline')
export type PresenceStatus = Static<typeof PresenceStatus>

/** Whether somebody has a connection, over all their devices; `lastSeenAt` when they have none. */
export const Presence = closed({
  userId: UserId,
  status: PresenceStatus,
  lastSeenAt: Type.Optional(Timestamp)
})
export type Presence = Static<typeof Presence>
