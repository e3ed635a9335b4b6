import type { FastifyInstance } from 'fastify'
import type { Dialect, DialectRoute } from '../dialect.ts'
import { addRoutes, answerErrorsAs } from '../routes.ts'
import { CHOOSERS } from './choosers.ts'
import { merge } from './merge.ts'
import { renamed } from './parameters.ts'
import type { Sharing } from './sharing.ts'

/** Method and path, whatever the parameters are called: `GET /users/:`. */
export function shapeOf({ method, url }: Pick<DialectRoute, 'method' | 'url'>): string {
  return `${method} ${url.replace(/:[^/]+/g, ':')}`
}

/**
 * Serves a route that several documents name: its body is made of the bodies of all of them, unless something in
 * the request tells which one is meant.
 */
export function shareRoute(scope: FastifyInstance, sharing: readonly Sharing[]): void {
  const [first] = sharing
  if (first === undefined) return
  const choose = CHOOSERS[shapeOf(first.route)]
  const shared = choose === undefined ? mergeRoutes(sharing) : choose(sharing)
  const { presentError, route } = shared
  answerErrorsAs(scope, presentError)
  addRoutes(scope, [route])
}

/** The first one’s path and checks; the parameters are given to each under its own names. */
function mergeRoutes(sharing: readonly Sharing[]): { route: DialectRoute; presentError: Dialect['presentError'] } {
  const [{ route: main } = sharing[0] as Sharing] = sharing
  return {
    presentError: error => merge(sharing.map(({ dialect }) => dialect.presentError(error))) as Record<string, unknown>,
    route: {
      ...main,
      handle: async (call, reply) => {
        const bodies: unknown[] = []
        for (const { route } of sharing) {
          bodies.push(await route.handle({ ...call, params: renamed(call.params, main.url, route.url) }, reply))
        }
        return merge(bodies)
      }
    }
  }
}
