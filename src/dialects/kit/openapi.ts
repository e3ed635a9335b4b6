import { type TSchema, Type } from '@sinclair/typebox'
import type { ErrorCode } from '../../../protocol/errors.ts'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { describeRoutes } from '../../ops/api-docs/openapi.ts'
import type { Dialect, DialectRoute } from './dialect.ts'

/** The OpenAPI document of one dialect: its routes at the document's own paths. */
export async function describeDialect({ name, routes, granted = GRANTED, presentError }: Dialect): Promise<object> {
  const info = {
    title: `Parley for ${name}`,
    description: `The API of apps of the kind \`${name}\`, at the root of the server and under \`/${name}\`.`
  }
  return await describeRoutes(info, {
    tags: [{ name, description: info.description }],
    routes: routes.map(route => ({ method: route.method, url: route.url, schema: describe(name, granted, route) })),
    bodyOf: codes => refusalOf(codes, presentError)
  })
}

function describe(
  name: string,
  granted: TSchema,
  { summary, schema, isPublic, isStream, status, otherStatus = status }: DialectRoute
) {
  const answer = isStream ? STREAM : granted
  return {
    summary,
    tags: [name],
    ...schema,
    ...omitUndefined({ security: isPublic && !isStream ? [] : undefined }),
    response: { [status]: answer, [otherStatus]: answer }
  }
}

/** An object, or a list where a document has bare lists. */
const GRANTED = Type.Union([Type.Object({}), Type.Array(Type.Unknown())])
const STREAM = { description: 'Events.', type: 'string', contentMediaType: 'text/event-stream' }

/** The schema of a refusal with one of these codes, by what the dialect makes of the first. */
function refusalOf(codes: readonly ErrorCode[], present: Dialect['presentError']): Record<string, unknown> {
  const [code = 'internal'] = codes
  const example = present(new AppError(code, 'In words for people'))
  return { ...schemaOf(example, { code, codes }), example }
}

/** The schema of what looks like an example: the code is one of several, other texts are any. */
function schemaOf(
  value: unknown,
  known: { readonly code: ErrorCode; readonly codes: readonly ErrorCode[] }
): Record<string, unknown> {
  if (value === known.code) return { type: 'string', enum: known.codes }
  if (value === null) return { type: 'null' }
  if (typeof value !== 'object') return typeof value === 'boolean' ? { const: value } : { type: typeof value }
  const properties = Object.entries(value).map(([name, inner]) => [name, schemaOf(inner, known)])
  return { type: 'object', required: Object.keys(value), properties: Object.fromEntries(properties) }
}
