import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import { bearerToken } from '../realtime/credential.ts'
import type { Actor, Services } from '../services/index.ts'
import { type Claims, type Issuer, isFromIssuer, Tokens } from './jwt.ts'
import type { RequestLimits } from './rest/rate-limits.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; `null` only on public and optional routes. */
    actor: Actor | null
  }
  interface FastifyContextConfig {
    /** Needs no token. */
    isPublic?: boolean
    /** Needs no token, but one that comes along says who asks, and must be valid. */
    isOptional?: boolean
    /** Public, and not counted: what operators ask for, and upgrades, whose connections have limits of their own. */
    isUnlimited?: boolean
  }
}

/** Turns tokens into actors, for REST and socket alike, and sessions into tokens. */
export interface Authenticator {
  /** Life of the access tokens, ms. */
  readonly expiresInMs: number
  /** @throws {AppError} `unauthenticated`, `token_expired`, `session_revoked`, `account_disabled` */
  authenticate(token: string): Promise<Actor>
  /** An access token for a session. Ids are 24 hexadecimal digits. */
  sign(session: { readonly userId: string; readonly sessionId: string }): string
}

interface AuthenticatorDeps {
  readonly config: Pick<Config, 'JWT_EXPIRES_IN' | 'AUTH_JWKS_URL' | 'AUTH_ISSUER' | 'AUTH_AUDIENCE'> & {
    readonly JWT_SECRET: readonly string[]
  }
  readonly services: Pick<Services, 'sessions' | 'users'>
}

const HEX_ID = /^[0-9a-f]{24}$/
/** Where tokens of an existing user system may name the person; the first one found counts. */
const PERSON_CLAIMS = ['sub', 'userId', '_id', 'id', 'uid']
const MAX_SUBJECT_LENGTH = 256

/** Registers what it needs on the app, which must be ready before a token is signed or verified. */
export function createAuthenticator(app: FastifyInstance, { config, services }: AuthenticatorDeps): Authenticator {
  const { AUTH_JWKS_URL: jwksUrl, AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience, JWT_EXPIRES_IN: expiresInMs } = config
  const expected: Issuer = { jwksUrl, issuer, audience }
  const tokens = new Tokens(app, config.JWT_SECRET, expected)
  return {
    expiresInMs,
    sign({ userId, sessionId }) {
      const iat = Math.floor(Date.now() / 1000)
      const exp = iat + Math.max(1, Math.floor(expiresInMs / 1000))
      return tokens.sign({ sub: userId, sid: sessionId, typ: 'access', iat, exp })
    },
    async authenticate(token) {
      const { claims, signedBy } = await tokens.verify(token)
      const expiresAt = claims.exp * 1000
      if (signedBy !== 'key set' && 'sid' in claims) {
        const session = requireSession(claims, signedBy)
        await services.sessions.requireLiveSession(session)
        return { ...session, expiresAt }
      }
      const person = requirePerson(claims, expected)
      return { userId: await services.users.requireExternal(person, nameOf(claims)), expiresAt }
    }
  }
}

/**
 * Default deny: every request needs a token, unless its route says `isPublic` or there is no such route, or says
 * `isOptional` and there is none. Requests are counted by person, and by address where there is none.
 */
export function authenticateRequests(app: FastifyInstance, authenticator: Authenticator, limits: RequestLimits): void {
  app.decorateRequest('actor', null)
  app.addHook('onRequest', async request => {
    const { isUnlimited, isPublic, isOptional } = request.routeOptions.config
    if (isUnlimited) return
    const isAnonymous = isOptional && request.headers.authorization === undefined
    if (request.is404 || isPublic || isAnonymous) return await limits.countAddress(request)
    try {
      request.actor = await authenticator.authenticate(requireBearer(request))
    } catch (error) {
      await limits.countAddress(request)
      throw error
    }
    await limits.countPerson(request)
  })
}

function requireBearer({ headers }: FastifyRequest): string {
  const token = bearerToken(headers.authorization)
  if (token === undefined) throw new AppError('unauthenticated', 'Authorization: Bearer <token> is required')
  return token
}

function requireSession({ sub, sid, typ }: Claims, signedBy: 'own' | 'secret'): { userId: string; sessionId: string } {
  if (signedBy !== 'own' || typ !== 'access' || !isHexId(sub) || !isHexId(sid))
    throw new AppError('unauthenticated', 'The token is not valid')
  return { userId: sub, sessionId: sid }
}

/** Refresh tokens of other systems are for their issuer. */
function requirePerson(claims: Claims, issuer: Issuer): string {
  const isRefresh = [claims['typ'], claims['type']].some(type => type === 'refresh' || type === 'Refresh')
  const claim = PERSON_CLAIMS.find(name => claims[name] !== undefined)
  const person = claim === undefined ? undefined : claims[claim]
  const text = typeof person === 'number' ? String(person) : person
  if (isRefresh || !isFromIssuer(claims, issuer) || !isSubject(text)) {
    throw new AppError('unauthenticated', 'The token is not valid')
  }
  return text
}

function isHexId(value: unknown): value is string {
  return typeof value === 'string' && HEX_ID.test(value)
}

function isSubject(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_SUBJECT_LENGTH
}

function nameOf(claims: Claims): string | undefined {
  const { name } = claims as { name?: unknown }
  return typeof name === 'string' ? name : undefined
}
