import type { TSchema } from '@sinclair/typebox'
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler'
import { routes } from '../../protocol/index.ts'
import type { Route } from '../../protocol/route.ts'

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
  const found = routes.filter((route: Route) => route.method === method && isAt(`/v1${route.url}`, segments))
  // A word in the path goes before a parameter.
  const [route] = found.sort((a, b) => a.url.split(':').length - b.url.split(':').length)
  return (route as Route | undefined)?.schema.response[status]
}

function isAt(url: string, segments: readonly string[]): boolean {
  const parts = url.split('/')
  return (
    parts.length === segments.length && parts.every((part, index) => part.startsWith(':') || part === segments[index])
  )
}
