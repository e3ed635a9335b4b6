import swagger from '@fastify/swagger'
import swaggerUi, { type FastifySwaggerUiConfigOptions } from '@fastify/swagger-ui'
import type { FastifyPluginAsync } from 'fastify'
import { describeSocket } from './asyncapi.ts'
import { describeRest } from './openapi.ts'

/** Nothing from elsewhere, and no upgrade to https, so that the page works wherever the server does. */
const CSP =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; frame-ancestors 'none'"

interface DocumentOptions {
  /** OpenAPI documents of the dialects, by name. */
  readonly dialects: ReadonlyMap<string, object>
}

/** The contract for machines at `/openapi.json` and `/asyncapi.json`, and for people at `/docs`. */
export const documentRoutes: FastifyPluginAsync<DocumentOptions> = async (app, { dialects }) => {
  const rest = await describeRest()
  const documents: Record<string, object> = { '/openapi.json': rest, '/asyncapi.json': describeSocket() }
  for (const [name, document] of dialects) documents[`/${name}/openapi.json`] = document
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
    uiConfig: uiConfig([...dialects.keys()])
  })
}

/** With dialects, a choice of documents stands at the top of the page. */
function uiConfig(names: readonly string[]): FastifySwaggerUiConfigOptions {
  const common = { docExpansion: 'list', defaultModelsExpandDepth: 0 } as const
  if (names.length === 0) return { ...common, layout: 'BaseLayout' }
  const urls = names.map(name => ({ name, url: `/${name}/openapi.json` }))
  return { ...common, layout: 'StandaloneLayout', urls: [{ name: 'Parley', url: '/openapi.json' }, ...urls] } as object
}
