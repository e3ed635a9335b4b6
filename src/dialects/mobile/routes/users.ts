import { type TSchema, Type } from '@sinclair/typebox'
import { Email, Phone } from '../../../../protocol/accounts/routes.ts'
import { UserId } from '../../../../protocol/ids.ts'
import { PresenceStatus } from '../../../../protocol/presence/entities.ts'
import { Bio, DisplayName, PictureUrl, PublicKey, Username } from '../../../../protocol/users/entities.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import { addressRoute } from '../../kit/addresses.ts'
import { type DialectRoute, dialectRoute, readingRoute } from '../../kit/dialect.ts'
import { limitOf, pageQuery } from '../../kit/paging.ts'
import { readFound, withPresence } from '../../kit/readings.ts'
import type { Services } from '../../kit/services.ts'
import * as answers from '../answers.ts'
import { answer } from '../present/answer.ts'
import { presentOthers, presentOwn } from '../present/people.ts'

/** People that one search finds, on all of its pages. */
const MAX_FOUND = 500

/** A field that null takes away. */
const clearable = <S extends TSchema>(schema: S) => Type.Optional(Type.Union([schema, Type.Null()]))

/**
 * Profile fields that a person may change; null takes a picture, a bio or a key away. A new phone number or email is
 * kept once it is proved by the code that is sent there.
 */
const Profile = Type.Object({
  phoneNumber: Type.Optional(Phone),
  email: Type.Optional(Email),
  username: Type.Optional(Username),
  displayName: Type.Optional(DisplayName),
  avatar: clearable(Type.Union([PictureUrl, Type.Literal('')])),
  bio: clearable(Bio),
  publicKey: clearable(PublicKey)
})

/** Document 0, "User Profile", "User Status" and "Search". */
export function userRoutes(services: Services): DialectRoute[] {
  return [...ownRoutes(services), ...deviceRoutes(services), ...otherRoutes(services)]
}

function ownRoutes(services: Services): DialectRoute[] {
  const { users, addresses } = services
  return [
    // At the root it answers document 1 too.
    addressRoute(services, answers.ProvedAddress, async (actor, me) => ({
      ...answer({ ...(await presentOwn(services, actor, me)), phone: me.phone ?? null }, 'Verified'),
      error: null
    })),
    dialectRoute('GET /users/me', { summary: 'Your profile', answer: answers.Profile }, async ({ actor }) =>
      answer(await presentOwn(services, actor, await users.me(actor)))
    ),
    dialectRoute(
      'PUT /users/me',
      { summary: 'Change your profile', answer: answers.ChangedProfile, body: Profile },
      async ({ actor, body, ip, isLocal }) => {
        const { username, displayName, avatar, bio, publicKey, phoneNumber, email } = body
        const verification = await addresses.noteNew(actor, omitUndefined({ phone: phoneNumber, email }), {
          ip,
          isLocal
        })
        const cleared = (value: string | null | undefined) => (value === null ? '' : value)
        const changes = {
          username,
          displayName,
          avatarUrl: cleared(avatar),
          bio: cleared(bio),
          publicKey: cleared(publicKey)
        }
        const me = await users.update(actor, omitUndefined(changes))
        return answer({ ...(await presentOwn(services, actor, me)), ...verification }, 'Profile updated')
      }
    )
  ]
}

function deviceRoutes({ users, presence }: Services): DialectRoute[] {
  return [
    dialectRoute(
      'PUT /users/me/status',
      {
        summary: 'Show yourself as online, away or offline',
        answer: answers.Status,
        body: Type.Object({ status: PresenceStatus })
      },
      async ({ actor, body }) => {
        presence.setStatus(actor, body.status)
        const [own] = await presence.get(actor, [actor.userId])
        return answer({ status: own?.status }, 'Status updated')
      }
    ),
    dialectRoute(
      'PUT /users/me/fcm-token',
      {
        summary: 'Keep a device’s push token',
        answer: answers.Done,
        body: Type.Object({ token: Type.String({ maxLength: 4_096 }) })
      },
      async ({ actor, body }) => {
        await users.addPushToken(actor, body.token)
        return answer({}, 'Token saved')
      }
    )
  ]
}

function otherRoutes(services: Services): DialectRoute[] {
  const { users } = services
  return [
    readingRoute(
      'GET /users/search',
      {
        summary: 'People by phone number, username or name',
        answer: answers.Users,
        query: Type.Object({ q: Type.String({ maxLength: 128 }), ...pageQuery })
      },
      {
        services,
        read: readFound,
        present: (found, { query }) => {
          const from = ((query.page ?? 1) - 1) * limitOf(query)
          return answer(presentOthers(found).slice(0, Math.max(0, MAX_FOUND - from)))
        }
      }
    ),
    dialectRoute(
      'GET /users/:id',
      {
        summary: 'Somebody’s profile, as far as they show it',
        answer: answers.OneUser,
        params: Type.Object({ id: UserId })
      },
      async ({ actor, params }) => {
        const found = await withPresence(services, actor, [await users.get(actor, params.id)])
        const [other] = presentOthers(found)
        return answer(other)
      }
    )
  ]
}
