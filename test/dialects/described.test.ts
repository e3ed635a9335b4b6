import t from 'tap'
import type { OpenApi, Operation } from '../fuzz/openapi.ts'
import { requireDialect } from '../kit/dialect-contract.ts'
import { eventProblem } from '../kit/dialect-events.ts'
import { joinServer, type Person } from '../kit/helper.ts'

const DIALECTS = ['mobile', 'unified', 'chatapp', 'reals2chat', 'taatom']

const server = await joinServer(t)

interface Schemas {
  readonly components: {
    readonly schemas: Readonly<Record<string, { readonly properties?: object; readonly type?: string }>>
  }
}

const operationsOf = ({ paths }: OpenApi): [string, Operation][] =>
  Object.entries(paths).flatMap(([url, methods]) =>
    Object.entries(methods).map(([method, it]): [string, Operation] => [`${method.toUpperCase()} ${url}`, it])
  )

t.test('U61: every operation of a dialect says what it answers, field by field, and how it refuses', async t => {
  for (const dialect of DIALECTS) {
    const { body } = await server.call(undefined, 'GET', `/${dialect}/openapi.json`)
    const { components }: Schemas = body
    const isDescribed = ({ responses }: Operation): boolean => {
      const ref = (responses['200'] ?? responses['201'])?.content?.['application/json']?.schema?.$ref
      const schema = components.schemas[ref?.split('/').at(-1) ?? '']
      return schema !== undefined && ('properties' in schema || 'anyOf' in schema || schema.type === 'array')
    }
    const bodies = operationsOf(body).filter(([, it]) => !('text/event-stream' in (it.responses['200']?.content ?? {})))
    for (const [name, it] of bodies) {
      t.ok(isDescribed(it), `${dialect} ${name}`)
      t.ok(it.responses['429']?.$ref, `${dialect} ${name} refuses`)
    }
  }
})

t.test('U61: what is answered and told in tests is compared with that, and an undescribed field is found', async t => {
  const [ann] = (await server.people(1)) as [Person]
  const { status, body } = await server.call(ann, 'GET', '/mobile/users/me')
  const compare = async (changed: unknown) =>
    await requireDialect(server.app, 'GET', '/mobile/users/me', { status, body: changed })
  await t.resolves(compare(body))
  await t.rejects(compare({ ...body, data: { ...body.data, extra: 1 } }), /extra/)
  await t.rejects(compare({ ...body, data: { ...body.data, displayName: undefined } }), /displayName/)
  const told = { conversationId: ann.hex, userId: ann.hex }
  t.equal(eventProblem({ namespace: '/mobile' }, 'typing:start', told), undefined)
  t.match(eventProblem({ namespace: '/mobile' }, 'typing:start', { ...told, extra: 1 }), /extra/)
})

t.test('U61: a body is required exactly where an empty request is refused, and lists are lists', async t => {
  const [ann] = (await server.people(1)) as [Person]
  const requiredOf = async (dialect: string, path: string, method: string) =>
    (await server.call(undefined, 'GET', `/${dialect}/openapi.json`)).body.paths[path][method].requestBody.required
  t.equal(await requiredOf('mobile', '/users/me', 'put'), false)
  t.equal((await server.call(ann, 'PUT', '/mobile/users/me')).status, 200)
  t.equal(await requiredOf('chatapp', '/api/auth/qr', 'post'), false)
  t.equal((await server.call(undefined, 'POST', '/chatapp/api/auth/qr')).status, 201)
  t.equal(await requiredOf('mobile', '/users/me/status', 'put'), true)
  t.equal((await server.call(ann, 'PUT', '/mobile/users/me/status')).status, 400)
  const { components } = (await server.call(undefined, 'GET', '/chatapp/openapi.json')).body as Schemas
  t.equal(components.schemas['ConversationList']?.type, 'array')
  t.ok(Array.isArray((await server.call(ann, 'GET', '/chatapp/api/conversations')).body))
})
