import t from 'tap'
import { Checker } from '../fuzz/checker.ts'
import type { Schema } from '../fuzz/values.ts'
import { joinServer, type TestServer } from '../kit/helper.ts'

interface Media {
  readonly schema: Schema & { readonly $ref?: string; readonly properties?: Record<string, unknown> }
  readonly example?: unknown
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>
}

interface Described {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly parameters?: readonly { readonly name: string; readonly required?: boolean; readonly example?: unknown }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>
}

interface Document {
  readonly servers: unknown
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, unknown>>
    readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, Media>> }>>
  }
}

const PATHS = [
  '/openapi.json',
  ...['mobile', 'unified', 'chatapp', 'reals2chat', 'taatom'].map(name => `/${name}/openapi.json`)
]

const read = async (server: TestServer, path: string): Promise<Document> =>
  (await server.call(undefined, 'GET', path)).body

const operationsOf = ({ paths }: Document): [string, string, Described][] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, it]): [string, string, Described] => [method.toUpperCase(), path, it])
  )

const JSON_TYPE = 'application/json'
const examplesOf = ({ example, examples = {} }: Media): unknown[] =>
  example === undefined ? Object.values(examples).map(({ value }) => value) : [example]

const server = await joinServer(t)

t.test(
  'U62: every operation of every document has a name of its own, a tag that is described, and a server',
  async t => {
    for (const path of PATHS) {
      const document = await read(server, path)
      t.strictSame(document.servers, [{ url: '/' }], path)
      const operations = operationsOf(document)
      const ids = operations.map(([, , { operationId }]) => operationId)
      t.equal(new Set(ids).size, operations.length, `${path}: ${operations.length} names`)
      t.ok(
        ids.every(id => /^[a-z][A-Za-z0-9]+$/.test(id)),
        `${path}: names for programs`
      )
      const tags = new Map(document.tags.map(({ name, description }) => [name, description]))
      for (const [method, url, it] of operations) {
        for (const tag of it.tags) if (!tags.get(tag)) t.fail(`${method} ${url}: ${tag} is not described`)
      }
    }
  }
)

t.test('U62: bodies and refusals are components, each used, and one is the body of every refusal', async t => {
  for (const path of PATHS) {
    const document = await read(server, path)
    const text = JSON.stringify(document)
    for (const name of Object.keys(document.components.schemas)) {
      t.ok(text.includes(`"#/components/schemas/${name}"`), `${path}: ${name} is used`)
    }
    const bodiesOf = ({ requestBody, responses }: Described) =>
      [requestBody ?? {}, ...Object.values(responses)].flatMap(({ content }) => content?.[JSON_TYPE] ?? [])
    const all = operationsOf(document).flatMap(([, , it]) => bodiesOf(it))
    t.strictSame(
      all.filter(({ schema }) => schema.$ref === undefined),
      [],
      `${path}: ${all.length} bodies`
    )
    const refusals = Object.entries(document.components.responses).filter(([name]) => !name.startsWith('RequestHeader'))
    const bodies = refusals.map(([, { content }]) => content[JSON_TYPE]?.schema.$ref)
    t.strictSame(new Set(bodies), new Set(['#/components/schemas/Refusal']), path)
  }
})

t.test('U62: what is no route of the contract is described too, and a picture with each of its types', async t => {
  const { paths } = await read(server, '/openapi.json')
  for (const path of ['/v1/events', '/health/live', '/health/ready', '/metrics']) t.ok(paths[path]?.['get'], path)
  const types = (path: string) => Object.keys(paths[path]?.['get']?.responses['200']?.content ?? {})
  t.strictSame(types('/v1/auth/qr/{token}/image'), ['image/png', 'image/svg+xml', 'text/plain'])
  t.strictSame(types('/v1/events'), ['text/event-stream'])
  for (const path of ['/health/live', '/health/ready', '/metrics']) {
    const { headers } = await server.call(undefined, 'GET', path)
    t.strictSame(types(path), [headers.get('content-type')?.split(';')[0]], path)
  }
})

t.test('U60: every example is as its schema says, and everything that is required has one', async t => {
  const document = await read(server, '/openapi.json')
  const checker = new Checker(document)
  const check = (where: string, content: Readonly<Record<string, Media>> = {}): void => {
    const media = content[JSON_TYPE]
    if (media === undefined) return
    const examples = examplesOf(media)
    t.ok(examples.length > 0, where)
    for (const it of examples) t.equal(checker.problemOf(media.schema, it), undefined, `${where} ${JSON.stringify(it)}`)
  }
  for (const [method, path, { parameters = [], requestBody, responses }] of operationsOf(document)) {
    check(`${method} ${path}`, requestBody?.content)
    for (const [status, { content }] of Object.entries(responses)) check(`${method} ${path} ${status}`, content)
    for (const { name, required = false, example } of parameters) {
      t.equal(example !== undefined, required, `${method} ${path}: pages send every example, of ${name}`)
    }
  }
  for (const [name, { content }] of Object.entries(document.components.responses)) {
    if (!name.startsWith('RequestHeader')) check(name, content)
  }
})

t.test('U60: the documented examples can be sent as they are: register, sign in, open a chat, send, read', async t => {
  const document = await read(server, '/openapi.json')
  const first = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, it]) => ({ method: method.toUpperCase(), path, it }))
  )
  t.equal(first[0]?.it.operationId, 'register', 'what comes first stands first')
  const named = (id: string) => first.find(({ it }) => it.operationId === id)
  let token = ''
  // As the page does: an id of an example stands for the last of its kind.
  const last = new Map<string, string>()
  const run = async (id: string) => {
    const found = named(id)
    if (found === undefined) throw new Error(`There is no ${id}`)
    const { method, path, it } = found
    const media = it.requestBody?.content[JSON_TYPE]
    const url = path.replace(/\{(\w+)\}/g, (_, name) => String(it.parameters?.find(p => p.name === name)?.example))
    const known = (text: string) =>
      text.replace(/(\w+)_64b7f0c2a1d3e4f5a6b7c8d9/g, (all, kind) => last.get(kind) ?? all)
    const body = media === undefined ? undefined : known(JSON.stringify(examplesOf(media)[0]))
    const answer = await server.call(token === '' ? undefined : { token }, method, known(url), body)
    token = answer.body?.accessToken ?? token
    for (const [found, kind = ''] of answer.text.matchAll(/(\w+?)_[0-9a-f]{24}/g)) last.set(kind, found)
    return answer
  }
  t.equal((await run('register')).status, 201)
  t.equal((await run('login')).status, 200)
  t.equal((await run('createConversation')).status, 201)
  const sent = await run('sendMessage')
  t.equal(sent.status, 201)
  const { messages } = (await run('getHistory')).body
  t.match(messages.at(-1), { id: sent.body.id, clientId: 'first', text: 'Are you there?' })
  for (const id of ['setReceipt', 'addReaction', 'editMessage', 'updateMe', 'updateSettings', 'setPreferences']) {
    t.equal((await run(id)).status, 200, id)
  }
})
