import type { TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { Answer, Person, TestServer } from '../../kit/helper.ts'
import { upload } from '../../media/upload.ts'
import { wavOf } from '../../media/wav.ts'
import type { Place } from './table.ts'

/** A field that a route takes: in which part, and the names that lead to it. */
export interface Field {
  readonly part: 'params' | 'querystring' | 'body'
  readonly path: readonly string[]
  readonly schema: TSchema
}

/** The ids that fields are filled with, by their kind; bare. */
export type Ids = Readonly<Record<'user' | 'conv' | 'msg' | 'req' | 'file', string>>

/** Ids of nothing. */
export const NO_IDS: Ids = {
  ...{ user: 'a'.repeat(24), conv: 'b'.repeat(24), msg: 'c'.repeat(24), req: 'd'.repeat(24) },
  file: 'e'.repeat(24)
}

/** Request in its three parts. */
export interface Asked {
  readonly params: Record<string, unknown>
  readonly querystring: Record<string, unknown>
  readonly body: unknown
}

/** Texts of which one suits nearly every field. */
const TEXTS = [
  'Hello',
  'hello',
  'Hello there',
  '012345',
  '+4915112345678',
  'ann@example.com',
  'https://example.com/picture.png',
  '2030-01-01T00:00:00.000Z',
  'correct horse battery',
  'true',
  'de',
  'A'.repeat(22),
  'A'.repeat(43),
  'a'.repeat(64)
]

/** Kind of thing that an id names; `undefined` if it is no id. A chat named by a person is a conversation. */
export function kindOf({ schema, path }: Field): keyof Ids | undefined {
  const pattern = String(patternOf(schema))
  if (!pattern.includes('[0-9a-f]{24}')) return undefined
  const kinds = (['conv', 'msg', 'req', 'user', 'file'] as const).filter(kind => pattern.includes(kind))
  return kinds[0] ?? (/conversation|chat|group/i.test(path.join()) ? 'conv' : 'msg')
}

function patternOf(schema: TSchema): unknown {
  if (schema['pattern'] !== undefined) return schema['pattern']
  if (schema['type'] === 'array') return patternOf(schema['items'])
  return ((schema['anyOf'] ?? []) as TSchema[]).map(patternOf).find(it => it !== undefined)
}

/** Fields of a route, those of objects within its body too. */
export function fieldsOf({ parts }: Pick<Place, 'parts'>): Field[] {
  return (['params', 'querystring', 'body'] as const).flatMap(part => {
    const schema = parts[part]
    return schema === undefined ? [] : inner({ part, path: [], schema })
  })
}

function inner({ part, path, schema }: Field): Field[] {
  if (schema['type'] === 'array') {
    const item = { part, path: [...path, '0'], schema: schema['items'] as TSchema }
    return [item, ...inner(item)]
  }
  const options = ((schema['anyOf'] ?? []) as TSchema[]).filter(({ type }) => type === 'object' || type === 'array')
  if (options.length > 0) return options.flatMap(option => inner({ part, path, schema: option }))
  return Object.entries((schema['properties'] ?? {}) as Record<string, TSchema>).flatMap(([name, child]) => {
    const field = { part, path: [...path, name], schema: child }
    return [field, ...inner(field)]
  })
}

/** Something that a schema allows: an id of the given ones where it wants one. @param isFull with what is optional */
export function sample(schema: TSchema, ids: Ids, isFull: boolean, path: readonly string[] = []): unknown {
  if (schema['const'] !== undefined) return schema['const']
  if (schema['anyOf'] !== undefined) return sample(schema['anyOf'][0], ids, isFull, path)
  if (schema['type'] === 'string') return sampleText(schema, ids, path)
  if (schema['type'] === 'array') return [sample(schema['items'], ids, isFull, path)]
  if (schema['type'] === 'object') return sampleObject(schema, ids, isFull, path)
  return schema['type'] === 'boolean' ? true : (schema['minimum'] ?? 1)
}

function sampleText(schema: TSchema, ids: Ids, path: readonly string[]): string {
  const kind = kindOf({ part: 'body', path, schema })
  // A few take the long form only.
  if (kind !== undefined) return Value.Check(schema, ids[kind]) ? ids[kind] : `${kind}_${ids[kind]}`
  if (path.at(-1) === 'emoji') return '👍'
  if (schema['format'] === 'binary') return 'file'
  if (path.at(-1) === 'sendAt') return new Date(Date.now() + 3_600_000).toISOString()
  // Of what is forwarded, beside what is sent.
  if (path.at(-1) === 'clientId' && path.length > 1) return 'forwarded'
  const suits = TEXTS.find(text => Value.Check(schema, text)) ?? (schema['examples'] as string[] | undefined)?.[0]
  if (suits === undefined) throw new Error(`Nothing suits ${path.join('.')}: ${JSON.stringify(schema)}`)
  return suits
}

function sampleObject(schema: TSchema, ids: Ids, isFull: boolean, path: readonly string[]): object {
  const required = (schema['required'] ?? []) as string[]
  const properties = (schema['properties'] ?? {}) as Record<string, TSchema>
  // An edit has one of two contents, and a range mentions somebody or everyone.
  const isEdit = 'encryptedContent' in properties && !('clientId' in properties)
  const isRange = 'everyone' in properties && 'userId' in properties
  const isLeftOut = (name: string): boolean =>
    (isEdit && name === 'encryptedContent') || (isRange && name === 'everyone')
  const isChosen = (name: string): boolean =>
    !isLeftOut(name) && (isFull || required.includes(name) || (isEdit && name === 'text'))
  const chosen = Object.entries(properties).filter(([name]) => isChosen(name))
  return Object.fromEntries(chosen.map(([name, child]) => [name, sample(child, ids, isFull, [...path, name])]))
}

/** A request that a route takes. */
export function requestFor({ parts }: Place, ids: Ids, isFull: boolean): Asked {
  const of = (schema: TSchema | undefined) => (schema === undefined ? {} : sample(schema, ids, isFull))
  return {
    params: of(parts.params) as Record<string, unknown>,
    querystring: of(parts.querystring) as Record<string, unknown>,
    body: parts.body === undefined ? undefined : of(parts.body)
  }
}

/** The same request with something else in one field. */
export function replaced(asked: Asked, { part, path }: Field, value: unknown): Asked {
  const copy: Record<string, unknown> = { [part]: {}, ...structuredClone({ ...asked, body: asked.body ?? {} }) }
  let at = copy[part] as Record<string, unknown>
  for (const [index, name] of path.slice(0, -1).entries()) {
    if (typeof at[name] !== 'object' || at[name] === null) at[name] = path[index + 1] === '0' ? [] : {}
    at = at[name] as Record<string, unknown>
  }
  at[path.at(-1) ?? ''] = value
  return copy as unknown as Asked
}

/** Asks. Lists in the query are written as repeated names. */
export async function ask(
  server: TestServer,
  who: Pick<Person, 'token'> | undefined,
  { method, url, isForm, headers }: Pick<Place, 'method' | 'url' | 'isForm' | 'headers'>,
  { params, querystring, body }: Asked
): Promise<Answer> {
  const path = url.replace(/:([A-Za-z]+)/g, (_, name: string) => encodeURIComponent(asText(params[name])))
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(querystring)) {
    for (const item of [value].flat()) query.append(name, asText(item))
  }
  const search = query.size > 0 ? `?${query}` : ''
  if (isForm) return await sendForm(server, who, path + search, Object(body))
  const isEmpty = method === 'GET' || headers !== undefined
  return await server.call(who, method, path + search, isEmpty ? undefined : body, headers)
}

/** A form with a recording, which is taken wherever a file is. */
async function sendForm(
  server: TestServer,
  who: Pick<Person, 'token'> | undefined,
  path: string,
  body: Record<string, unknown>
): Promise<Answer> {
  const { file, image, ...rest } = body
  const fields = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, asText(value)]))
  return await upload(server, who, wavOf(1), { name: 'file.wav', path, fields })
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}
