import type { TSchema } from '@sinclair/typebox'
import t from 'tap'
import { CLOSE } from '../../protocol/close.ts'
import { commands, routes } from '../../protocol/index.ts'
import type { Person } from '../helper.ts'
import { type Scene, scene, unharmed } from './scene.ts'

/** Values that an attacker writes where text belongs. */
const NOT_TEXT: readonly unknown[] = [
  { $ne: null },
  { $gt: '' },
  { $regex: '.*' },
  { _bsontype: 'ObjectId' },
  ['x'],
  [],
  {},
  5,
  true,
  null
]

type Whole = (part: unknown) => unknown

/** Places where a schema has text: the path, and an example of the whole with something else there. */
function* withWrongText(schema: TSchema, whole: Whole, path: string): Iterable<[string, unknown]> {
  if (schema['type'] === 'string')
    for (const wrong of NOT_TEXT) yield [`${path} = ${JSON.stringify(wrong)}`, whole(wrong)]
  else if (schema['type'] === 'array') yield* withWrongText(schema['items'], part => whole([part]), `${path}[]`)
  else if (schema['type'] === 'object') yield* inFields(schema, whole, path)
  else for (const option of (schema['anyOf'] ?? []) as TSchema[]) yield* withWrongText(option, whole, path)
}

function* inFields(schema: TSchema, whole: Whole, path: string): Iterable<[string, unknown]> {
  const example = exampleOf(schema) as object
  for (const [name, child] of Object.entries((schema['properties'] ?? {}) as Record<string, TSchema>)) {
    yield* withWrongText(child, part => whole({ ...example, [name]: part }), `${path}.${name}`)
  }
}

/** Something that the schema allows, with what it requires. */
function exampleOf(schema: TSchema): unknown {
  if (schema['const'] !== undefined) return schema['const']
  if (schema['anyOf'] !== undefined) return exampleOf(schema['anyOf'][0])
  if (schema['type'] === 'string') return schema['examples']?.[0] ?? 'abcdefgh'
  if (schema['type'] === 'array') return [exampleOf(schema['items'])]
  if (schema['type'] === 'object') return exampleObject(schema)
  return schema['type'] === 'boolean' ? true : (schema['minimum'] ?? 0)
}

function exampleObject(schema: TSchema): object {
  const required = (schema['required'] ?? []) as string[]
  return Object.fromEntries(required.map(name => [name, exampleOf(schema['properties'][name])]))
}

/** Requests that have something else where text belongs. */
function* badBodies({
  ann,
  conversationId,
  messageId
}: Scene): Iterable<[Person | undefined, string, string, unknown]> {
  for (const { method, url, schema, isPublic } of routes) {
    const filled = url
      .replace(':conversationId', conversationId)
      .replace(':messageId', messageId)
      .replace(':userId', ann.id)
    if (schema.body === undefined) continue
    for (const [, body] of withWrongText(schema.body, part => part, 'body')) {
      yield [isPublic ? undefined : ann, method, `/v1${filled}`, body]
    }
  }
}

t.test('every text of every route’s body: operators, arrays, numbers and objects are refused', async t => {
  const it = await scene(t)
  let count = 0
  await unharmed(t, it, async () => {
    for (const [who, method, path, body] of badBodies(it)) {
      const answer = await it.server.call(who, method, path, body)
      t.match(
        answer,
        { status: 400, body: { error: { code: 'invalid' } } },
        `${method} ${path} ${JSON.stringify(body)}`
      )
      count += 1
    }
  })
  t.ok(count > 150, `${count} bodies`)
})

t.test('every text of every command: operators, arrays, numbers and objects are refused', async t => {
  const it = await scene(t)
  const { server, ann } = it
  const bad = commands.flatMap(({ type, data }) =>
    [...withWrongText(data, part => part, type)].map(([name, wrong]) => ({ type, name, wrong }))
  )
  await unharmed(t, it, async () => {
    const socket = await server.connect(ann)
    for (const { type, name, wrong } of bad.filter(it => it.type !== 'hello')) {
      t.match(await socket.refused(type, wrong), { code: 'invalid' }, name)
    }
    for (const { name, wrong } of bad.filter(it => it.type === 'hello')) {
      const fresh = await server.socket()
      t.match(await fresh.refused('hello', wrong), { code: 'invalid' }, name)
      t.equal((await fresh.closed).code, CLOSE.bad_frame)
    }
  })
  t.ok(bad.length > 200, `${bad.length} commands`)
})
