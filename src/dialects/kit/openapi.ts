import { Type } from '@sinclair/typebox'
import { ERRORS, type ErrorCode } from '../../../protocol/errors.ts'
import { CheckedSchema } from '../../contract/checked-schema.ts'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { describeRoutes } from '../../ops/api-docs/openapi.ts'
import type { DescribedRoute } from '../../ops/api-docs/operations.ts'
import { NamedSchemas, WireErrorSchema } from '../../ops/api-docs/shared-schemas.ts'
import type { Dialect, DialectRoute } from './dialect.ts'

/** The OpenAPI document of one dialect: its routes at the document's own paths. */
export async function describeDialect({ name, routes, answers, presentError }: Dialect): Promise<object> {
  const info = {
    title: `Parley for ${name}`,
    description: `The API of apps of the kind \`${name}\`, at the root of the server and under \`/${name}\`.`
  }
  const refusal = (code: ErrorCode) => presentError(new AppError(code, 'In words for people'))
  const fullest = presentError(new AppError('rate_limited', 'In words for people', { retryAfterMs: 1_000 }))
  return await describeRoutes(info, {
    tags: [{ name, description: info.description }],
    routes: routes.map(route => describe(name, route)),
    named: new NamedSchemas({ ...answers, Error: WireErrorSchema, Refusal: schemaOf(fullest, refusal('internal')) }),
    refusal
  })
}

function describe(
  name: string,
  {
    method,
    url,
    summary,
    schema,
    isPublic,
    isStream,
    form,
    answer = STREAM,
    status,
    otherStatus = status
  }: DialectRoute
): DescribedRoute {
  return {
    ...{ id: idOf(method, url), method, url, summary, ...schema },
    tags: [name],
    isBodyOptional: schema.body !== undefined && new CheckedSchema(schema.body).accepts({}),
    responses: { [status]: answer, [otherStatus]: answer },
    ...omitUndefined({ form, security: isPublic && !isStream ? [] : undefined })
  }
}

/** Name of an operation: `getUsersByIdSettings` for `GET /users/:id/settings`. */
function idOf(method: string, url: string): string {
  const words = url.split(/[/-]/).filter(word => word !== '')
  const named = words.map(word => (word.startsWith(':') ? `By${pascal(word.slice(1))}` : pascal(word)))
  return method.toLowerCase() + named.join('')
}

function pascal(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

const STREAM = Type.String({ contentMediaType: 'text/event-stream' })

/**
 * The schema of what looks like an example: a text that is a code is one of all codes, other texts are any.
 * @param least another example, which has only the fields that are always there
 */
function schemaOf(value: unknown, least: unknown): Record<string, unknown> {
  if (typeof value === 'string' && value in ERRORS) return { type: 'string', enum: Object.keys(ERRORS) }
  if (value === null) return { type: 'null' }
  if (typeof value !== 'object') return typeof value === 'boolean' ? { const: value } : { type: typeof value }
  const fields = new Map(Object.entries(Object(least)))
  const properties = Object.entries(value).map(([name, inner]) => [name, schemaOf(inner, fields.get(name))])
  return { type: 'object', required: [...fields.keys()], properties: Object.fromEntries(properties) }
}
