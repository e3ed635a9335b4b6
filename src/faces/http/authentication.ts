import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Actor } from '../../actor.ts'
import type { CountedBy } from '../../contract/route.ts'
import { isUnreached } from '../../database/availability.ts'
import { AppError } from '../../errors.ts'
import { bearerToken, wasOnceGood } from '../../realtime/credential.ts'
import type { RequestLimits } from './rate-limits.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Author of the request; `null` only on public and optional routes. */
    actor: Actor | null
    /** Person whose token came along, 24 hexadecimal digits, though they are refused; `null` where nobody is known. */
    asker: string | null
  }
  interface FastifyContextConfig {
    /** Needs no token. */
    isPublic?: boolean
    /** Needs no token, but one that comes along says who asks, and must be valid. */
    isOptional?: boolean
    /** Public, and counted by what its body proves. */
    isProvedByBody?: boolean
    /** Key in place of the network, where nobody is known by a token; asked once there is a body if that has the proof. */
    countedBy?: CountedBy
    /** Public, and not counted: what operators ask for, and upgrades, whose connections have limits of their own. */
    isUnlimited?: boolean
  }
}

/** Turns a token into the person who has it. */
interface AuthenticatorPort {
  /** @throws {AppError} `unauthenticated`, `token_expired`, `session_revoked`, `account_disabled` */
  authenticate(token: string): Promise<Actor>
}

/**
 * Default deny: every request needs a token, unless its route says `isPublic` or there is no such route, or says
 * `isOptional` and there is none. Requests are counted by the person whose token comes along, on whatever route, and
 * by network only where nobody is known, nor a code that they are about.
 */
export function authenticateRequests(
  app: FastifyInstance,
  authenticator: AuthenticatorPort,
  limits: RequestLimits
): void {
  const deps = { authenticator, limits }
  app.decorateRequest('actor', null)
  app.decorateRequest('asker', null)
  app.addHook('onRequest', async request => {
    const { isUnlimited, isPublic, isOptional, isProvedByBody } = request.routeOptions.config
    if (isUnlimited || isProvedByBody) return
    if (request.is404 || isPublic) return await countOnly(request, deps)
    if (isOptional && request.headers.authorization === undefined) return countUnknown(request, deps)
    request.actor = await authenticate(request, requireBearer(request, limits), deps)
  })
  app.addHook('onSend', ({ actor }, _, payload, done) => {
    if (actor !== null && typeof payload === 'string') limits.countAnswer(actor.userId, payload.length)
    done(null, payload)
  })
  app.addHook('preValidation', async request => {
    const { isProvedByBody, countedBy } = request.routeOptions.config
    if (isProvedByBody && countedBy) await countOnly(request, deps)
  })
}

interface Deps {
  readonly authenticator: AuthenticatorPort
  readonly limits: RequestLimits
}

/** Counts a request that needs no token, by whose it is that comes along, if it is good. */
async function countOnly(request: FastifyRequest, deps: Deps): Promise<void> {
  const token = bearerToken(request.headers.authorization) ?? tokenInQuery(request)
  if (token === undefined) return countUnknown(request, deps)
  try {
    await authenticate(request, token, deps)
  } catch (error) {
    if (error instanceof AppError && error.code === 'rate_limited') throw error
  }
}

function countUnknown(request: FastifyRequest, { limits }: Deps): void {
  const key = request.routeOptions.config.countedBy?.(request)
  if (key === undefined) limits.countNetwork(request)
  else limits.countCode(key)
}

/** Tells whose a token is, and counts the request by them; by the token, or the network, when it is refused. */
async function authenticate(request: FastifyRequest, token: string, { authenticator, limits }: Deps): Promise<Actor> {
  let actor: Actor
  // Once an outage lasts, nobody waits for what cannot be done.
  await request.server.availability.require()
  try {
    actor = await authenticator.authenticate(token)
  } catch (error) {
    if (wasOnceGood(error)) await limits.countToken(request)
    else if (!isUnreached(error)) limits.countNetwork(request)
    throw error
  }
  request.asker = actor.userId
  limits.countPerson(actor)
  return actor
}

/** Token of a client that cannot set headers. */
function tokenInQuery({ query }: FastifyRequest): string | undefined {
  const { token } = query as { token?: unknown }
  return typeof token === 'string' ? token : undefined
}

function requireBearer(request: FastifyRequest, limits: RequestLimits): string {
  const token = bearerToken(request.headers.authorization)
  if (token !== undefined) return token
  limits.countNetwork(request)
  throw new AppError('unauthenticated', 'Authorization: Bearer <token> is required')
}
