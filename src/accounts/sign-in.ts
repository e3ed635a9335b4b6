import type { SignedIn } from '../../protocol/entities/session.ts'
import { prefixedId } from '../../protocol/ids.ts'
import type { Services } from '../services.ts'
import type { Authenticator } from './tokens/authenticator.ts'

type SignIn = Awaited<ReturnType<Services['auth']['login']>>

/** Somebody who has just signed in, with their access token. */
export function presentSignIn(
  authenticator: Authenticator,
  { user, sessionId, userId, refreshToken }: SignIn
): SignedIn {
  return {
    user,
    sessionId: prefixedId('ses', sessionId),
    accessToken: authenticator.sign({ userId, sessionId }),
    refreshToken,
    expiresInMs: authenticator.expiresInMs
  }
}
