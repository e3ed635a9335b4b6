import type { FastifyPluginAsync } from 'fastify'
import * as contracts from '../../../protocol/routes/otp.ts'
import { register } from '../../faces/http/route.ts'
import type { Services } from '../../services.ts'
import { presentSignIn } from '../sign-in.ts'
import type { Authenticator } from '../tokens/authenticator.ts'

interface Options {
  services: Pick<Services, 'auth' | 'otp' | 'sessions'>
  authenticator: Authenticator
}

/** REST face of one-time codes and passwords. */
export const otpRoutes: FastifyPluginAsync<Options> = async (app, { services, authenticator }) => {
  const { auth, otp, sessions } = services
  register(app, contracts.RequestCode, async ({ body, ip }) => await otp.request(body, ip))
  register(app, contracts.VerifyCode, async ({ body: { purpose, ...input }, ip }) =>
    presentSignIn(authenticator, purpose === 'register' ? await otp.register(input, ip) : await otp.login(input, ip))
  )
  register(app, contracts.ChangePassword, async ({ actor, body }) => {
    await auth.changePassword(actor, body)
  })
  register(app, contracts.ResetPassword, async ({ body, ip }) => {
    await auth.resetPassword(body, ip)
  })
  register(app, contracts.LogoutEverywhere, async ({ actor }) => {
    await sessions.revokeAll(actor)
  })
}
