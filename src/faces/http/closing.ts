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

/** Pause between two looks for connections whose requests have been answered, ms. */
const ANSWERED_MS = 50

/** Ends connections of a server that closes, each when its request is answered, and all after so long, ms. */
export function endConnections(app: FastifyInstance, withinMs: number): void {
  let answered: NodeJS.Timeout | undefined
  let all: NodeJS.Timeout | undefined
  app.addHook('preClose', async () => {
    // Node ends only those on which nothing is asked as it begins to close.
    answered = setInterval(() => app.server.closeIdleConnections(), ANSWERED_MS).unref()
    all = setTimeout(() => app.server.closeAllConnections(), withinMs).unref()
  })
  app.addHook('onClose', async () => {
    clearInterval(answered)
    clearTimeout(all)
  })
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

interface Closed {
  readonly qrStreams: { close(): void }
  readonly jobs: { stop(): Promise<void> }
  readonly delivery: { close(): void }
  readonly realtime: { settled(): Promise<unknown> }
  readonly stores: { close(): Promise<void> }
}

/** Closes what an app works with when it closes: what clients wait for first, the database last. */
export function closeInOrder(app: FastifyInstance, { qrStreams, jobs, delivery, realtime, stores }: Closed): void {
  app.addHook('preClose', async () => qrStreams.close())
  app.addHook('onClose', async () => {
    await jobs.stop()
    delivery.close()
    await realtime.settled()
    await stores.close()
  })
}
