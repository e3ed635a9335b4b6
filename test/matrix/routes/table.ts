import type { TSchema } from '@sinclair/typebox'
import type { Test } from 'tap'
import { routes as canonical } from '../../../protocol/index.ts'
import { createAuthenticator } from '../../../src/accounts/tokens/authenticator.ts'
import { createDialects } from '../../../src/dialects/index.ts'
import type { Dialect } from '../../../src/dialects/kit/dialect.ts'
import { merge } from '../../../src/dialects/overlaps/merge.ts'
import { shapeOf } from '../../../src/dialects/overlaps/routes.ts'
import { AppError } from '../../../src/errors.ts'
import { openServices } from '../../kit/helper.ts'

/** A route as it is served at one place. */
export interface Place {
  /** Face whose words its answers have: `canonical`, or the name of a dialect. */
  readonly face: string
  readonly method: string
  /** With its parameters: `/users/:id`. */
  readonly url: string
  readonly isPublic: boolean
  /** Whether its body is a form with a file. */
  readonly isForm: boolean
  /** Headers of a request that has no JSON, as the contract's examples have them. */
  readonly headers?: Readonly<Record<string, string>>
  readonly parts: { readonly params?: TSchema; readonly querystring?: TSchema; readonly body?: TSchema }
  /** Shapes that the body of a refusal may have here: its fields’ names, sorted. */
  readonly refusals: readonly string[]
}

/** Dialects of every kind, without a server. */
export async function allDialects(t: Test): Promise<Dialect[]> {
  const { config, ...services } = await openServices(t)
  const authenticator = createAuthenticator({ loadSigners: async () => [], config, ...services })
  return createDialects({ services, config, authenticator, openStream: async () => undefined })
}

/** Routes of every document, at the root and under the name of the dialect. */
export function dialectPlaces(dialects: readonly Dialect[]): Place[] {
  const shapes = new Map<string, Dialect[]>()
  for (const dialect of dialects) {
    for (const route of dialect.routes) {
      shapes.set(shapeOf(route), [...(shapes.get(shapeOf(route)) ?? []), dialect])
    }
  }
  return dialects.flatMap(dialect =>
    dialect.routes.flatMap(route => {
      const { method, url, isPublic, schema, form } = route
      const parts = form === undefined ? schema : { ...schema, body: form }
      const sharing = shapes.get(shapeOf(route)) ?? []
      const place = { face: dialect.name, method, isPublic, isForm: form !== undefined, parts }
      const own = { ...place, url: `/${dialect.name}${url}`, refusals: shapesOfRefusals([dialect]) }
      // Where several have the same route, the first one’s checks hold.
      const isFirst = sharing[0] === dialect
      return isFirst ? [{ ...place, url, refusals: shapesOfRefusals(sharing) }, own] : [own]
    })
  )
}

/** Routes of Parley’s own API that need a token. */
export function canonicalPlaces(): Place[] {
  return canonical.map(({ method, url, isPublic = false, isOptional = false, form, bytes, schema }) => ({
    ...{ face: 'canonical', method, url: `/v1${url}`, isPublic: isPublic || isOptional },
    ...(schema.body === undefined && form === undefined ? headersOf(schema.headers, bytes) : {}),
    ...{ isForm: form !== undefined, parts: form === undefined ? schema : { ...schema, body: form } },
    refusals: [shapeOfBody({ error: { code: '', message: '', retry: '', requestId: '' } })]
  }))
}

/** Headers of which the contract has an example, and the type of a body of bytes. */
function headersOf(schema: TSchema | undefined, bytes: string | undefined): Pick<Place, 'headers'> {
  const fields = Object.entries((schema?.['properties'] ?? {}) as Record<string, TSchema>)
  const examples = fields.flatMap(([name, { examples }]) => (examples === undefined ? [] : [[name, examples[0]]]))
  if (examples.length === 0) return {}
  return { headers: { ...Object.fromEntries(examples), ...(bytes && { 'content-type': bytes }) } }
}

/** The names of a body’s fields, nested ones too, without the one that only some refusals have. */
export function shapeOfBody(body: unknown): string {
  if (typeof body !== 'object' || body === null) return ''
  const lasting = Object.entries(body).filter(([name]) => name !== 'retryAfterMs')
  const fields = lasting.map(([name, value]) => {
    const inner = shapeOfBody(value)
    return inner === '' ? name : `${name}(${inner})`
  })
  return fields.sort().join(' ')
}

/** Of one of them alone, or of all together where they share a route. */
function shapesOfRefusals(dialects: readonly Dialect[]): string[] {
  const bodies = dialects.map(dialect => dialect.presentError(new AppError('invalid', 'Wrong')))
  return [...bodies, merge(bodies)].map(shapeOfBody)
}

/** The machine-readable code of a refusal, wherever its app looks for it. */
// biome-ignore lint/suspicious/noExplicitAny: refusals have a shape of each app
export function codeOf(body: any): string | undefined {
  return body?.error?.code ?? body?.code
}

/** List each route once: at the root, and under the dialect’s name where the root is shared with another one. */
export function eachOnce(places: readonly Place[]): Place[] {
  const isAtRoot = ({ face, url }: Place) => !url.startsWith(`/${face}/`)
  const shared = places.filter(place => isAtRoot(place) && place.refusals.length !== 2)
  const alone = places.filter(place => isAtRoot(place) && place.refusals.length === 2)
  const served = new Set(alone.map(({ method, url }) => method + url))
  const named = places.filter(it => !isAtRoot(it) && !served.has(it.method + it.url.slice(it.face.length + 1)))
  return [...shared, ...alone, ...named]
}
