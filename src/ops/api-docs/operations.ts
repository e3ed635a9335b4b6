import type { TSchema } from '@sinclair/typebox'
import { omitUndefined } from '../../omit-undefined.ts'
import { examplesOf } from './examples.ts'
import { refusalsOf } from './refusals.ts'
import { asJson, type Json } from './shared-schemas.ts'

/** A route, as documents describe it. */
export interface DescribedRoute {
  readonly method: string
  readonly url: string
  /** Name for generated clients: `sendMessage`. */
  readonly id: string
  readonly summary: string
  readonly tags: readonly string[]
  readonly security?: readonly object[]
  readonly params?: TSchema
  readonly querystring?: TSchema
  readonly headers?: TSchema
  readonly body?: TSchema
  /** Fields of a form with files. */
  readonly form?: TSchema
  /** Media type of a body of bytes. */
  readonly bytes?: string
  /** An empty request counts as one with an empty body. */
  readonly isBodyOptional?: boolean
  /** Of what is granted, by status; an operator's answer may refuse too. */
  readonly responses: Readonly<Record<number, TSchema>>
}

/** Gives a schema of a body a name, or finds that it has one. @returns a reference to it */
type Name = (name: string, schema: unknown) => unknown

const GRANTED: Record<string, string> = {
  200: 'Done.',
  201: 'Made.',
  202: 'Under way.',
  204: 'Done; there is no body.',
  503: 'Not ready.'
}

/** Completes an operation that has its parameters: bodies, examples and refusals. */
export function finishOperation(operation: Json, route: DescribedRoute, name: Name): void {
  const { id, method, headers, body, form, bytes, isBodyOptional = false, security, responses } = route
  const pascal = id.charAt(0).toUpperCase() + id.slice(1)
  const parameters = (operation['parameters'] ?? []) as { readonly required?: boolean; example?: unknown }[]
  // Pages that try things out send every example.
  for (const parameter of parameters) if (parameter.required !== true) delete parameter.example
  const requestBody =
    bytesOf(bytes) ??
    (form === undefined
      ? body && { required: !isBodyOptional, content: { 'application/json': mediaOf(body, `${pascal}Body`, name) } }
      : { required: true, content: { 'multipart/form-data': { schema: asJson(form) } } })
  const granted = Object.entries(responses).map(([status, schema]) => [
    status,
    { description: GRANTED[status] ?? 'Done.', ...contentOf(schema, `${pascal}Answer`, name) }
  ])
  const traits = {
    method,
    security,
    hasBody: requestBody !== undefined,
    hasParameters: parameters.length > 0,
    isUpload: headers?.['properties']?.['tus-resumable'] !== undefined,
    responses
  }
  Object.assign(operation, omitUndefined({ requestBody }), {
    responses: { ...refusalsOf(traits), ...Object.fromEntries(granted) }
  })
}

/** Body of bytes, which may be empty. */
function bytesOf(type: string | undefined): object | undefined {
  return type === undefined ? undefined : { content: { [type]: { schema: { type: 'string', format: 'binary' } } } }
}

interface Media {
  readonly type?: unknown
  readonly contentMediaType?: string
  readonly anyOf?: readonly Media[]
}

function contentOf(schema: TSchema, name: string, named: Name): object {
  const plain: Media = asJson(schema) as Media
  if (plain.type === 'null') return {}
  const media = [plain, ...(plain.anyOf ?? [])].filter(it => it.contentMediaType !== undefined)
  if (media.length === 0) return { content: { 'application/json': mediaOf(schema, name, named) } }
  return { content: Object.fromEntries(media.map(it => [it.contentMediaType, { schema: { type: 'string' } }])) }
}

function mediaOf(schema: TSchema, name: string, named: Name): object {
  return { schema: named(name, schema), ...examplesOf(asJson(schema) as object) }
}
