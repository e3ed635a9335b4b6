import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Actor } from '../../actor.ts'
import { AppError } from '../../errors.ts'
import { bearerToken } from '../../realtime/credential.ts'
import type { RequestLimits } from './rate-limits.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Author of the request; `null` only on public and optional routes. */
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

/** Turns a token into the person who has it. */
interface AuthenticatorPort {
  /** @throws {AppError} `unauthenticated`, `token_expired`, `session_revoked`, `account_disabled` */
  authenticate(token: string): Promise<Actor>
}

/**
 * Default deny: every request needs a token, unless its route says `isPublic` or there is no such route, or says
 * `isOptional` and there is none. Requests are counted by person, and by address where there is none.
 */
export function authenticateRequests(
  app: FastifyInstance,
  authenticator: AuthenticatorPort,
  limits: RequestLimits
): void {
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
