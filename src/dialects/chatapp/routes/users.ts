import { type Static, Type } from '@sinclair/typebox'
import { bareId, UserId } from '../../../../protocol/ids.ts'
import { type Presence, PresenceStatus } from '../../../../protocol/presence/entities.ts'
import {
  DisplayName,
  type Me,
  PictureUrl,
  type Settings,
  SettingsChanges,
  StatusText,
  type User
} from '../../../../protocol/users/entities.ts'
import type { Actor } from '../../../actor.ts'
import { AppError } from '../../../errors.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import { type DialectRoute, dialectRoute } from '../../kit/dialect.ts'
import type { Services } from '../../kit/services.ts'
import * as answers from '../answers.ts'

type ChangingFields = Pick<User, 'displayName' | 'avatarUrl' | 'statusText'>

const DEFAULT_STATUS = "Hey there! I'm using ChatApp"
const params = Type.Object({ id: UserId })

const NewSettings = Type.Object({
  notifications: Type.Optional(Type.Boolean()),
  theme: SettingsChanges.properties.theme,
  language: SettingsChanges.properties.language
})

const NewProfile = Type.Object({
  displayName: Type.Optional(DisplayName),
  avatar: Type.Optional(Type.Union([PictureUrl, Type.Literal('')])),
  status: Type.Optional(StatusText),
  settings: Type.Optional(NewSettings)
})

/** Document 2, users: everybody’s profile, and one’s own to change. */
export function userRoutes(services: Services): DialectRoute[] {
  return [...profileRoutes(services), statusRoute(services), settingsRoute(services)]
}

function profileRoutes(services: Services): DialectRoute[] {
  return [
    dialectRoute(
      'GET /api/users/:id',
      { summary: 'A profile', answer: answers.User, params },
      async ({ actor, params: { id } }) =>
        isOwn(actor, id) ? await presentOwn(services, actor) : await presentOther(services, actor, id)
    ),
    dialectRoute(
      'PUT /api/users/:id',
      { summary: 'Change one’s own profile and settings', answer: answers.OwnUser, params, body: NewProfile },
      async ({ actor, params: { id }, body: { displayName, avatar, status, settings } }) => {
        requireOwn(actor, id)
        await services.users.update(actor, omitUndefined({ displayName, avatarUrl: avatar, statusText: status }))
        if (settings !== undefined) await services.settings.update(actor, changesOf(settings))
        return await presentOwn(services, actor)
      }
    )
  ]
}

function statusRoute(services: Services): DialectRoute {
  return dialectRoute(
    'PUT /api/users/:id/status',
    {
      summary: 'Be shown as online, away or offline',
      answer: answers.Presence,
      params,
      body: Type.Object({ status: Type.Optional(PresenceStatus), isOnline: Type.Optional(Type.Boolean()) })
    },
    async ({ actor, params: { id }, body: { status, isOnline } }) => {
      requireOwn(actor, id)
      if (status === undefined && isOnline === undefined) throw new AppError('invalid', 'Give status or isOnline')
      services.presence.setStatus(actor, status ?? (isOnline === true ? 'online' : 'offline'))
      const [presence] = await services.presence.get(actor, [actor.userId])
      return { success: true, ...presentPresence(presence as Presence) }
    }
  )
}

function settingsRoute(services: Services): DialectRoute {
  return dialectRoute(
    'PUT /api/users/:id/settings',
    { summary: 'Change one’s own settings', answer: answers.Settings, params, body: NewSettings },
    async ({ actor, params: { id }, body }) => {
      requireOwn(actor, id)
      return presentSettings(await services.settings.update(actor, changesOf(body)))
    }
  )
}

const isOwn = ({ userId }: Actor, id: string): boolean => bareId(id) === userId

function requireOwn(actor: Actor, id: string): void {
  if (!isOwn(actor, id)) throw new AppError('forbidden', 'This is somebody else’s')
}

function changesOf({ notifications, theme, language }: Static<typeof NewSettings>): SettingsChanges {
  return omitUndefined({
    notifications: notifications === undefined ? undefined : { enabled: notifications },
    theme,
    language
  })
}

async function presentOwn({ users, presence, settings }: Services, actor: Actor) {
  const [me, [present], own] = await Promise.all([
    users.me(actor),
    presence.get(actor, [actor.userId]),
    settings.get(actor)
  ])
  const { phone = null } = me
  return { ...presentUser(me, present as Presence), phoneNumber: phone, settings: presentSettings(own) }
}

async function presentOther({ users, presence }: Services, actor: Actor, id: string) {
  const [user, [present]] = await Promise.all([users.get(actor, id), presence.get(actor, [id])])
  return presentUser(user, present as Presence)
}

/** Present a person; a hidden status text looks like one that was never set. */
function presentUser(user: User | Me, presence: Presence) {
  const { createdAt, updatedAt } = user
  return {
    ...presentPresence(presence),
    userId: user.id,
    ...presentChanging(user),
    ...omitUndefined({ createdAt, updatedAt })
  }
}

/** Fields that a person changes; also as the live event `profile:updated` has them. */
export function presentChanging({ displayName, avatarUrl = '', statusText }: ChangingFields) {
  return { displayName, avatar: avatarUrl, status: statusText ?? DEFAULT_STATUS }
}

/** Also as the live event `presence` has it. */
export function presentPresence({ userId, status, lastSeenAt }: Presence) {
  const lastSeen = status === 'offline' ? (lastSeenAt ?? null) : new Date().toISOString()
  return { userId, status, isOnline: status !== 'offline', lastSeen }
}

/** The document’s apps are light or dark. */
function presentSettings({ notifications, theme, language }: Settings) {
  return { notifications: notifications.enabled, theme: theme === 'dark' ? 'dark' : 'light', language }
}
