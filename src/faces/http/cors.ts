import cors, { type FastifyCorsOptions } from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import type { Origins } from '../../realtime/origins.ts'

/** Headers of answers that a page of another origin may read, besides those that every page may. */
export const EXPOSED_HEADERS = [
  ...['Retry-After', 'Allow', 'WWW-Authenticate', 'Location', 'Tus-Resumable', 'Tus-Version', 'Tus-Extension'],
  ...['Tus-Max-Size', 'Upload-Offset', 'Upload-Length', 'Upload-Expires', 'Upload-Metadata']
]
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
/** Time for which a browser need not ask again whether a page may, s. */
const MAX_AGE_S = 600

declare module 'fastify' {
  interface FastifyInstance {
    readonly origins: Origins
  }
}

/** Lets pages of other origins ask. An OPTIONS that is no question of a browser is answered as at any path: see `answerErrors`. */
export async function answerPages(app: FastifyInstance): Promise<void> {
  const { origins } = app
  // The plugin adds this route, for which nobody has a token.
  app.addHook('onRoute', route => {
    if (route.method === 'OPTIONS') route.config = { ...route.config, isPublic: true }
  })
  await app.register(cors, {
    delegator: ({ headers }, done) => {
      const options: FastifyCorsOptions = {
        ...origins.share(headers.origin),
        methods: METHODS,
        exposedHeaders: EXPOSED_HEADERS,
        maxAge: MAX_AGE_S,
        preflight: headers.origin !== undefined && headers['access-control-request-method'] !== undefined
      }
      done(null, options)
    }
  })
}
