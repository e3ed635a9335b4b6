import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { StreamServer } from './server.ts'

/** `GET /v1/events`: the canonical events as a stream. */
export const streamRoutes: FastifyPluginAsync<{ streams: StreamServer }> = async (app, { streams }) => {
  app.get('/v1/events', {
    config: { isPublic: true, isStream: true },
    schema: { hide: true } as object,
    handler: async (request, reply) => await streams.open(request, reply)
  })
}

/** Takes every request of somebody as a sign that their streams are read. */
export function proveByRequests(app: FastifyInstance, streams: StreamServer): void {
  app.addHook('onRequest', ({ actor }, _, done) => {
    if (actor !== null) streams.prove(actor)
    done()
  })
}
