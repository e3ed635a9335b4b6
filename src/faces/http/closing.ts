import type { FastifyInstance } from 'fastify'
import { goingAway } from '../../errors.ts'
import type { Drain } from '../../realtime/drain.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers with server-sent events. */
    isStream?: boolean
  }
}

/** Headers of an event stream, which no proxy may hold back. */
export const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no'
}

/**
 * Refuses what comes once every connection has gone, in the words of its face; until then requests are answered. A
 * stream is answered all the same, with the time to come back: browsers give up what has another status than 200.
 */
export function refuseWhenOver(app: FastifyInstance, drain: Drain): void {
  app.addHook('onRequest', async ({ method, routeOptions: { config } }, reply) => {
    if (!drain.isOver || config.isUnlimited) return
    if (!config.isStream || method !== 'GET') throw goingAway()
    return reply.headers(STREAM_HEADERS).send(`retry: ${drain.retryMs(0)}\n\n`)
  })
}
