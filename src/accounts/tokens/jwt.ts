import type { JWTPayload } from 'jose'
import type { VerifyByKeySet } from './key-set.ts'
import type { Signer } from './signers.ts'
import { expiredToken, hasCode, invalidToken } from './token-errors.ts'

/** The claims of a token, its signature and its times proved. `exp`: seconds since 1970. */
export interface Claims extends Readonly<Record<string, unknown>> {
  readonly exp: number
}

/** A token's claims and who signed them. */
export interface VerifiedToken {
  readonly claims: Claims
  /** `own`: with one of the secrets and the id of that secret, as our own tokens are. */
  readonly signedBy: 'own' | 'secret' | 'key set'
}

/** Address of an external issuer's keys, and the claims its tokens must have. */
export interface Issuer {
  readonly jwksUrl: string | undefined
  readonly issuer: string | undefined
  readonly audience: string | undefined
}

interface Header {
  readonly alg: string
  readonly kid: string | undefined
}

const SYMMETRIC = 'HS256'
const MAX_TOKEN_LENGTH = 8192
const MAX_SKEW_MS = 60_000

/** Signs and verifies tokens. Whatever is wrong with one is `unauthenticated`, or `token_expired` when only its time is over. */
export class Tokens {
  readonly #secrets: readonly string[]
  readonly #issuer: Issuer
  #signers: Promise<readonly Signer[]> | undefined
  #keySet: Promise<VerifyByKeySet> | undefined

  /** The first secret signs, all of them verify. */
  constructor(secrets: readonly string[], issuer: Issuer) {
    this.#secrets = secrets
    this.#issuer = issuer
  }

  async sign(claims: Claims): Promise<string> {
    const [signer] = await this.#loadSigners()
    if (!signer) throw new Error('A secret is needed')
    return signer.sign(claims)
  }

  async verify(token: string): Promise<VerifiedToken> {
    const header = readHeader(token)
    if (header.alg === SYMMETRIC) return this.#verifySecret(await this.#loadSigners(), token, header.kid)
    const { jwksUrl } = this.#issuer
    if (jwksUrl === undefined) throw invalidToken()
    // Loaded with the first token of an external issuer: most servers have none.
    this.#keySet ??= import('./key-set.ts').then(({ createKeySet }) => createKeySet(jwksUrl, this.#issuer))
    return { claims: requireTimes(await (await this.#keySet)(token)), signedBy: 'key set' }
  }

  /** Loads the library with the first token. */
  async #loadSigners(): Promise<readonly Signer[]> {
    this.#signers ??= import('./signers.ts').then(({ createSigners }) => createSigners(this.#secrets))
    return await this.#signers
  }

  /** No token is tried on a secret that it did not ask for. */
  #verifySecret(signers: readonly Signer[], token: string, kid: string | undefined): VerifiedToken {
    const named = signers.find(({ id }) => id === kid)
    for (const signer of named ? [named] : signers) {
      const claims = verifyWith(signer, token)
      if (claims) return { claims: requireTimes(claims), signedBy: signer === named ? 'own' : 'secret' }
    }
    throw invalidToken()
  }
}

/** Whether `iss` and `aud` are those that are configured. */
export function isFromIssuer({ iss, aud }: JWTPayload, { issuer, audience }: Issuer): boolean {
  const audiences = Array.isArray(aud) ? aud : [aud]
  return (issuer === undefined || iss === issuer) && (audience === undefined || audiences.includes(audience))
}

function readHeader(token: string): Header {
  if (token.length > MAX_TOKEN_LENGTH) throw invalidToken()
  let header: unknown
  try {
    header = JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString())
  } catch (error) {
    throw invalidToken(error)
  }
  if (typeof header !== 'object' || header === null || 'crit' in header) throw invalidToken()
  const { alg, kid } = header as Record<string, unknown>
  if (typeof alg !== 'string') throw invalidToken()
  return { alg, kid: typeof kid === 'string' ? kid : undefined }
}

/** The claims of a token; `undefined` when another secret has signed it. */
function verifyWith(verifier: Signer, token: string): object | undefined {
  try {
    return verifier.verify(token)
  } catch (error) {
    if (hasCode(error, 'FAST_JWT_INVALID_SIGNATURE')) return undefined
    throw hasCode(error, 'FAST_JWT_EXPIRED') ? expiredToken(error) : invalidToken(error)
  }
}

function requireTimes(payload: object): Claims {
  const { exp, iat } = payload as { exp?: unknown; iat?: unknown }
  const isIssued = iat === undefined || (typeof iat === 'number' && iat * 1000 <= Date.now() + MAX_SKEW_MS)
  if (!isIssued || typeof exp !== 'number' || !Number.isFinite(exp)) throw invalidToken()
  return payload as Claims
}
