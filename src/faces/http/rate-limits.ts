import { hash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import rateLimit, { type FastifyRateLimitStore, type FastifyRateLimitStoreCtor } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Actor } from '../../actor.ts'
import type { Config } from '../../config/config.ts'
import { AppError } from '../../errors.ts'
import type { Budgets } from '../../limits/budgets.ts'
import { NetworkBuckets } from '../../limits/network-buckets.ts'
import { networkOf } from '../../limits/networks.ts'
import { type Rate, rateOf, TokenBuckets } from '../../limits/token-buckets.ts'

/** Counts of requests, by what is known of who asks. Each throws `rate_limited`. */
export interface RequestLimits {
  /** Counts by network, where nobody is known. */
  countNetwork(request: FastifyRequest): void
  /** Counts by a token that was good once. */
  countToken(request: FastifyRequest): Promise<void>
  /** Counts by person, whatever the network. */
  countPerson(actor: Actor): void
  /** Counts an answer to a person by its size. Never throws. */
  countAnswer(userId: string, bytes: number): void
  /** Counts by a code that the request is about, whatever the network. */
  countCode(code: string): void
}

const WINDOW_MS = 60_000
/** Part of the requests of a minute that a network may make at once: where nobody is known they are mostly a flood. */
const AT_ONCE = 1 / 3
const TOO_MANY = 'Too many requests'
/** Refusals that are answered at once: more than who waits as long as told ever gets. */
const AT_ONCE_REFUSED = rateOf(5, 1_000, 20)

/** The limits of REST requests: by the minute where nobody is known, else those of the person. */
export async function createRequestLimits(
  app: FastifyInstance,
  budgets: Budgets,
  { limits }: Pick<Config, 'limits'>
): Promise<RequestLimits> {
  const { anonymousRequestsPerMinute: anonymous, requestsPerMinute: max, qrRequestsPerMinute: perCode } = limits
  await app.register(rateLimit, { global: false, store: storeOf(rateOf(max, WINDOW_MS)) })
  const takeByToken = app.createRateLimit({
    max,
    keyGenerator: ({ headers, url }) => digestOf(headers.authorization ?? url)
  })
  const networks = new NetworkBuckets(rateOf(anonymous, WINDOW_MS, Math.max(1, anonymous * AT_ONCE)))
  const codes = new TokenBuckets(rateOf(perCode, WINDOW_MS))
  return {
    countNetwork: ({ ip }) => networks.take(ip, TOO_MANY),
    countToken: async request => requireAllowed(await takeByToken(request)),
    countPerson: actor => budgets.spend(actor),
    countAnswer: (userId, bytes) => budgets.chargeAnswer(userId, bytes),
    countCode: code => codes.take(digestOf(code), TOO_MANY)
  }
}

/**
 * Holds refusals back of who goes on asking without waiting: whoever asks again as soon as they are answered asks that
 * much less. By person, else by network.
 * @param heldMs for how long
 */
export function holdRefusals(app: FastifyInstance, heldMs: number): void {
  const refusals = new TokenBuckets(AT_ONCE_REFUSED)
  app.addHook('onSend', async ({ asker, ip }, { statusCode }) => {
    if (statusCode === 429 && refusals.tryTake(asker ?? networkOf(ip)) > 0) await delay(heldMs)
  })
}

/** Store of the plugin: buckets in place of windows, and of more keys than its own remembers. */
function storeOf(rate: Rate): FastifyRateLimitStoreCtor {
  const buckets = new TokenBuckets(rate)
  return class {
    incr(key: string, callback: Parameters<FastifyRateLimitStore['incr']>[1], _windowMs: number, max: number): void {
      const ttl = buckets.tryTake(key)
      callback(null, { current: ttl > 0 ? max + 1 : 1, ttl })
    }

    child(): this {
      return this
    }
  }
}

/** Digest of a token or a code: the thing itself is not kept. */
function digestOf(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

function requireAllowed(result: { isAllowed: boolean; isExceeded?: boolean; ttl?: number }): void {
  if (result.isExceeded) throw new AppError('rate_limited', TOO_MANY, { retryAfterMs: result.ttl ?? WINDOW_MS })
}
