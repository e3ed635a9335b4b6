import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyPluginAsync } from 'fastify'
import { describeSocket } from './asyncapi.ts'
import { describeRest } from './openapi.ts'

/** Nothing from elsewhere, and no upgrade to https, so that the page works wherever the server does. */
const CSP =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; frame-ancestors 'none'"

/** The contract for machines at `/openapi.json` and `/asyncapi.json`, and for people at `/docs`. */
export const documentRoutes: FastifyPluginAsync = async app => {
  const rest = await describeRest()
  const documents = { '/openapi.json': rest, '/asyncapi.json': describeSocket() }
  app.addHook('onRoute', route => {
    route.config = { ...route.config, isPublic: true }
    route.schema = { ...route.schema, hide: true } as object
  })
  for (const [url, document] of Object.entries(documents)) {
    const text = JSON.stringify(document)
    app.get(url, async (_request, reply) => await reply.type('application/json; charset=utf-8').send(text))
  }
  await app.register(swagger, { mode: 'static', specification: { document: rest } as never })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: CSP,
    theme: { title: 'Parley' },
    uiConfig: { layout: 'BaseLayout', docExpansion: 'list', defaultModelsExpandDepth: 0 }
  })
}
