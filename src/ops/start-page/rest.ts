import { readFile } from 'node:fs/promises'
import type { FastifyPluginAsync } from 'fastify'
import { AppError } from '../../errors.ts'
import { methodsOf } from '../../faces/http/methods.ts'
import { kept } from '../kept.ts'

interface Options {
  /** The folder of what is built for browsers; it ends with a slash. */
  readonly web: URL
  /** Whether two people can be made on the page, who talk to each other. */
  readonly hasPeople: boolean
}

/** Policy: the page's own files and its own server, and nothing written into it. */
const CSP = [
  "default-src 'none'",
  ...["script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'"],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]
].join('; ')

/** Files beside the page, by path: name and type. */
const FILES: Readonly<Record<string, readonly [name: string, type: string]>> = {
  '/favicon.ico': ['favicon.ico', 'image/x-icon'],
  '/walk-through': ['walk-through.txt', 'text/plain; charset=utf-8'],
  '/assets/page.css': ['page.css', 'text/css; charset=utf-8']
}
const PROGRAM = { '/assets/page.js': ['page.js', 'text/javascript; charset=utf-8'] } as const
const PEOPLE = /<!--development-->[\s\S]*?<!--\/development-->\n?/g

/** The page that a browser gets at the address of the server, and its files. */
export const startPageRoutes: FastifyPluginAsync<Options> = async (app, { web, hasPeople }) => {
  app.addHook('onRoute', route => {
    route.config = { ...route.config, isPublic: true }
    route.schema = { ...route.schema, hide: true } as object
  })
  const page = kept(async () => {
    const text = await readFile(new URL('page.html', web), 'utf8')
    return hasPeople ? text : text.replace(PEOPLE, '')
  })
  app.route({
    method: methodsOf('GET'),
    url: '/',
    handler: async ({ headers }, reply) => {
      const { vary } = reply.getHeaders()
      reply.header('vary', vary === undefined ? 'accept' : `${vary}, accept`)
      if (!headers.accept?.includes('text/html')) throw new AppError('not_found', 'There is nothing at this path')
      return await reply
        .type('text/html; charset=utf-8')
        .headers({ 'content-security-policy': CSP, 'referrer-policy': 'no-referrer', 'cache-control': 'no-cache' })
        .send(await page())
    }
  })
  for (const [url, [name, type]] of Object.entries({ ...FILES, ...(hasPeople ? PROGRAM : {}) })) {
    const file = kept(async () => await readFile(new URL(name, web)))
    app.route({
      method: methodsOf('GET'),
      url,
      handler: async (_request, reply) =>
        await reply
          .type(type)
          .header('cache-control', 'public, max-age=300')
          .send(await file())
    })
  }
}
