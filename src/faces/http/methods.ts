import type { HTTPMethods } from 'fastify'

/**
 * The methods of a Fastify route. HEAD shares the route of GET: Fastify would add a second one to each.
 * @param isAlone whether GET has no HEAD beside it: because the answer does not end by itself, where Fastify's own
 * HEAD ends it, or because GET does more than answer
 */
export function methodsOf<M extends HTTPMethods>(method: M, isAlone = false): M | HTTPMethods[] {
  return method === 'GET' && !isAlone ? ['GET', 'HEAD'] : method
}
