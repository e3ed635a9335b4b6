import { type Static, Type } from '@sinclair/typebox'
import { ConversationId, RequestId, UserId } from '../ids.ts'
import { closed, oneOf, PLAIN_TEXT, Timestamp } from '../schema.ts'
import { Presence, User } from './user.ts'

/** Who may see something of a person: everyone, those among the person's contacts, or nobody. */
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
  /** Who may open a new direct conversation with the person. */
  whoMayStart: oneOf('everyone', 'contacts', 'friends', 'nobody')
}

const preferences = {
  theme: oneOf('light', 'dark', 'system'),
  language: Type.String({ maxLength: 35, pattern: '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$' })
}

/** What a person chose. `lastSeen` covers presence too, and is mutual: who hides it does not see others’. */
export const Settings = closed({ notifications: closed(notifications), privacy: closed(privacy), ...preferences })
export type Settings = Static<typeof Settings>

/** Any part of the settings; what is left out stays as it is. */
export const SettingsChanges = Type.Partial(
  closed({
    notifications: Type.Partial(closed(notifications), { additionalProperties: false }),
    privacy: Type.Partial(closed(privacy), { additionalProperties: false }),
    ...preferences
  }),
  { additionalProperties: false }
)
export type SettingsChanges = Static<typeof SettingsChanges>

/** Somebody whom the caller has blocked. */
export const Block = closed({ user: User, blockedAt: Timestamp })
export type Block = Static<typeof Block>

/** How somebody came to be a contact. */
export const ContactSource = oneOf('sync', 'added', 'request')
export type ContactSource = Static<typeof ContactSource>

export const ContactName = Type.String({ minLength: 1, maxLength: 128, pattern: PLAIN_TEXT })

/** Somebody among the caller’s contacts; `name` as the caller’s address book has it. */
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

export const RequestKind = oneOf('chat', 'friend')
export type RequestKind = Static<typeof RequestKind>
export const RequestStatus = oneOf('open', 'accepted', 'declined', 'cancelled')
export type RequestStatus = Static<typeof RequestStatus>
export const RequestText = Type.String({ minLength: 1, maxLength: 500, pattern: PLAIN_TEXT })

/** Somebody asks to talk (`chat`) or to be friends. `conversationId`: once it is accepted. */
export const PersonRequest = closed({
  id: RequestId,
  kind: RequestKind,
  from: UserId,
  to: UserId,
  message: Type.Optional(RequestText),
  status: RequestStatus,
  createdAt: Timestamp,
  decidedAt: Type.Optional(Timestamp),
  conversationId: Type.Optional(ConversationId)
})
export type PersonRequest = Static<typeof PersonRequest>
