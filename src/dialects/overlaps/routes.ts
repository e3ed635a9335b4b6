import { KindGuard, type TObject, type TProperties, type TSchema, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { omitUndefined } from '../../omit-undefined.ts'
import type { DialectRoute } from '../kit/dialect.ts'
import { addRoutes } from '../kit/routes.ts'
import { CHOOSERS } from './choosers.ts'
import { merge } from './merge.ts'
import { renamed } from './parameters.ts'
import type { Shared, Sharing } from './sharing.ts'

/** Method and path, whatever the parameters are called: `GET /users/:`. */
export function shapeOf({ method, url }: Pick<DialectRoute, 'method' | 'url'>): string {
  return `${method} ${url.replace(/:[^/]+/g, ':')}`
}

/**
 * Serves a route that several documents name: its body is made of the bodies of all of them, of one reading, unless
 * something in the request tells which one is meant.
 */
export async function shareRoute(scope: FastifyInstance, sharing: readonly Sharing[]): Promise<void> {
  const [first] = sharing
  if (first === undefined) return
  const choose = CHOOSERS[shapeOf(first.route)]
  const shared = choose === undefined ? mergeRoutes(sharing, first) : choose(sharing)
  const { presentError, route } = shared
  await addRoutes(scope, { routes: [route], presentError })
}

/** The first one’s path and checks. What changes something is done by the first alone. */
function mergeRoutes(sharing: readonly Sharing[], { route: main }: Sharing): Shared {
  return {
    presentError: error => merge(sharing.map(({ dialect }) => dialect.presentError(error))) as Record<string, unknown>,
    route: {
      ...main,
      schema: mergeSchemas(sharing.map(({ route }) => route.schema)),
      handle: main.method === 'GET' ? readOnce(sharing, main) : main.handle
    }
  }
}

/** Reads once, and has all of them present that; the parameters are given to each under its own names. */
function readOnce(sharing: readonly Sharing[], main: DialectRoute): DialectRoute['handle'] {
  const readings = sharing.flatMap(({ route: { url, reading } }) =>
    reading === undefined ? [] : [{ url, ...reading }]
  )
  const [first] = readings
  if (first === undefined || readings.length < sharing.length || readings.some(it => it.reader !== first.reader)) {
    throw new Error(
      `${main.method} ${main.url} is read in more than one way: bodies of two readings do not fit together`
    )
  }
  return async call => {
    const callFor = (url: string) => ({ ...call, params: renamed(call.params, main.url, url) })
    const data = await first.read(callFor(first.url))
    return merge(await Promise.all(readings.map(async ({ url, present }) => await present(data, callFor(url)))))
  }
}

/** Path and headers of the first one; of query and body the fields of all, of which only what all require is required. */
function mergeSchemas(schemas: readonly DialectRoute['schema'][]): DialectRoute['schema'] {
  const [{ params, headers } = {}] = schemas
  const querystring = mergeObjects(schemas.map(it => it.querystring))
  const body = mergeObjects(schemas.map(it => it.body))
  return omitUndefined({ params, querystring, headers, body })
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
