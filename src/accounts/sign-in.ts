import type { SignedIn } from '../../protocol/accounts/entities.ts'
import { prefixedId } from '../../protocol/ids.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { SignIn } from './passwords/password-sign-in.ts'
import type { Authenticator } from './tokens/authenticator.ts'

/** Reply to a sign-in: the new session with its access token. */
export async function presentSignIn(
  authenticator: Authenticator,
  { user, sessionId, userId, refreshToken, generation, endsAt }: SignIn
): Promise<SignedIn> {
  return {
    user,
    sessionId: prefixedId('ses', sessionId),
    accessToken: await authenticator.sign({ userId, sessionId, generation, ...omitUndefined({ endsAt }) }),
    refreshToken,
    expiresInMs: Math.min(authenticator.expiresInMs, endsAt === undefined ? Infinity : endsAt - Date.now())
  }
}
