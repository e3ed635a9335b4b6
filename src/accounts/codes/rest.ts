import * as contracts from '../../../protocol/accounts/routes.ts'
import { type BoundRoute, route } from '../../contract/route.ts'
import type { PasswordSignIn } from '../passwords/password-sign-in.ts'
import type { SessionService } from '../sessions/sessions.ts'
import { presentSignIn } from '../sign-in.ts'
import type { Authenticator } from '../tokens/authenticator.ts'
import type { OtpService } from './otp.ts'

interface CodeRouteDeps {
  readonly auth: PasswordSignIn
  readonly otp: OtpService
  readonly sessions: SessionService
  readonly authenticator: Authenticator
}

/** Routes of one-time codes, and of passwords that are changed. */
export function codeRoutes({ auth, otp, sessions, authenticator }: CodeRouteDeps): BoundRoute[] {
  return [
    route(contracts.RequestCode, async ({ body, ip, isLocal }) => await otp.request(body, { ip, isLocal })),
    route(
      contracts.VerifyCode,
      async ({ body: { purpose, ...input }, ip }) =>
        await presentSignIn(
          authenticator,
          purpose === 'register' ? await otp.register(input, ip) : await otp.login(input, ip)
        )
    ),
    route(contracts.ChangePassword, async ({ actor, body }) => {
      await auth.changePassword(actor, body)
    }),
    route(contracts.ResetPassword, async ({ body, ip }) => {
      await auth.resetPassword(body, ip)
    }),
    route(contracts.LogoutEverywhere, async ({ actor }) => {
      await sessions.revokeAll(actor)
    })
  ]
}
