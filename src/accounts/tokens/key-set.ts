import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { expiredToken, hasCode, invalidToken } from './token-errors.ts'

/** Signatures of external issuers; none of them takes a shared secret. */
const ASYMMETRIC = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
]

/** Claims of a token whose signature one of an issuer's published keys proves. @throws {AppError} also `busy`, when the keys cannot be fetched */
export type VerifyByKeySet = (token: string) => Promise<JWTPayload>

/** Fetches the keys when the first token comes. @param expected what the tokens must say */
export function createKeySet(
  jwksUrl: string,
  expected: { readonly issuer: string | undefined; readonly audience: string | undefined }
): VerifyByKeySet {
  const jwks = createRemoteJWKSet(new URL(jwksUrl))
  const { issuer, audience } = expected
  const options = {
    algorithms: ASYMMETRIC,
    requiredClaims: ['exp'],
    ...omitUndefined({ issuer, audience })
  }
  return async token => {
    try {
      return (await jwtVerify(token, jwks, options)).payload
    } catch (error) {
      throw keySetError(error)
    }
  }
}

/** A key set that cannot be fetched says nothing about the token. */
function keySetError(error: unknown): AppError {
  if (error instanceof errors.JWTExpired) return expiredToken(error)
  const isUnreachable = error instanceof errors.JWKSTimeout || hasCode(error, 'ERR_JOSE_GENERIC')
  if (error instanceof errors.JOSEError && !isUnreachable) return invalidToken(error)
  return new AppError('busy', 'The keys of the token’s issuer cannot be fetched', { cause: error, retryAfterMs: 5000 })
}
