import t from 'tap'
import type { Receipt } from '../../protocol/conversations/entities.ts'
import { UserStore } from '../../src/users/store.ts'
import { joinServer, type Person, type TestServer } from '../kit/helper.ts'
import { StreamClient } from '../kit/stream-client.ts'
import { Writes } from '../kit/writes.ts'

t.test('bodies that are no JSON, and paths and methods that do not exist', async t => {
  const server = await joinServer(t)
  const post = async (type: string | undefined, payload: string) => {
    const headers = type === undefined ? {} : { 'content-type': type }
    const response = await server.app.inject({ method: 'POST', url: '/v1/auth/login', headers, payload })
    return [response.statusCode, response.json().error.code]
  }
  t.same(await post('application/json', '{"text":'), [400, 'bad_frame'])
  t.same(await post('application/json', ''), [400, 'bad_frame'])
  t.same(await post('application/json', '{"__proto__":{"a":1}}'), [400, 'bad_frame'])
  t.same(await post('application/json', '{"\\u005f_proto__":{"a":1}}'), [400, 'bad_frame'])
  t.same(await post('application/json', 'null'), [400, 'invalid'])
  t.same(await post('text/plain', '{}'), [415, 'unsupported_media_type'])
  t.same(await post('application/x-www-form-urlencoded', 'a=b'), [415, 'unsupported_media_type'])
  t.same(await post(undefined, '{}'), [415, 'unsupported_media_type'])
  t.same(await post('application/json', JSON.stringify({ password: 'x'.repeat(2 ** 20) })), [413, 'too_large'])
  const wrong = await server.app.inject({ method: 'PUT', url: '/v1/users/me?x=1' })
  t.equal(wrong.statusCode, 405)
  t.equal(wrong.headers['allow'], 'GET, HEAD, PATCH')
  t.equal(wrong.json().error.code, 'method_not_allowed')
  const unreadable = await server.app.inject({ method: 'GET', url: '/v1/users/%zz' })
  t.match([unreadable.statusCode, unreadable.json()], [400, { error: { code: 'invalid', requestId: /./ } }])
  const unknown = await server.app.inject({ method: 'GET', url: '/v1/users/me/too/far' })
  t.match(unknown.json(), { error: { code: 'not_found', requestId: /./ } })
})

t.test('HEAD answers as GET does, without the body, and ends a stream', async t => {
  const server = await joinServer(t)
  const person = await server.person()
  for (const path of ['/v1/users/me', '/v1/users/me/too/far', '/taatom/api/v1/chat']) {
    const get = await server.call(person, 'GET', path)
    const head = await server.call(person, 'HEAD', path)
    t.same([head.status, head.text], [get.status, ''], path)
    t.same(head.headers.get('content-length'), get.headers.get('content-length'), path)
    t.same(head.headers.get('content-type'), get.headers.get('content-type'), path)
  }
  const device = { id: 'laptop', name: 'Laptop', platform: 'web' }
  const qr = await server.call(undefined, 'POST', '/v1/auth/qr', { device })
  const secret = { 'device-secret': qr.body.deviceSecret }
  const watched = await server.call(undefined, 'HEAD', `/v1/auth/qr/${qr.body.token}/events`, undefined, secret)
  t.same([watched.status, watched.text], [200, ''])
})

t.test('U23: HEAD of an event stream is answered at once, is no connection, and uses nothing up', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const { ticket } = (await server.call(ben, 'POST', '/v1/auth/tickets')).body
  await server.call(ann, 'POST', `/v1/conversations/${conversationId}/messages`, { clientId: 'a', text: 'Hello' })
  for (const path of ['/api/sse', '/v1/events', '/chatapp/api/sse', `/v1/events?ticket=${ticket}`]) {
    const { status, headers, text } = await server.call(ben, 'HEAD', path)
    t.same([status, headers.get('content-type'), text], [200, 'text/event-stream; charset=utf-8', ''], path)
  }
  t.match((await server.call(undefined, 'GET', '/metrics')).text, /^parley_connections 0$/m)
  const { receipts } = (await server.call(ann, 'GET', `/v1/conversations/${conversationId}/members`)).body
  t.equal(receipts.find(({ userId }: Receipt) => userId === ben.id)?.deliveredSeq, 0, 'nothing is delivered')
  const stream = await StreamClient.open(t, `${server.url}/v1/events?ticket=${ticket}`)
  t.ok(await stream.hear('ready'))
})

/** Paths of every GET that a document of the server names, once with each of the values in the place of parameters. */
async function pathsOfGet(server: TestServer, values: readonly string[]): Promise<{ pattern: string; path: string }[]> {
  const documents = ['', '/mobile', '/unified', '/chatapp', '/reals2chat', '/taatom'].map(async dialect => {
    const { paths } = (await server.call(undefined, 'GET', `${dialect}/openapi.json`)).body
    return Object.keys(paths)
      .filter(path => paths[path].get !== undefined)
      .map(path => dialect + path)
  })
  return (await Promise.all(documents))
    .flat()
    .flatMap(pattern =>
      (pattern.includes('{') ? values : ['']).map(it => ({ pattern, path: pattern.replaceAll(/\{\w+\}/g, it) }))
    )
}

t.test('U23: HEAD of a GET that makes or marks something does neither', async t => {
  const server = await joinServer(t)
  const [ann, ben, cy] = (await server.people(3)) as [Person, Person, Person]
  const conversationId = await server.direct(ann, ben)
  const sent = { clientId: 'a', text: 'Hello' }
  const { id } = (await server.call(ann, 'POST', `/v1/conversations/${conversationId}/messages`, sent)).body
  const { token } = (await server.call(ben, 'POST', '/v1/auth/qr', { device: { id: 'laptop' } })).body
  const values = [conversationId, ann.hex, ann.id, cy.hex, cy.id, id, token]
  const writes = await Writes.watch(t, server.uri)
  const refused = new Set<string>()
  for (const { pattern, path } of await pathsOfGet(server, values)) {
    const { status } = await server.call(ben, 'HEAD', path)
    if (status === 405) refused.add(pattern)
  }
  t.same(await writes.take(), [])
  t.same([...refused].sort(), [
    '/chatapp/api/messages/{id}',
    '/reals2chat/api/messages/{otherUserId}',
    '/taatom/api/v1/chat/{otherUserId}'
  ])
  const paths = [`/api/v1/chat/${cy.hex}`, `/api/messages/${conversationId}`, `/api/messages/${ann.hex}`]
  for (const path of paths) {
    const { status, headers, text } = await server.call(ben, 'HEAD', path)
    t.same([status, text], [405, ''], path)
    t.notMatch(headers.get('allow'), 'HEAD')
  }
  t.same(await writes.take(), [])
  for (const path of paths) t.equal((await server.call(ben, 'GET', path)).status, 200, path)
  t.not((await writes.take()).length, 0, 'GET still does')
})

t.test('a bug is told as internal, and nothing of it leaves', async t => {
  const server = await joinServer(t)
  const { accessToken } = await server.signUp()
  t.capture(UserStore.prototype, 'find', async () => {
    throw new Error('mongodb://user:secret@db is on fire')
  })
  const { status, text } = await server.call({ token: accessToken }, 'GET', '/v1/users/me')
  t.equal(status, 500)
  t.match(JSON.parse(text), { error: { code: 'internal', message: 'Something went wrong', retry: 'later' } })
})
