import type { HTTPMethods } from 'fastify'

/**
 * The methods of a Fastify route. HEAD shares the route of GET: Fastify would add a second one to each.
 * @param isStream whether the answer does not end by itself; then Fastify's own HEAD ends it
 */
export function methodsOf<M extends HTTPMethods>(method: M, isStream = false): M | HTTPMethods[] {
  return method === 'GET' && !isStream ? ['GET', 'HEAD'] : method
}
