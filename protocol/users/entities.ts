import { type Static, Type } from '@sinclair/typebox'
import { UserId } from '../ids.ts'
import { Presence } from '../presence/entities.ts'
import { closed, oneOf, PLAIN_TEXT, Timestamp, WebAddress, withExamples } from '../schema.ts'

export const Username = Type.String({
  pattern: '^[A-Za-z0-9](?:[A-Za-z0-9._-]{1,30})[A-Za-z0-9]$',
  maxLength: 32,
  examples: ['ada']
})

export const DisplayName = Type.String({ minLength: 1, maxLength: 64, pattern: PLAIN_TEXT, examples: ['Ada'] })

export const Bio = Type.String({ maxLength: 500, pattern: PLAIN_TEXT })

export const StatusText = Type.String({ maxLength: 140, pattern: PLAIN_TEXT })

/** A public key for end-to-end encryption, in whatever text form the apps agree on. */
export const PublicKey = Type.String({ maxLength: 8_192, pattern: '^[\\x20-\\x7e\\r\\n]*$' })

/** A picture's address: http or https. */
export const PictureUrl = WebAddress

const profile = {
  id: UserId,
  username: Type.Optional(Username),
  displayName: DisplayName,
  avatarUrl: Type.Optional(PictureUrl),
  bio: Type.Optional(Bio),
  statusText: Type.Optional(StatusText),
  publicKey: Type.Optional(PublicKey),
  lastSeenAt: Type.Optional(Timestamp),
  updatedAt: Type.Optional(Timestamp)
}

/**
 * A person as the caller may see them: what their privacy hides is absent. Where one of the two has blocked the
 * other only id and names are left.
 */
export const User = withExamples(closed({ ...profile, createdAt: Type.Optional(Timestamp) }), {
  id: 'user_64b7f0c2a1d3e4f5a6b7c8d9',
  username: 'bob',
  displayName: 'Bob',
  createdAt: '2026-11-21T09:30:00.000Z'
})
export type User = Static<typeof User>

/**
 * A person as they see themselves. `phone` (E.164) and `email` are proved to be theirs; what they only say is theirs
 * signs nobody in and finds nobody until it is proved by a code.
 */
export const Me = withExamples(
  closed({
    ...profile,
    phone: Type.Optional(Type.String()),
    email: Type.Optional(Type.String()),
    unverifiedPhone: Type.Optional(Type.String()),
    unverifiedEmail: Type.Optional(Type.String()),
    createdAt: Timestamp
  }),
  {
    id: 'user_64b7f0c2a1d3e4f5a6b7c8d9',
    username: 'ada',
    displayName: 'Ada',
    createdAt: '2026-11-21T09:30:00.000Z'
  }
)
export type Me = Static<typeof Me>

/** Device and its kind of app; free text in later versions, so clients show the unknown as it is. */
export const Device = closed({
  id: Type.String({
    minLength: 1,
    maxLength: 64,
    pattern: '^[A-Za-z0-9._:-]+$',
    description: 'Stable for one install: a sign-in ends the session that the same device had before.',
    examples: ['browser-1']
  }),
  platform: Type.Optional(Type.String({ maxLength: 32, pattern: PLAIN_TEXT })),
  name: Type.Optional(Type.String({ maxLength: 64, pattern: PLAIN_TEXT }))
})
export type Device = Static<typeof Device>

/** Audience of something of a person: everyone, those among the person's contacts, or nobody. */
export const Audience = oneOf('everyone', 'contacts', 'nobody')
export type Audience = Static<typeof Audience>

const notifications = {
  enabled: Type.Boolean(),
  messageNotifications: Type.Boolean(),
  groupNotifications: Type.Boolean(),
  sound: Type.Boolean(),
  vibration: Type.Boolean()
}

const privacy = {
  lastSeen: Audience,
  profilePhoto: Audience,
  about: Audience,
  /** Audience that finds the person by their whole phone number, or their email. */
  findByPhone: Audience,
  findByEmail: Audience,
  /** Audience that may open a new direct conversation with the person. */
  whoMayStart: oneOf('everyone', 'contacts', 'friends', 'nobody'),
  whoMayAdd: oneOf('everyone', 'contacts', 'friends', 'nobody'),
  /** Audience that may name the person as the author of what they forward. */
  nameInForwards: Audience
}

const preferences = {
  theme: oneOf('light', 'dark', 'system'),
  language: Type.String({ maxLength: 35, pattern: '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$', examples: ['en'] })
}

/** Settings of a person. `lastSeen` covers presence too, and is mutual: who hides it does not see others’. */
export const Settings = closed({ notifications: closed(notifications), privacy: closed(privacy), ...preferences })
export type Settings = Static<typeof Settings>

/** Settings to change; one left out stays as it is. */
export const SettingsChanges = withExamples(
  Type.Partial(
    closed({
      notifications: Type.Partial(closed(notifications), { additionalProperties: false }),
      privacy: Type.Partial(closed(privacy), { additionalProperties: false }),
      ...preferences
    }),
    { additionalProperties: false }
  ),
  { theme: 'dark', privacy: { lastSeen: 'contacts' } }
)
export type SettingsChanges = Static<typeof SettingsChanges>

/** Block by the caller. */
export const Block = closed({ user: User, blockedAt: Timestamp })
export type Block = Static<typeof Block>

/** Source of a contact. */
export const ContactSource = oneOf('sync', 'added', 'request')
export type ContactSource = Static<typeof ContactSource>

export const ContactName = Type.String({ minLength: 1, maxLength: 128, pattern: PLAIN_TEXT, examples: ['Bob'] })

/** Contact of the caller; `name` as the caller’s address book has it. */
export const Contact = closed({
  user: User,
  name: Type.Optional(ContactName),
  source: ContactSource,
  addedAt: Timestamp
})
export type Contact = Static<typeof Contact>

/** A friend, and whether they are there. */
export const Friend = closed({ user: User, presence: Presence, since: Timestamp })
export type Friend = Static<typeof Friend>
