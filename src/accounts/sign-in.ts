import type { SignedIn } from '../../protocol/accounts/entities.ts'
import { prefixedId } from '../../protocol/ids.ts'
import type { SignIn } from './passwords/password-sign-in.ts'
import type { Authenticator } from './tokens/authenticator.ts'

/** Reply to a sign-in: the new session with its access token. */
export async function presentSignIn(
  authenticator: Authenticator,
  { user, sessionId, userId, refreshToken }: SignIn
): Promise<SignedIn> {
  return {
    user,
    sessionId: prefixedId('ses', sessionId),
    accessToken: await authenticator.sign({ userId, sessionId }),
    refreshToken,
    expiresInMs: authenticator.expiresInMs
  }
}
