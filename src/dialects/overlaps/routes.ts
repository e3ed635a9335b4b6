import { KindGuard, type TObject, type TProperties, type TSchema, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { DialectRoute } from '../kit/dialect.ts'
import { addRoutes, answerErrorsAs } from '../kit/routes.ts'
import { CHOOSERS } from './choosers.ts'
import { merge } from './merge.ts'
import { renamed } from './parameters.ts'
import type { Shared, Sharing } from './sharing.ts'

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

/**
 * The first one’s path and checks; the parameters are given to each under its own names. What changes something is
 * done once, by the first.
 */
function mergeRoutes(sharing: readonly Sharing[]): Shared {
  const [{ route: main } = sharing[0] as Sharing] = sharing
  const answering = main.method === 'GET' ? sharing : sharing.slice(0, 1)
  return {
    presentError: error => merge(sharing.map(({ dialect }) => dialect.presentError(error))) as Record<string, unknown>,
    route: {
      ...main,
      schema: mergeSchemas(sharing.map(({ route }) => route.schema)),
      handle: async (call, reply) => {
        const bodies: unknown[] = []
        for (const { route } of answering) {
          bodies.push(await route.handle({ ...call, params: renamed(call.params, main.url, route.url) }, reply))
        }
        return merge(bodies)
      }
    }
  }
}

/** The path of the first one; of query and body the fields of all, of which only what all require is required. */
function mergeSchemas(schemas: readonly DialectRoute['schema'][]): DialectRoute['schema'] {
  const [{ params } = {}] = schemas
  const querystring = mergeObjects(schemas.map(it => it.querystring))
  const body = mergeObjects(schemas.map(it => it.body))
  return { ...(params && { params }), ...(querystring && { querystring }), ...(body && { body }) }
}

function mergeObjects(schemas: readonly (TSchema | undefined)[]): TObject | undefined {
  const objects = schemas.filter((it): it is TObject => KindGuard.IsObject(it))
  if (objects.length === 0) return undefined
  const fields: TProperties = {}
  for (const { properties } of objects) {
    for (const [name, schema] of Object.entries(properties)) {
      const isRequired = objects.length === schemas.length && objects.every(it => it.required?.includes(name))
      fields[name] ??= isRequired ? schema : Type.Optional(schema)
    }
  }
  return Type.Object(fields)
}
