import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { joinServer, type Person, type TestServer } from '../kit/helper.ts'

/** A request with exactly these headers and bytes. */
async function ask(
  server: TestServer,
  method: string,
  path: string,
  { headers = {}, body = Buffer.alloc(0) }: { headers?: Record<string, string>; body?: Buffer }
): Promise<{ status: number | undefined; text: string }> {
  return await new Promise((resolve, reject) => {
    const asked = request(server.url + path, { method, headers }, async response =>
      resolve({ status: response.statusCode, text: await text(response) })
    )
    asked.on('error', reject).end(body)
  })
}

t.test('U08: where there is no body its type does not matter', async t => {
  const server = await joinServer(t)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  const group = await server.group(ann, ben, cleo)
  const json = { 'content-type': 'application/json' }
  const empty = async (who: Person, method: string, path: string, more: Record<string, string> = {}) =>
    (await ask(server, method, path, { headers: { ...json, ...more, authorization: `Bearer ${who.token}` } })).status
  t.equal(await empty(ben, 'DELETE', `/v1/conversations/${group}/messages`), 200)
  t.equal(
    await empty(ann, 'DELETE', `/v1/conversations/${group}/members/${cleo.id}`, { 'transfer-encoding': 'chunked' }),
    200
  )
  t.equal(await empty(ben, 'POST', `/v1/conversations/${group}/leave`, { 'content-length': '0' }), 200)
  t.equal(await empty(ben, 'DELETE', `/v1/blocks/${ann.id}`), 204)
  const needed = await ask(server, 'POST', '/v1/auth/login', { headers: json })
  t.equal(needed.status, 400, 'a body that is needed is')
  t.match(needed.text, /"bad_frame"/)
})

t.test('U17: an Idempotency-Key is the same bare and in quotes, and may be base64', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const path = `/v1/conversations/${await server.direct(ann, ben)}/messages`
  const send = async (key: string) =>
    await server.call(ann, 'POST', path, { text: 'hello' }, { 'idempotency-key': key })
  for (const key of ['8e03978e-40d5-43dd-bc93-6894a57f9324', 'q83v+Zm9v/YmFy==']) {
    const first = await send(`"${key}"`)
    t.equal(first.status, 201)
    t.match(await send(key), { status: 200, body: { id: first.body.id, duplicate: true } })
  }
  for (const wrong of ['"half', 'a b', '""', `"${'x'.repeat(65)}"`]) t.equal((await send(wrong)).status, 400, wrong)
})

t.test('U36: slashes that are doubled or last do not count', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  await server.direct(ann, ben)
  const paths = [
    '//v1/users/me',
    '/v1/users/me/',
    '/v1//users/me',
    '/health/live/',
    '/conversations/',
    '/api/conversations/'
  ]
  for (const path of [...paths, '//unified//conversations/'])
    t.equal((await server.call(ann, 'GET', path)).status, 200, path)
  for (const path of ['/ws/', '//ws', '/unified/../ws/']) {
    const socket = await server.socket(path)
    t.match(await socket.ask('hello', { token: ann.token }), { connectionId: String }, path)
  }
})

t.test('U44: a compressed body is refused by its name', async t => {
  const server = await joinServer(t)
  const { token } = await server.person()
  for (const path of ['/v1/conversations', '/messages', '/api/messages']) {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip', authorization: `Bearer ${token}` }
    const answer = await ask(server, 'POST', path, { headers, body: gzipSync('{}') })
    t.equal(answer.status, 415, path)
    t.match(answer.text, /unsupported_media_type/)
    headers['content-encoding'] = 'identity'
    t.not((await ask(server, 'POST', path, { headers, body: Buffer.from('{}') })).status, 415, path)
  }
})

t.test('U65: what has several forms names the field of the form that is meant', async t => {
  const server = await joinServer(t)
  const { token } = await server.person()
  for (const [body, message] of [
    [{ type: 'direct' }, 'body/userId is required'],
    [{ type: 'direct', userId: 'u2' }, 'body/userId does not have the right form'],
    [{ type: 'group', name: 'x', memberIds: ['zz'] }, 'body/memberIds/0 does not have the right form'],
    [{ type: 'other' }, 'body is not valid'],
    [[], 'body is not valid']
  ] as const)
    t.match((await server.call({ token }, 'POST', '/v1/conversations', body)).body.error, { code: 'invalid', message })
})
