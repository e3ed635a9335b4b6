import { type Static, Type } from '@sinclair/typebox'
import { Bio, DisplayName, Me, PictureUrl, Presence, PublicKey, StatusText, User, Username } from '../entities/user.ts'
import { UserId } from '../ids.ts'
import { MAX_PAGE_SIZE } from '../limits.ts'
import { closed, PLAIN_TEXT } from '../schema.ts'
import { route } from './route.ts'

const tags = ['users']

export const GetMe = route({
  method: 'GET',
  url: '/users/me',
  schema: { summary: 'Your profile', tags, response: { 200: Me } }
})

export const UpdateMe = route({
  method: 'PATCH',
  url: '/users/me',
  schema: {
    summary: 'Change your profile; an empty text takes a field away',
    tags,
    body: closed({
      username: Type.Optional(Username),
      displayName: Type.Optional(DisplayName),
      avatarUrl: Type.Optional(Type.Union([PictureUrl, Type.Literal('')])),
      bio: Type.Optional(Bio),
      statusText: Type.Optional(StatusText),
      publicKey: Type.Optional(PublicKey)
    }),
    response: { 200: Me }
  }
})
export type ProfileChanges = Static<typeof UpdateMe.schema.body>

export const GetUser = route({
  method: 'GET',
  url: '/users/:userId',
  schema: { summary: 'Somebody’s profile', tags, params: closed({ userId: UserId }), response: { 200: User } }
})

export const SearchUsers = route({
  method: 'GET',
  url: '/users/search',
  schema: {
    summary:
      'People by the beginning of their username, of a word of their name or of their phone number (5 digits), or by a whole email; the best first',
    tags,
    querystring: closed({
      q: Type.String({ minLength: 1, maxLength: 64, pattern: PLAIN_TEXT }),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PAGE_SIZE }))
    }),
    response: { 200: closed({ users: Type.Array(User) }) }
  }
})

export const GetPresence = route({
  method: 'GET',
  url: '/presence',
  schema: {
    summary: 'Who is there',
    tags,
    querystring: closed({
      ids: Type.String({ maxLength: 200 * 30, description: 'User ids, separated by commas; 200 at most.' })
    }),
    response: { 200: closed({ presence: Type.Array(Presence) }) }
  }
})
