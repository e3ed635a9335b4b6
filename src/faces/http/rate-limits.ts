import { hash } from 'node:crypto'
import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Config } from '../../config/config.ts'
import { AppError } from '../../errors.ts'
import type { Budgets } from '../../limits/budgets.ts'
import { networkOf } from '../../limits/counters.ts'
import { TokenBuckets } from '../../limits/token-buckets.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Key that the request is counted by. */
    countedBy: string
  }
}

/** Counts of requests, by what is known of who asks. Each throws `rate_limited`. */
export interface RequestLimits {
  /** Counts by network, where nobody is known. */
  countNetwork(request: FastifyRequest): Promise<void>
  /** Counts by a token that was good once. */
  countToken(request: FastifyRequest): Promise<void>
  /** Counts by person, whatever the network. */
  countPerson(userId: string): void
  /** Counts by a code that the request is about, whatever the network. */
  countCode(code: string): void
}

const WINDOW_MS = 60_000
const REMEMBERED = 20_000
const TOO_MANY = 'Too many requests'

/** The limits of REST requests: per minute where nobody is known, else those of the person. */
export async function createRequestLimits(
  app: FastifyInstance,
  budgets: Budgets,
  { limits }: Pick<Config, 'limits'>
): Promise<RequestLimits> {
  await app.register(rateLimit, { global: false, timeWindow: WINDOW_MS, cache: REMEMBERED })
  app.decorateRequest('countedBy', '')
  const limit = (max: number) => {
    const take = app.createRateLimit({ max, keyGenerator: ({ countedBy }) => countedBy })
    return async (request: FastifyRequest, countedBy: string) => {
      request.countedBy = countedBy
      requireAllowed(await take(request))
    }
  }
  const byNetwork = limit(limits.anonymousRequestsPerMinute)
  const byToken = limit(limits.requestsPerMinute)
  const perCode = limits.qrRequestsPerMinute
  const codes = new TokenBuckets({ perSecond: perCode / 60, burst: perCode })
  return {
    countNetwork: async request => await byNetwork(request, networkOf(request.ip)),
    countToken: async request => await byToken(request, digestOf(request.headers.authorization ?? request.url)),
    countPerson: userId => budgets.spend(userId),
    countCode: code => codes.take(digestOf(code), TOO_MANY)
  }
}

/** Digest of a token or a code: the thing itself is not kept. */
function digestOf(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

function requireAllowed(result: { isAllowed: boolean; isExceeded?: boolean; ttl?: number }): void {
  if (result.isExceeded) throw new AppError('rate_limited', TOO_MANY, { retryAfterMs: result.ttl ?? WINDOW_MS })
}
