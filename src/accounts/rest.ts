import * as contracts from '../../protocol/accounts/routes.ts'
import { prefixedId } from '../../protocol/ids.ts'
import { type BoundRoute, route } from '../contract/route.ts'
import { AppError } from '../errors.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { UserService } from '../users/index.ts'
import type { PasswordSignIn } from './passwords/password-sign-in.ts'
import type { SessionService } from './sessions/sessions.ts'
import { presentSignIn } from './sign-in.ts'
import type { TicketService } from './tickets/tickets.ts'
import type { Authenticator } from './tokens/authenticator.ts'

interface AccountRouteDeps {
  readonly auth: PasswordSignIn
  readonly sessions: SessionService
  readonly tickets: TicketService
  readonly users: Pick<UserService, 'me'>
  readonly authenticator: Authenticator
}

/** Routes of signing in by password, and of sessions. */
export function signInRoutes({ auth, sessions, tickets, users, authenticator }: AccountRouteDeps): BoundRoute[] {
  const present = async (signIn: Parameters<typeof presentSignIn>[1]) => await presentSignIn(authenticator, signIn)
  return [
    route(contracts.Register, async ({ body, ip }) => await present(await auth.register(body, ip))),
    route(contracts.Login, async ({ body, ip }) => await present(await auth.login(body, ip))),
    route(contracts.Refresh, async ({ body, ip }) => await present(await auth.refresh(body.refreshToken, ip))),
    route(contracts.Logout, async ({ actor }) => {
      if (actor.sessionId === undefined)
        throw new AppError('forbidden', 'The token is of another system: sign out there')
      await auth.logout(actor)
    }),
    route(contracts.GetAuthMe, async ({ actor }) => ({
      user: await users.me(actor),
      ...omitUndefined({ sessionId: actor.sessionId === undefined ? undefined : prefixedId('ses', actor.sessionId) })
    })),
    route(contracts.CreateTicket, async ({ actor }) => await tickets.create(actor)),
    route(contracts.ListSessions, async ({ actor }) => ({ sessions: await sessions.list(actor) })),
    route(contracts.RevokeSession, async ({ actor, params }) => {
      await sessions.revoke(actor, params.sessionId)
    }),
    route(contracts.RevokeOtherSessions, async ({ actor }) => {
      await sessions.revokeOthers(actor)
    })
  ]
}
