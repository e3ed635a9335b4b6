import type { RequestListener } from 'node:http'
import type { FastifySwaggerUiConfigOptions } from '@fastify/swagger-ui'
import Fastify, { type FastifyPluginAsync } from 'fastify'
import { describeSocket } from './asyncapi.ts'
import { describeRest } from './openapi.ts'
import { answerErrors } from './rest/errors.ts'

/** Nothing from elsewhere, and no upgrade to https, so that the page works wherever the server does. */
const CSP =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; frame-ancestors 'none'"

interface DocumentOptions {
  /** Make the OpenAPI documents of the dialects, by name. */
  readonly dialects: ReadonlyMap<string, () => Promise<object>>
}

/**
 * The contract for machines at `/openapi.json` and `/asyncapi.json`, and for people at `/docs`. Each is made when
 * somebody asks for it first, and kept: most servers are never asked.
 */
export const documentRoutes: FastifyPluginAsync<DocumentOptions> = async (app, { dialects }) => {
  const documents: Record<string, () => Promise<object>> = {
    '/openapi.json': describeRest,
    '/asyncapi.json': async () => await Promise.resolve(describeSocket())
  }
  for (const [name, describe] of dialects) documents[`/${name}/openapi.json`] = describe
  app.addHook('onRoute', route => {
    route.config = { ...route.config, isPublic: true }
    route.schema = { ...route.schema, hide: true } as object
  })
  for (const [url, describe] of Object.entries(documents)) {
    const text = kept(async () => JSON.stringify(await describe()))
    app.get(url, async (_request, reply) => await reply.type('application/json; charset=utf-8').send(await text()))
  }
  const page = kept(async () => await createPage([...dialects.keys()]))
  for (const url of ['/docs', '/docs/*']) {
    app.get(url, async (request, reply) => {
      const answer = await page()
      reply.hijack()
      answer(request.raw, reply.raw)
    })
  }
}

/** Makes a value at the first call, for that one and all others. A failure is not kept. */
function kept<T>(make: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined
  return async () => {
    value ??= make().catch((error: unknown) => {
      value = undefined
      throw error
    })
    return await value
  }
}

/** The page, an app of its own, because no routes can be added to one that is running. */
async function createPage(dialects: readonly string[]): Promise<RequestListener> {
  const { default: swagger } = await import('@fastify/swagger')
  const { default: swaggerUi } = await import('@fastify/swagger-ui')
  const app = Fastify()
  answerErrors(app)
  await app.register(swagger, { mode: 'static', specification: { document: await describeRest() } as never })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: CSP,
    theme: { title: 'Parley' },
    uiConfig: uiConfig(dialects)
  })
  await app.ready()
  return app.routing
}

/** With dialects, a choice of documents stands at the top of the page. */
function uiConfig(names: readonly string[]): FastifySwaggerUiConfigOptions {
  const common = { docExpansion: 'list', defaultModelsExpandDepth: 0 } as const
  if (names.length === 0) return { ...common, layout: 'BaseLayout' }
  const urls = names.map(name => ({ name, url: `/${name}/openapi.json` }))
  return { ...common, layout: 'StandaloneLayout', urls: [{ name: 'Parley', url: '/openapi.json' }, ...urls] } as object
}
