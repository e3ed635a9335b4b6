import { type Static, Type } from '@sinclair/typebox'
import { SignedIn } from '../entities/session.ts'
import { Device, DisplayName, Username } from '../entities/user.ts'
import { closed, oneOf } from '../schema.ts'
import { Email, Password, Phone } from './auth.ts'
import { route } from './route.ts'

const tags = ['auth']
/** Six digits. */
const Code = Type.String({ pattern: '^[0-9]{6}$', maxLength: 6, examples: ['012345'] })
const target = { phone: Type.Optional(Phone), email: Type.Optional(Email) }

export const RequestCode = route({
  method: 'POST',
  url: '/auth/otp',
  isPublic: true,
  schema: {
    summary: 'Send a one-time code to exactly one of phone and email; the answer is the same for who is not known',
    tags,
    body: closed({ purpose: oneOf('register', 'login', 'reset'), ...target }),
    response: {
      202: closed({
        expiresInMs: Type.Integer(),
        devCode: Type.Optional(
          Type.String({ description: 'The code itself: only outside production, where OTP_DELIVERY is log.' })
        )
      })
    }
  }
})
export type CodeRequest = Static<typeof RequestCode.schema.body>
export type CodeSent = Static<(typeof RequestCode.schema.response)[202]>

export const VerifyCode = route({
  method: 'POST',
  url: '/auth/otp/verify',
  isPublic: true,
  schema: {
    summary: 'Sign in by a code; with the purpose register who is not known gets an account',
    tags,
    body: closed({
      purpose: oneOf('register', 'login'),
      ...target,
      code: Code,
      username: Type.Optional(Username),
      displayName: Type.Optional(DisplayName),
      password: Type.Optional(Password),
      device: Type.Optional(Device)
    }),
    response: { 200: SignedIn }
  }
})
type Verification = Static<typeof VerifyCode.schema.body>
export type CodeLogin = Pick<Verification, 'phone' | 'email' | 'code' | 'device'>
export type CodeRegistration = Omit<Verification, 'purpose'>

export const ChangePassword = route({
  method: 'POST',
  url: '/auth/password',
  schema: {
    summary: 'Set another password, or a first one; every other session ends',
    tags,
    body: closed({
      currentPassword: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
      newPassword: Password
    }),
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
    body: closed({ ...target, code: Code, newPassword: Password }),
    response: { 204: Type.Null() }
  }
})
export type PasswordReset = Static<typeof ResetPassword.schema.body>

export const LogoutEverywhere = route({
  method: 'POST',
  url: '/auth/logout-everywhere',
  schema: { summary: 'End every session, this one too', tags, response: { 204: Type.Null() } }
})
