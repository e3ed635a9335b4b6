import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { Email, Phone } from '../../../../protocol/accounts/routes.ts'
import { UserId } from '../../../../protocol/ids.ts'
import { MAX_WATCHED } from '../../../../protocol/presence/events.ts'
import { SearchUsers, UpdateMe } from '../../../../protocol/users/routes.ts'
import { AppError } from '../../../errors.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import { addressRoute } from '../../kit/addresses.ts'
import { type DialectRoute, dialectRoute, readingRoute } from '../../kit/dialect.ts'
import { limitOf, pageQuery } from '../../kit/paging.ts'
import { type Found, readFound } from '../../kit/readings.ts'
import type { Services } from '../../kit/services.ts'
import * as answers from '../answers.ts'
import { answer, answerPage } from '../present/answers.ts'
import { presentFound, presentMe, presentPresence, presentUsers } from '../present/people.ts'

const Query = SearchUsers.schema.querystring.properties.q
const ids = Type.Object({ ids: Type.String({ maxLength: MAX_WATCHED * 30 }) })

/** Document 1, "User Controller & Routes". */
export function userRoutes(services: Services): DialectRoute[] {
  return [...listRoutes(services), ...profileRoutes(services), ...presenceRoutes(services)]
}

function listRoutes(services: Services): DialectRoute[] {
  const { directory } = services
  const answerFound = (found: Found, { query }: Pick<SearchCall, 'query'>) => {
    const { page = 1 } = query
    const limit = limitOf(query)
    return answerPage(presentFound(found), { limit, page, hasMore: found.users.length === limit })
  }
  const either = Type.Optional(Query)
  return [
    dialectRoute(
      'GET /users',
      {
        summary: 'Everybody, or those whom `search` (or `q`) finds',
        answer: answers.UserPage,
        query: Type.Object({ ...pageQuery, search: either, q: either, after: Type.Optional(UserId) })
      },
      async call => {
        const { search: q = call.query.q, after, page } = call.query
        if (q !== undefined) {
          return answerFound(await readFound(services, { ...call, query: { ...call.query, q } }), call)
        }
        const limit = limitOf(call.query)
        const found = await directory.list(call.actor, { limit, ...omitUndefined({ after, page }) })
        const shown = await presentUsers(services, call.actor, found.users)
        const next = found.next?.slice(-24) ?? null
        return answerPage(shown, { limit, ...omitUndefined({ page }), hasMore: next !== null, next })
      }
    ),
    readingRoute(
      'GET /users/search',
      {
        summary: 'People by name, username or number',
        answer: answers.UserPage,
        query: Type.Object({ ...pageQuery, q: Query })
      },
      { services, read: readFound, present: answerFound }
    )
  ]
}

interface SearchCall {
  readonly actor: Parameters<typeof presentUsers>[1]
  readonly query: { readonly page?: number; readonly limit?: number }
}

const { displayName, username, avatarUrl, bio, statusText, publicKey } = UpdateMe.schema.body.properties
/** Profile fields that a person may change, under either app’s names. */
const Profile = Type.Object({
  name: displayName,
  displayName,
  avatar: avatarUrl,
  avatarUrl,
  username,
  bio,
  statusText,
  publicKey,
  phone: Type.Optional(Phone),
  phoneNumber: Type.Optional(Phone),
  email: Type.Optional(Email)
})

function profileRoutes(services: Services): DialectRoute[] {
  const { users, addresses, presence } = services
  const showMe = async (actor: SearchCall['actor'], me: Awaited<ReturnType<typeof users.me>>) => {
    const [there] = await presence.get(actor, [me.id])
    return { ...presentMe(me), ...(there && statusOf(presentPresence(there))) }
  }
  return [
    addressRoute(services, answers.ProvedProfile, async (actor, me) => answer(await showMe(actor, me), 'Verified')),
    dialectRoute('GET /users/profile', { summary: 'Your profile', answer: answers.Profile }, async ({ actor }) =>
      answer(await showMe(actor, await users.me(actor)))
    ),
    dialectRoute(
      'GET /users/profile/:userId',
      { summary: 'Somebody’s profile', answer: answers.OneUser, params: Type.Object({ userId: UserId }) },
      async ({ actor, params }) => {
        const [shown] = await presentUsers(services, actor, [await users.get(actor, params.userId)])
        return answer(shown)
      }
    ),
    dialectRoute(
      'PATCH /users/me',
      {
        summary: 'Change your profile; an empty text takes a field away',
        answer: answers.ChangedProfile,
        body: Profile
      },
      async ({ actor, body: { name, displayName = name, avatar, avatarUrl = avatar, ...body }, ip, isLocal }) => {
        const { username, bio, statusText, publicKey, phone, phoneNumber = phone, email } = body
        const verification = await addresses.noteNew(actor, omitUndefined({ phone: phoneNumber, email }), {
          ip,
          isLocal
        })
        const changes = omitUndefined({ displayName, avatarUrl, username, bio, statusText, publicKey })
        const me = await users.update(actor, changes)
        return answer({ ...(await showMe(actor, me)), ...verification }, 'Profile updated')
      }
    )
  ]
}

function statusOf({ online, status }: ReturnType<typeof presentPresence>) {
  return { online, isOnline: online, status }
}

function presenceRoutes(services: Services): DialectRoute[] {
  const { users, presence } = services
  return [
    dialectRoute(
      'GET /users/by-ids',
      { summary: 'People by their ids', answer: answers.Users, query: ids },
      async ({ actor, query }) => {
        const wanted = readIds(query.ids)
        const found = new Map((await users.findMany(actor, wanted)).map(user => [user.id.slice(-24), user]))
        return answer(
          await presentUsers(
            services,
            actor,
            wanted.flatMap(id => found.get(id.slice(-24)) ?? [])
          )
        )
      }
    ),
    dialectRoute(
      'GET /presence',
      { summary: 'Who is there', answer: answers.Presences, query: ids },
      async ({ actor, query }) => answer((await presence.get(actor, readIds(query.ids))).map(presentPresence))
    ),
    dialectRoute(
      'GET /users/online/count',
      { summary: 'How many people are there', answer: answers.OnlineCount },
      async () => answer(await Promise.resolve({ count: presence.onlineCount() }))
    )
  ]
}

/** Ids separated by commas, each once. @throws {AppError} `invalid` */
function readIds(text: string): string[] {
  const ids = [...new Set(text.split(',').map(id => id.trim()))].filter(id => id !== '')
  const areIds = ids.length <= MAX_WATCHED && ids.every(id => Value.Check(UserId, id))
  if (!areIds) throw new AppError('invalid', `ids: at most ${MAX_WATCHED} user ids, separated by commas`)
  return ids
}
