import type { FastifyPluginAsync } from 'fastify'
import { kept } from '../kept.ts'
import { serversAt } from './servers.ts'

const JSON_TYPE = 'application/json; charset=utf-8'

/** Make the documents of one dialect. */
export interface DescribeDialect {
  readonly openApi: () => Promise<object>
  readonly asyncApi: () => Promise<object>
}

interface DocumentOptions {
  /** By the name of the dialect. */
  readonly dialects: ReadonlyMap<string, DescribeDialect>
  /** The folder of what is built for browsers; it ends with a slash. */
  readonly web: URL
}

/**
 * The contract for machines at `/openapi.json` and `/asyncapi.json`, and for people at `/docs`. Each is made when
 * somebody asks for it first, and kept: most servers are never asked.
 */
export const documentRoutes: FastifyPluginAsync<DocumentOptions> = async (app, { dialects, web }) => {
  app.addHook('onRoute', route => {
    route.config = { ...route.config, isPublic: true }
    route.schema = { ...route.schema, hide: true } as object
  })
  const serve = (prefix: string, { openApi, asyncApi }: DescribeDialect): void => {
    const text = kept(async () => JSON.stringify(await openApi()))
    const document = kept(asyncApi)
    app.get(`${prefix}/openapi.json`, async (_, reply) => await reply.type(JSON_TYPE).send(await text()))
    app.get(`${prefix}/asyncapi.json`, async ({ host, protocol }, reply) => {
      const servers = serversAt({ host, isSecure: protocol === 'https' })
      return await reply.type(JSON_TYPE).send(JSON.stringify({ ...(await document()), servers }))
    })
  }
  serve('', {
    openApi: async () => await (await import('./openapi.ts')).describeRest(),
    asyncApi: async () => (await import('./asyncapi.ts')).describeSocket()
  })
  for (const [name, describe] of dialects) serve(`/${name}`, describe)
  const page = kept(async () => await (await import('./page.ts')).createPage([...dialects.keys()], web))
  for (const url of ['/docs', '/docs/*']) {
    app.get(url, async (request, reply) => {
      const answer = await page()
      reply.hijack()
      answer(request.raw, reply.raw)
    })
  }
}
