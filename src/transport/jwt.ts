import { hkdfSync } from 'node:crypto'
import jwt, { type JWT } from '@fastify/jwt'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { JWTPayload } from 'jose'
import type { VerifyByKeySet } from './key-set.ts'
import { expiredToken, hasCode, invalidToken } from './token-errors.ts'

/** What a token says, its signature and its times proved. `exp`: seconds since 1970. */
export interface Claims extends Readonly<Record<string, unknown>> {
  readonly exp: number
}

/** A token's claims and who signed them. */
export interface VerifiedToken {
  readonly claims: Claims
  /** `own`: with one of the secrets and the id of that secret, as our own tokens are. */
  readonly signedBy: 'own' | 'secret' | 'key set'
}

/** Where the keys of an external issuer are, and what its tokens must say. */
export interface Issuer {
  readonly jwksUrl: string | undefined
  readonly issuer: string | undefined
  readonly audience: string | undefined
}

interface Header {
  readonly alg: string
  readonly kid: string | undefined
}

interface Key {
  readonly id: string
  readonly namespace: string
}

const SYMMETRIC = 'HS256'
const MAX_TOKEN_LENGTH = 8192
const MAX_SKEW_MS = 60_000

/** Signs and verifies tokens. Whatever is wrong with one is `unauthenticated`, or `token_expired` when only its time is over. */
export class Tokens {
  readonly #app: FastifyInstance
  readonly #keys: readonly Key[]
  #verifyByKeySet: VerifyByKeySet | undefined

  /** The first secret signs, all of them verify. The app must be ready before either. */
  constructor(app: FastifyInstance, secrets: readonly string[], issuer: Issuer) {
    this.#app = app
    this.#keys = secrets.map((secret, index) => registerKey(app, secret, `key${index}`))
    const { jwksUrl } = issuer
    if (jwksUrl !== undefined) app.register(this.#keySetPlugin(jwksUrl, issuer))
  }

  sign(claims: Claims): string {
    const [key] = this.#keys
    if (!key) throw new Error('A secret is needed')
    return this.#signer(key).sign(claims)
  }

  async verify(token: string): Promise<VerifiedToken> {
    const header = readHeader(token)
    if (header.alg === SYMMETRIC) return this.#verifySecret(token, header.kid)
    if (this.#verifyByKeySet === undefined) throw invalidToken()
    return { claims: requireTimes(await this.#verifyByKeySet(token)), signedBy: 'key set' }
  }

  /** Loads what only servers with an external issuer need, before the app is ready. */
  #keySetPlugin(jwksUrl: string, issuer: Issuer): FastifyPluginAsync {
    return async () => {
      const { createKeySet } = await import('./key-set.ts')
      this.#verifyByKeySet = createKeySet(jwksUrl, issuer)
    }
  }

  #verifySecret(token: string, kid: string | undefined): VerifiedToken {
    const named = this.#keys.find(({ id }) => id === kid)
    for (const key of named ? [named] : this.#keys) {
      const claims = verifyWith(this.#signer(key), token)
      if (claims) return { claims: requireTimes(claims), signedBy: key === named ? 'own' : 'secret' }
    }
    throw invalidToken()
  }

  #signer({ namespace }: Key): JWT {
    const signer = (this.#app.jwt as unknown as Record<string, JWT>)[namespace]
    if (!signer) throw new Error('The app is not ready')
    return signer
  }
}

/** Whether `iss` and `aud` are those that are configured. */
export function isFromIssuer({ iss, aud }: JWTPayload, { issuer, audience }: Issuer): boolean {
  const audiences = Array.isArray(aud) ? aud : [aud]
  return (issuer === undefined || iss === issuer) && (audience === undefined || audiences.includes(audience))
}

/** A namespace for each secret: verifying stays synchronous, and no token is tried on a key it did not ask for. */
function registerKey(app: FastifyInstance, secret: string, namespace: string): Key {
  const id = Buffer.from(hkdfSync('sha256', secret, '', 'parley key id', 6)).toString('base64url')
  app.register(jwt, {
    secret,
    namespace,
    sign: { algorithm: SYMMETRIC, kid: id },
    verify: { algorithms: [SYMMETRIC], cache: false, requiredClaims: ['exp'] }
  })
  return { id, namespace }
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

/** What the token says; `undefined` when another secret has signed it. */
function verifyWith(verifier: JWT, token: string): object | undefined {
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
