import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Limits } from '../../../protocol/limits.ts'
import { AppError } from '../../errors.ts'

/** Counts requests. @throws {AppError} `rate_limited` */
type Count = (request: FastifyRequest) => Promise<void>

/** Rate limits before and after the actor is known. */
export interface RequestLimits {
  /** Limit by address, of requests without a valid token. */
  countAddress: Count
  /** Limit by person, whatever the address. */
  countPerson: Count
}

const WINDOW_MS = 60_000
const REMEMBERED = 20_000

/** The limits of REST requests per minute. */
export async function createRequestLimits(app: FastifyInstance, limits: Limits): Promise<RequestLimits> {
  await app.register(rateLimit, { global: false, timeWindow: WINDOW_MS, cache: REMEMBERED })
  const byAddress = app.createRateLimit({ max: limits.anonymousRequestsPerMinute, keyGenerator: ({ ip }) => ip })
  const byPerson = app.createRateLimit({
    max: limits.requestsPerMinute,
    keyGenerator: ({ actor, ip }) => actor?.userId ?? ip
  })
  return {
    countAddress: async request => requireAllowed(await byAddress(request)),
    countPerson: async request => requireAllowed(await byPerson(request))
  }
}

function requireAllowed(result: { isAllowed: boolean; isExceeded?: boolean; ttl?: number }): void {
  if (result.isExceeded)
    throw new AppError('rate_limited', 'Too many requests', { retryAfterMs: result.ttl ?? WINDOW_MS })
}
