import fc from 'fast-check'
import { JSON_TYPE, type Operation, type Parameter } from './openapi.ts'
import { almost, hostile, type Resolve, valuesOf } from './values.ts'
import { WHO, type Who } from './world.ts'

/** A request of an operation, not yet as text. */
export interface Case {
  readonly who: Who
  readonly prefix: string
  readonly params: unknown
  readonly query: unknown
  readonly headers: unknown
  readonly body: Body
}

interface Body {
  readonly type: string | undefined
  readonly text: string | undefined
}

const NO_BODY: Body = { type: undefined, text: undefined }
/** Bodies that are none, or not JSON. */
const BAD_BODIES: readonly Body[] = [
  NO_BODY,
  { type: undefined, text: '{}' },
  { type: 'nonsense', text: '{}' },
  { type: 'text/plain', text: '{}' },
  { type: 'multipart/form-data; boundary=x', text: '--x--' },
  { type: `${JSON_TYPE}; charset=latin1`, text: '{}' },
  ...[
    '',
    '{',
    'null',
    '[]',
    '"\\ud800"',
    '{"a":1,"a":2}',
    '{"__proto__":{"isAdmin":true}}',
    `{"text":"${'x'.repeat(140_000)}"}`,
    `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`
  ].map(text => ({ type: JSON_TYPE, text }))
]

/** Requests of one operation: as it takes them, nearly so, and bad, by anybody. */
export function casesOf(operation: Operation, prefixes: readonly string[], resolve: Resolve): fc.Arbitrary<Case> {
  const often = (right: fc.Arbitrary<unknown>) =>
    fc.oneof({ weight: 4, arbitrary: right }, { weight: 1, arbitrary: almost(right) })
  return fc.record({
    who: fc.constantFrom(...WHO),
    prefix: fc.constantFrom(...prefixes),
    params: often(named(operation, 'path', resolve)),
    query: often(named(operation, 'query', resolve)),
    headers: named(operation, 'header', resolve),
    body: bodies(operation, resolve)
  })
}

function named({ parameters = [] }: Operation, place: Parameter['in'], resolve: Resolve): fc.Arbitrary<object> {
  const found = parameters.filter(it => it.in === place)
  const fields = Object.fromEntries(found.map(({ name, schema }) => [name, valuesOf(schema, resolve)]))
  return fc.record(fields, { requiredKeys: found.filter(it => it.required === true).map(({ name }) => name) })
}

function bodies({ requestBody }: Operation, resolve: Resolve): fc.Arbitrary<Body> {
  const bad = fc.constantFrom(...BAD_BODIES)
  if (requestBody === undefined) return fc.oneof({ weight: 9, arbitrary: fc.constant(NO_BODY) }, bad)
  const right = valuesOf(requestBody.content[JSON_TYPE]?.schema ?? {}, resolve)
  const asJson = (value: unknown): Body => ({ type: JSON_TYPE, text: JSON.stringify(value) })
  return fc.oneof(
    { weight: 5, arbitrary: right.map(asJson) },
    { weight: 3, arbitrary: almost(right).map(asJson) },
    { weight: 1, arbitrary: hostile.map(asJson) },
    { weight: 1, arbitrary: bad }
  )
}

/** The path and query of a request. */
export function pathOf(url: string, { prefix, params, query }: Case): string {
  const given = new Map(entriesOf(params))
  // Nothing in a place would be another path.
  const fill = (_: string, name: string): string => encodeURIComponent(asText(given.get(name))) || '%20'
  return prefix + url.replace(/\{(\w+)\}/g, fill) + queryText(query)
}

function queryText(query: unknown): string {
  const pairs = entriesOf(query).flatMap(([name, value]) =>
    [value].flat().map((it): [string, string] => [asText(name), asText(it)])
  )
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`
}

/** Headers of a request besides its token: what cannot be written there is replaced. */
export function headersOf({ headers, body: { type } }: Case): Record<string, string> {
  const own = entriesOf(headers).map(([name, value]) => [name, asText(value).replace(/[^\x20-\x7e]/g, '?')])
  return { ...Object.fromEntries(own), ...(type === undefined ? {} : { 'content-type': type }) }
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}

function asText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return (text ?? '').toWellFormed()
}
