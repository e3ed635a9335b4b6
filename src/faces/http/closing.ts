import type { FastifyInstance } from 'fastify'

interface Closed {
  readonly qrStreams: { close(): void }
  readonly jobs: { stop(): Promise<void> }
  readonly delivery: { close(): void }
  readonly realtime: { settled(): Promise<unknown> }
  readonly stores: { close(): Promise<void> }
  /** Time that requests under way get, ms. */
  readonly requestFinishMs: number
}

/** Closes what an app works with when it closes: what clients wait for first, the database last. */
export function closeInOrder(app: FastifyInstance, closed: Closed): void {
  const { qrStreams, jobs, delivery, realtime, stores, requestFinishMs } = closed
  app.addHook('preClose', async () => {
    qrStreams.close()
    setTimeout(() => app.server.closeAllConnections(), requestFinishMs).unref()
  })
  app.addHook('onClose', async () => {
    await jobs.stop()
    delivery.close()
    await realtime.settled()
    await stores.close()
  })
}
