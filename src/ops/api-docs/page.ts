import { readFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import swagger from '@fastify/swagger'
import swaggerUi, { type FastifySwaggerUiConfigOptions } from '@fastify/swagger-ui'
import Fastify from 'fastify'
import { answerErrors } from '../../faces/http/errors.ts'
import { describeRest } from './openapi.ts'

/** Policy: nothing from elsewhere, and no upgrade to https, so that the page works wherever the server does. */
const CSP =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; frame-ancestors 'none'"

/** Script, built for browsers, that lets the examples be tried one after the other. */
const TRY_OUT = 'try-out.js'

/**
 * The page, an app of its own, because no routes can be added to one that is running.
 * @param web the folder of what is built for browsers; it ends with a slash
 */
export async function createPage(dialects: readonly string[], web: URL): Promise<RequestListener> {
  const app = Fastify()
  answerErrors(app)
  await app.register(swagger, { mode: 'static', specification: { document: await describeRest() } as never })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: CSP,
    theme: {
      title: 'Parley',
      js: [{ filename: TRY_OUT, content: await readFile(new URL(TRY_OUT, web), 'utf8') }]
    },
    uiConfig: uiConfig(dialects)
  })
  await app.ready()
  return app.routing
}

/** Options of the page; with dialects, a choice of documents stands at its top. */
function uiConfig(names: readonly string[]): FastifySwaggerUiConfigOptions {
  const common = { docExpansion: 'list', defaultModelsExpandDepth: 0 } as const
  if (names.length === 0) return { ...common, layout: 'BaseLayout' }
  const urls = names.map(name => ({ name, url: `/${name}/openapi.json` }))
  return { ...common, layout: 'StandaloneLayout', urls: [{ name: 'Parley', url: '/openapi.json' }, ...urls] } as object
}
