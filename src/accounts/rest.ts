import type { FastifyPluginAsync } from 'fastify'
import { prefixedId } from '../../protocol/ids.ts'
import * as contracts from '../../protocol/routes/auth.ts'
import { register } from '../faces/http/route.ts'
import type { Services } from '../services.ts'
import { presentSignIn } from './sign-in.ts'
import type { Authenticator } from './tokens/authenticator.ts'

interface Options {
  services: Pick<Services, 'auth' | 'sessions' | 'users'>
  authenticator: Authenticator
}

/** REST face of accounts and sessions. */
export const authRoutes: FastifyPluginAsync<Options> = async (app, { services, authenticator }) => {
  const { auth, sessions, users } = services
  const present = (signIn: Parameters<typeof presentSignIn>[1]) => presentSignIn(authenticator, signIn)
  register(app, contracts.Register, async ({ body, ip }) => present(await auth.register(body, ip)))
  register(app, contracts.Login, async ({ body, ip }) => present(await auth.login(body, ip)))
  register(app, contracts.Refresh, async ({ body, ip }) => present(await auth.refresh(body.refreshToken, ip)))
  register(app, contracts.Logout, async ({ actor }) => {
    await auth.logout(actor)
  })
  register(app, contracts.GetAuthMe, async ({ actor }) => ({
    user: await users.me(actor),
    ...(actor.sessionId === undefined ? {} : { sessionId: prefixedId('ses', actor.sessionId) })
  }))
  register(app, contracts.CreateTicket, async ({ actor }) => await sessions.createTicket(actor))
  register(app, contracts.ListSessions, async ({ actor }) => ({ sessions: await sessions.list(actor) }))
  register(app, contracts.RevokeSession, async ({ actor, params }) => {
    await sessions.revoke(actor, params.sessionId)
  })
  register(app, contracts.RevokeOtherSessions, async ({ actor }) => {
    await sessions.revokeOthers(actor)
  })
}
