import { Type } from '@sinclair/typebox'
import { bareId, UserId } from '../../../../protocol/ids.ts'
import type { Block, Settings } from '../../../../protocol/users/entities.ts'
import { Audience } from '../../../../protocol/users/entities.ts'
import type { Actor } from '../../../actor.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import { type DialectRoute, dialectRoute } from '../../kit/dialect.ts'
import type { Services } from '../../kit/services.ts'
import * as answers from '../answers.ts'
import { answer } from '../present/answer.ts'

/** Blocked people of one answer, newest first. */
const MAX_BLOCKED = 1_000

const flag = Type.Optional(Type.Boolean())
const audience = Type.Optional(Audience)
const Changes = Type.Object({
  notifications: Type.Optional(
    Type.Object({
      enabled: flag,
      messageNotifications: flag,
      groupNotifications: flag,
      sound: flag,
      vibration: flag
    })
  ),
  privacy: Type.Optional(Type.Object({ lastSeen: audience, profilePhoto: audience, about: audience }))
})

/** Document 0, "User Settings" and "Block Users". */
export function settingsRoutes(services: Services): DialectRoute[] {
  const { settings } = services
  return [
    dialectRoute(
      'GET /users/me/settings',
      { summary: 'Your settings', answer: answers.OwnSettings },
      async ({ actor }) => answer(await presentSettings(services, actor, await settings.get(actor)))
    ),
    dialectRoute(
      'PUT /users/me/settings',
      { summary: 'Change some of your settings', answer: answers.OwnSettings, body: Changes },
      async ({ actor, body: { notifications = {}, privacy = {} } }) => {
        const { lastSeen, profilePhoto, about } = privacy
        const changes = { notifications, privacy: omitUndefined({ lastSeen, profilePhoto, about }) }
        const changed = await settings.update(actor, changes)
        return answer(await presentSettings(services, actor, changed), 'Settings updated')
      }
    ),
    ...blockRoutes(services)
  ]
}

function blockRoutes({ blocks }: Services): DialectRoute[] {
  return [
    dialectRoute(
      'GET /users/me/blocked-users',
      { summary: 'Whom you have blocked', answer: answers.BlockedUsers },
      async ({ actor }) => answer((await blocks.list(actor, { limit: MAX_BLOCKED })).blocks.map(presentBlock))
    ),
    dialectRoute(
      'POST /users/me/blocked-users',
      { summary: 'Block somebody', answer: answers.ChangedBlock, body: Type.Object({ userId: UserId }) },
      async ({ actor, body: { userId } }) => {
        await blocks.add(actor, userId)
        return answer({ userId: bareId(userId), isBlocked: true }, 'User blocked')
      }
    ),
    dialectRoute(
      'DELETE /users/me/blocked-users/:userId',
      { summary: 'Take a block back', answer: answers.ChangedBlock, params: Type.Object({ userId: UserId }) },
      async ({ actor, params: { userId } }) => {
        await blocks.remove(actor, userId)
        return answer({ userId: bareId(userId), isBlocked: false }, 'User unblocked')
      }
    )
  ]
}

/** Settings as one document for each person, created with the account, with its id. */
async function presentSettings(services: Services, actor: Actor, { notifications, privacy }: Settings) {
  const { lastSeen, profilePhoto, about } = privacy
  const blocked = (await services.blocks.list(actor, { limit: MAX_BLOCKED })).blocks
  const { createdAt = null } = await services.users.me(actor)
  const updatedAt = (await services.settings.changedAt(actor)) ?? createdAt
  return {
    _id: actor.userId,
    userId: actor.userId,
    notifications,
    privacy: { lastSeen, profilePhoto, about },
    blockedUsers: blocked.map(({ user }) => bareId(user.id)),
    createdAt,
    updatedAt
  }
}

function presentBlock({ user: { id, username, displayName, avatarUrl }, blockedAt }: Block) {
  return {
    userId: bareId(id),
    username: username ?? null,
    displayName,
    avatar: avatarUrl ?? null,
    blockedAt
  }
}
