import type { FastifyPluginAsync } from 'fastify'
import { kept } from '../kept.ts'

interface DocumentOptions {
  /** Make the OpenAPI documents of the dialects, by name. */
  readonly dialects: ReadonlyMap<string, () => Promise<object>>
  /** The folder of what is built for browsers; it ends with a slash. */
  readonly web: URL
}

/**
 * The contract for machines at `/openapi.json` and `/asyncapi.json`, and for people at `/docs`. Each is made when
 * somebody asks for it first, and kept: most servers are never asked.
 */
export const documentRoutes: FastifyPluginAsync<DocumentOptions> = async (app, { dialects, web }) => {
  const documents: Record<string, () => Promise<object>> = {
    '/openapi.json': async () => await (await import('./openapi.ts')).describeRest(),
    '/asyncapi.json': async () => (await import('./asyncapi.ts')).describeSocket()
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
  const page = kept(async () => await (await import('./page.ts')).createPage([...dialects.keys()], web))
  for (const url of ['/docs', '/docs/*']) {
    app.get(url, async (request, reply) => {
      const answer = await page()
      reply.hijack()
      answer(request.raw, reply.raw)
    })
  }
}
