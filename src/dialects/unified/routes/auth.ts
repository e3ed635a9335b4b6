import { Type } from '@sinclair/typebox'
import { Code, CodeRequestId, Email, Password, Phone } from '../../../../protocol/accounts/routes.ts'
import { Device, DisplayName, Username } from '../../../../protocol/users/entities.ts'
import { presentSignIn } from '../../../accounts/index.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import { type DialectDeps, type DialectRoute, dialectRoute } from '../../kit/dialect.ts'
import type { Services } from '../../kit/services.ts'
import * as answers from '../answers.ts'
import { answer } from '../present/answers.ts'
import { presentMe } from '../present/people.ts'

const target = { phone: Type.Optional(Phone), email: Type.Optional(Email) }
const claim = { ...target, otp: Code, requestId: Type.Optional(CodeRequestId) }
const device = Type.Optional(Type.Object(Device.properties))
const name = Type.Optional(DisplayName)
type SignIn = Parameters<typeof presentSignIn>[1]
type Target = { phone?: string; email?: string }
type Asker = Parameters<Services['otp']['request']>[1]

/** Document 1, "Authentication System". */
export function authRoutes(deps: DialectDeps): DialectRoute[] {
  return [...codeRoutes(deps.services), ...verifyRoutes(deps), ...passwordRoutes(deps)]
}

async function presentSignedIn({ authenticator }: DialectDeps, signIn: SignIn, message: string) {
  const { accessToken, refreshToken, expiresInMs, user } = await presentSignIn(authenticator, signIn)
  return answer({ token: accessToken, refreshToken, expiresInMs, user: presentMe(user) }, message)
}

function codeRoutes({ otp }: Services): DialectRoute[] {
  const send = async (purpose: 'register' | 'login', { phone, email }: Target, { ip, isLocal }: Asker) =>
    answer(await otp.request({ purpose, ...omitUndefined({ phone, email }) }, { ip, isLocal }), 'Code sent')
  return [
    dialectRoute(
      'POST /auth/send-otp',
      { summary: 'Send a code to register with', answer: answers.SentCode, body: Type.Object(target), isPublic: true },
      async call => await send('register', call.body, call)
    ),
    dialectRoute(
      'POST /auth/send-otp-login',
      {
        summary: 'Send a code to sign in with; the same answer for who is not known',
        answer: answers.SentCode,
        body: Type.Object(target),
        isPublic: true
      },
      async call => await send('login', call.body, call)
    )
  ]
}

function verifyRoutes(deps: DialectDeps): DialectRoute[] {
  const { otp } = deps.services
  return [
    dialectRoute(
      'POST /auth/verify-otp-register',
      {
        summary: 'Make an account by a code, or sign in where there is one',
        answer: answers.SignedIn,
        isPublic: true,
        body: Type.Object({
          ...claim,
          name,
          displayName: name,
          device,
          username: Type.Optional(Username),
          password: Type.Optional(Password)
        })
      },
      async ({ body: { phone, email, otp: code, requestId, password, username, ...body }, ip }) => {
        const displayName = body.name ?? body.displayName
        const input = {
          code,
          ...omitUndefined({ phone, email, requestId, password, username, displayName, device: deviceOf(body.device) })
        }
        return await presentSignedIn(deps, await otp.register(input, ip), 'Registered')
      }
    ),
    dialectRoute(
      'POST /auth/verify-otp-login',
      {
        summary: 'Sign in by a code',
        answer: answers.SignedIn,
        isPublic: true,
        body: Type.Object({ ...claim, device })
      },
      async ({ body: { phone, email, otp: code, requestId, device }, ip }) => {
        const input = { code, ...omitUndefined({ phone, email, requestId, device: deviceOf(device) }) }
        return await presentSignedIn(deps, await otp.login(input, ip), 'Signed in')
      }
    )
  ]
}

function passwordRoutes(deps: DialectDeps): DialectRoute[] {
  const { auth, users } = deps.services
  const body = Type.Object({
    ...target,
    username: Type.Optional(Type.String({ minLength: 1, maxLength: 32 })),
    password: Type.String({ minLength: 1, maxLength: 256 }),
    device
  })
  return [
    dialectRoute(
      'POST /auth/login',
      {
        summary: 'Sign in with a password and one of phone, email and username',
        answer: answers.SignedIn,
        isPublic: true,
        body
      },
      async ({ body: { phone, email, username, password, device }, ip }) => {
        const input = { password, ...omitUndefined({ phone, email, username, device: deviceOf(device) }) }
        return await presentSignedIn(deps, await auth.login(input, ip), 'Signed in')
      }
    ),
    dialectRoute(
      'GET /auth/me',
      { summary: 'Who the token belongs to', answer: answers.TokenOwner },
      async ({ actor }) => answer(presentMe(await users.me(actor)))
    )
  ]
}

function deviceOf(device: { id: string; platform?: string; name?: string } | undefined) {
  if (device === undefined) return undefined
  const { id, platform, name } = device
  return { id, ...omitUndefined({ platform, name }) }
}
