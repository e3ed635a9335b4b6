import type { TSchema } from '@sinclair/typebox'
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler'
import { routes } from '../../protocol/index.ts'
import type { Route } from '../../protocol/route.ts'

/** Routes by method and number of segments; a word in the path goes before a parameter. */
const candidates = new Map<string, { readonly route: Route; readonly parts: readonly string[] }[]>()
for (const route of [...routes].sort((a, b) => a.url.split(':').length - b.url.split(':').length)) {
  const parts = `/v1${route.url}`.split('/')
  const form = formOf(route.method, parts)
  candidates.set(form, [...(candidates.get(form) ?? []), { route, parts }])
}
/** Compiled where it is needed first. */
const checks = new Map<TSchema, TypeCheck<TSchema>>()

/**
 * Requires of what a canonical route grants that it is exactly what its contract says, field by field: nothing
 * between the services and the wire takes away what is too much.
 * @throws {Error} that names the first difference
 */
export function requireContract(method: string, path: string, { status, body }: { status: number; body: unknown }) {
  const schema = responseSchema(method, path, status)
  if (schema === undefined) return
  const check = checks.get(schema) ?? TypeCompiler.Compile(schema)
  checks.set(schema, check)
  if (check.Check(body)) return
  const problem = check.Errors(body).First()
  throw new Error(`${method} ${path} answered ${problem?.path}: ${problem?.message}`)
}

function responseSchema(method: string, path: string, status: number): TSchema | undefined {
  if (!path.startsWith('/v1/')) return undefined
  const segments = (path.split('?', 1)[0] ?? '').split('/')
  const found = candidates.get(formOf(method, segments))?.find(({ parts }) => isAt(parts, segments))
  return found?.route.schema.response[status]
}

function formOf(method: string, parts: readonly string[]): string {
  return `${method} ${parts.length}`
}

function isAt(parts: readonly string[], segments: readonly string[]): boolean {
  return parts.every((part, index) => part.startsWith(':') || part === segments[index])
}
