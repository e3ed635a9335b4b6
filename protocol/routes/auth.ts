import { type Static, Type } from '@sinclair/typebox'
import { Session, SignedIn } from '../entities/session.ts'
import { Device, DisplayName, Me, Username } from '../entities/user.ts'
import { SessionId } from '../ids.ts'
import { closed, Timestamp } from '../schema.ts'
import { route } from './route.ts'

const tags = ['auth']
export const Password = Type.String({ minLength: 8, maxLength: 256 })
export const Phone = Type.String({
  minLength: 3,
  maxLength: 32,
  description: 'Any spelling of the number; kept as E.164.'
})
export const Email = Type.String({ minLength: 3, maxLength: 254, pattern: '^[^\\s@]+@[^\\s@]+$' })

/** One or more ways to be found again, and a password. */
export const Register = route({
  method: 'POST',
  url: '/auth/register',
  isPublic: true,
  schema: {
    summary: 'Make an account and sign in; at least one of username, phone and email',
    tags,
    body: closed({
      username: Type.Optional(Username),
      phone: Type.Optional(Phone),
      email: Type.Optional(Email),
      password: Password,
      displayName: Type.Optional(DisplayName),
      device: Type.Optional(Device)
    }),
    response: { 201: SignedIn }
  }
})
export type Registration = Static<typeof Register.schema.body>

export const Login = route({
  method: 'POST',
  url: '/auth/login',
  isPublic: true,
  schema: {
    summary: 'Sign in with exactly one of username, phone and email',
    tags,
    body: closed({
      username: Type.Optional(Type.String({ minLength: 1, maxLength: 32 })),
      phone: Type.Optional(Phone),
      email: Type.Optional(Email),
      password: Type.String({ minLength: 1, maxLength: 256 }),
      device: Type.Optional(Device)
    }),
    response: { 200: SignedIn }
  }
})
export type Credentials = Static<typeof Login.schema.body>

export const Refresh = route({
  method: 'POST',
  url: '/auth/refresh',
  isPublic: true,
  schema: {
    summary: 'Trade a refresh token for the next one; a reused one ends the session',
    tags,
    body: closed({ refreshToken: Type.String({ minLength: 1, maxLength: 256 }) }),
    response: { 200: SignedIn }
  }
})

export const Logout = route({
  method: 'POST',
  url: '/auth/logout',
  schema: { summary: 'End this session', tags, response: { 204: Type.Null() } }
})

export const GetAuthMe = route({
  method: 'GET',
  url: '/auth/me',
  schema: {
    summary: 'Who the token belongs to',
    tags,
    response: { 200: closed({ user: Me, sessionId: Type.Optional(SessionId) }) }
  }
})

export const CreateTicket = route({
  method: 'POST',
  url: '/auth/tickets',
  schema: {
    summary: 'A ticket that opens one socket within thirty seconds, for clients that cannot set headers',
    tags,
    response: { 201: closed({ ticket: Type.String(), expiresAt: Timestamp }) }
  }
})

export const ListSessions = route({
  method: 'GET',
  url: '/sessions',
  schema: { summary: 'Where you are signed in', tags, response: { 200: closed({ sessions: Type.Array(Session) }) } }
})

export const RevokeSession = route({
  method: 'DELETE',
  url: '/sessions/:sessionId',
  schema: {
    summary: 'Sign one device out: its sockets close and its tokens are dead at once',
    tags,
    params: closed({ sessionId: SessionId }),
    response: { 204: Type.Null() }
  }
})

export const RevokeOtherSessions = route({
  method: 'DELETE',
  url: '/sessions',
  schema: { summary: 'Sign every other device out', tags, response: { 204: Type.Null() } }
})
