import { Value } from '@sinclair/typebox/value'
import { Email } from '../../../protocol/accounts/routes.ts'
import type { Actor } from '../../actor.ts'
import type { Config } from '../../config/config.ts'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { ExternalProfile, UserService } from '../../users/index.ts'
import type { OpenSession, SessionService } from '../sessions/sessions.ts'
import { type Claims, type Issuer, isFromIssuer, type LoadSigners, Tokens } from './jwt.ts'
import { sha256Of } from './secrets.ts'

/** Turns tokens into actors, for REST and socket alike, and sessions into tokens. */
export interface Authenticator {
  /** Life of the access tokens, ms. */
  readonly expiresInMs: number
  /** @throws {AppError} `unauthenticated`, `token_expired`, `session_revoked`, `account_disabled` */
  authenticate(token: string): Promise<Actor>
  /** An access token for a session. */
  sign(session: Pick<OpenSession, 'userId' | 'sessionId' | 'generation' | 'endsAt'>): Promise<string>
}

interface AuthenticatorDeps {
  readonly loadSigners: LoadSigners
  readonly config: Pick<Config, 'JWT_EXPIRES_IN' | 'AUTH_JWKS_URL' | 'AUTH_ISSUER' | 'AUTH_AUDIENCE' | 'AUTH_SUBJECTS'>
  readonly sessions: Pick<SessionService, 'requireLiveSession'>
  readonly users: Pick<UserService, 'requireExternal'>
}

const HEX_ID = /^[0-9a-f]{24}$/
/** Claims that may name the person in tokens of an existing user system; the first one found counts. */
const PERSON_CLAIMS = ['sub', 'userId', '_id', 'id', 'uid']
const MAX_SUBJECT_LENGTH = 256
/** Claims that say what kind of token one is (Keycloak, Cognito, OAuth's introspection, common libraries), and the kinds that open an API. */
const KIND_CLAIMS = ['typ', 'token_use', 'token_type', 'tokenType', 'token_kind', 'purpose']
const ACCESS_KINDS = new Set([
  'access',
  'access_token',
  'access-token',
  'accesstoken',
  'at+jwt',
  'bearer',
  'jwt',
  'auth'
])
/** `type` may also be a kind of person: only what cannot be one is refused. */
const OTHER_TYPES = /refresh|reset|confirm|verif|activat|invit|magic|otp|^id([-_ ]?token)?$|^email/i
/** Claims of ID tokens alone (OpenID Connect Core 1.0, 2 and 3.1.3.6). */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash']

export function createAuthenticator({ loadSigners, config, sessions, users }: AuthenticatorDeps): Authenticator {
  const { AUTH_JWKS_URL: jwksUrl, AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience, JWT_EXPIRES_IN: expiresInMs } = config
  const expected: Issuer = { jwksUrl, issuer, audience }
  const tokens = new Tokens(loadSigners, expected)
  return {
    expiresInMs,
    async sign({ userId, sessionId, generation, endsAt = Infinity }) {
      const iat = Math.floor(Date.now() / 1000)
      const exp = Math.min(iat + Math.max(1, Math.floor(expiresInMs / 1000)), Math.floor(endsAt / 1000))
      return await tokens.sign({ sub: userId, sid: sessionId, gen: generation, typ: 'access', iat, exp })
    },
    async authenticate(token) {
      const { claims, signedBy } = await tokens.verify(token)
      const expiresAt = claims.exp * 1000
      if (signedBy !== 'key set' && 'sid' in claims) {
        const { generation, ...session } = requireSession(claims, signedBy)
        await sessions.requireLiveSession(session, generation)
        return { ...session, expiresAt }
      }
      const subject = requirePerson(claims, expected)
      const isConfigured = signedBy === 'key set' || issuer !== undefined
      const mayBeOwn = signedBy !== 'key set' || config.AUTH_SUBJECTS === 'own'
      const person = { subject, mayBeOwn, ...profileOf(claims, isConfigured) }
      const tokenId = sha256Of(typeof claims['jti'] === 'string' ? claims['jti'] : token)
      return { userId: await users.requireExternal(person), tokenId, expiresAt }
    }
  }
}

/** Require a token of our own. Those of older versions do not say of which generation they are: of one that came in. */
function requireSession({ sub, sid, gen = 0, typ }: Claims, signedBy: 'own' | 'secret') {
  if (signedBy !== 'own' || typ !== 'access' || !isHexId(sub) || !isHexId(sid) || typeof gen !== 'number')
    throw new AppError('unauthenticated', 'The token is not valid')
  return { userId: sub, sessionId: sid, generation: gen }
}

/** Require an access token of the issuer; a token that names no kind is one. @returns the subject */
function requirePerson(claims: Claims, issuer: Issuer): string {
  const claim = PERSON_CLAIMS.find(name => claims[name] !== undefined)
  const person = claim === undefined ? undefined : claims[claim]
  const text = typeof person === 'number' ? String(person) : person
  if (isOfAnotherKind(claims) || !isFromIssuer(claims, issuer) || !isSubject(text)) {
    throw new AppError('unauthenticated', 'The token is not valid')
  }
  return text
}

/** Whether a token says that it is something else than an access token. */
function isOfAnotherKind(claims: Claims): boolean {
  const kinds = KIND_CLAIMS.map(name => claims[name]).filter(kind => kind !== undefined)
  const isAccess = kinds.every(kind => typeof kind === 'string' && ACCESS_KINDS.has(kind.toLowerCase()))
  const { type } = claims
  return (
    !isAccess || (typeof type === 'string' && OTHER_TYPES.test(type)) || ID_TOKEN_CLAIMS.some(name => name in claims)
  )
}

function isHexId(value: unknown): value is string {
  return typeof value === 'string' && HEX_ID.test(value)
}

function isSubject(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_SUBJECT_LENGTH
}

/** @param isConfigured whether the issuer is: only then is it believed whose an address is */
function profileOf(claims: Claims, isConfigured: boolean): ExternalProfile {
  const textOf = (name: string) => (typeof claims[name] === 'string' ? claims[name] : undefined)
  const provedOf = (name: string) => (isConfigured && claims[`${name}_verified`] === true ? textOf(name) : undefined)
  const email = provedOf('email')
  return omitUndefined({
    name: textOf('name'),
    phone: provedOf('phone_number'),
    email: email !== undefined && Value.Check(Email, email) ? email : undefined
  })
}
