import { type Static, Type } from '@sinclair/typebox'
import { SessionId } from '../ids.ts'
import { route } from '../route.ts'
import { closed, oneOf, Timestamp, withExamples } from '../schema.ts'
import { Device, DisplayName, Me, Username } from '../users/entities.ts'
import { REFRESH_TOKEN, Session, SignedIn } from './entities.ts'

const tags = ['auth']

export const Password = Type.String({ minLength: 8, maxLength: 256, examples: ['a long walk home'] })

export const Phone = Type.String({
  minLength: 3,
  maxLength: 32,
  description: 'Any spelling of the number; kept as E.164.',
  examples: ['+49 30 901820']
})

export const Email = Type.String({
  minLength: 3,
  maxLength: 254,
  pattern: '^\\s*[^\\s@]+@[^\\s@]+\\s*$',
  examples: ['ada@example.org']
})

/** Identifiers of a new account and a password. A phone number and an email are kept as what has yet to be proved. */
export const Register = route({
  method: 'POST',
  url: '/auth/register',
  isPublic: true,
  schema: {
    summary: 'Make an account with a username and sign in; a phone number or an email alone needs a code',
    tags,
    body: withExamples(
      closed({
        username: Type.Optional(Username),
        phone: Type.Optional(Phone),
        email: Type.Optional(Email),
        password: Password,
        displayName: Type.Optional(DisplayName),
        device: Type.Optional(Device)
      }),
      { username: 'ada', displayName: 'Ada', password: 'a long walk home' }
    ),
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
    body: withExamples(
      closed({
        username: Type.Optional(Type.String({ minLength: 1, maxLength: 32 })),
        phone: Type.Optional(Phone),
        email: Type.Optional(Email),
        password: Type.String({ minLength: 1, maxLength: 256 }),
        device: Type.Optional(Device)
      }),
      { username: 'ada', password: 'a long walk home' }
    ),
    response: { 200: SignedIn }
  }
})

export type Credentials = Static<typeof Login.schema.body>

export const Refresh = route({
  method: 'POST',
  url: '/auth/refresh',
  isPublic: true,
  isProvedByBody: true,
  schema: {
    summary: 'Trade a refresh token for the next one; a reused one ends the session',
    tags,
    body: closed({ refreshToken: Type.String({ minLength: 1, maxLength: 256, examples: [REFRESH_TOKEN] }) }),
    response: { 200: SignedIn }
  }
})

export const Logout = route({
  method: 'POST',
  url: '/auth/logout',
  schema: {
    summary: 'End this session; a token of an existing user system has none, and is `forbidden`',
    tags,
    response: { 204: Type.Null() }
  }
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
    summary: 'A ticket that opens one connection within thirty seconds, for clients that cannot set headers',
    tags,
    response: {
      201: closed({
        ticket: Type.String({ examples: ['q8Zr2LwX0vNfKd7TtYp4sJhGcB1mEu6AiO9kR3yQxWc'] }),
        expiresAt: Timestamp
      })
    }
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

/** Six digits; blanks around them do not count. */
export const Code = Type.String({ pattern: '^\\s*[0-9]{6}\\s*$', maxLength: 16, examples: ['012345'] })

const target = { phone: Type.Optional(Phone), email: Type.Optional(Email) }

/** Id of a request for a code. */
export const CodeRequestId = Type.String({
  minLength: 1,
  maxLength: 64,
  examples: ['Zk0p5oq3mV9b8Xw2cR7tYh1s'],
  description: 'Of the request that the code was sent for. It has tries of its own, which nobody else can use up.'
})

const claim = { ...target, code: Code, requestId: Type.Optional(CodeRequestId) }

export const CodeSent = closed({
  requestId: CodeRequestId,
  expiresInMs: Type.Integer({ examples: [600_000] }),
  devCode: Type.Optional(
    Type.String({ description: 'The code itself: only where OTP_DELIVERY is log, for who asks from the same machine.' })
  )
})
export type CodeSent = Static<typeof CodeSent>

export const RequestCode = route({
  method: 'POST',
  url: '/auth/otp',
  isPublic: true,
  schema: {
    summary: 'Send a one-time code to exactly one of phone and email; the answer is the same for who is not known',
    tags,
    body: withExamples(closed({ purpose: oneOf('register', 'login', 'reset'), ...target }), {
      purpose: 'login',
      phone: '+49 30 901820'
    }),
    response: { 202: CodeSent }
  }
})

export type CodeRequest = Static<typeof RequestCode.schema.body>

export const VerifyCode = route({
  method: 'POST',
  url: '/auth/otp/verify',
  isPublic: true,
  schema: {
    summary: 'Sign in by a code; with the purpose register who is not known gets an account',
    tags,
    body: withExamples(
      closed({
        purpose: oneOf('register', 'login'),
        ...claim,
        username: Type.Optional(Username),
        displayName: Type.Optional(DisplayName),
        password: Type.Optional(Password),
        device: Type.Optional(Device)
      }),
      { purpose: 'login', phone: '+49 30 901820', code: '012345' }
    ),
    response: { 200: SignedIn }
  }
})

type Verification = Static<typeof VerifyCode.schema.body>

export type CodeLogin = Pick<Verification, 'phone' | 'email' | 'code' | 'requestId' | 'device'>

export type CodeRegistration = Omit<Verification, 'purpose'>

export const NoteAddress = route({
  method: 'POST',
  url: '/users/me/addresses',
  schema: {
    summary: 'Say that exactly one of phone and email is yours; a code to prove it is sent there',
    tags,
    body: withExamples(closed(target), { phone: '+49 30 901820' }),
    response: { 202: CodeSent }
  }
})

export const ProveAddress = route({
  method: 'POST',
  url: '/users/me/addresses/verify',
  schema: {
    summary: 'Prove by the code that a phone number or an email is yours; from then on it signs you in and finds you',
    tags,
    body: withExamples(closed(claim), { phone: '+49 30 901820', code: '012345' }),
    response: { 200: Me }
  }
})

export type AddressProof = Static<typeof ProveAddress.schema.body>

export const ChangePassword = route({
  method: 'POST',
  url: '/auth/password',
  schema: {
    summary: 'Set another password, or a first one; every other session ends',
    tags,
    body: withExamples(
      closed({
        currentPassword: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
        newPassword: Password
      }),
      { currentPassword: 'a long walk home', newPassword: 'a longer walk home' }
    ),
    response: { 204: Type.Null() }
  }
})

export type PasswordChange = Static<typeof ChangePassword.schema.body>

export const ResetPassword = route({
  method: 'POST',
  url: '/auth/password/reset',
  isPublic: true,
  schema: {
    summary: 'Set another password by a code of the purpose reset; every session ends',
    tags,
    body: withExamples(closed({ ...claim, newPassword: Password }), {
      phone: '+49 30 901820',
      code: '012345',
      newPassword: 'a longer walk home'
    }),
    response: { 204: Type.Null() }
  }
})

export type PasswordReset = Static<typeof ResetPassword.schema.body>

export const LogoutEverywhere = route({
  method: 'POST',
  url: '/auth/logout-everywhere',
  schema: {
    summary: 'End every session, this one too; not what a token of an existing user system allows',
    tags,
    response: { 204: Type.Null() }
  }
})
