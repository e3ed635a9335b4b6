import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TSchema } from '@sinclair/typebox'
import t, { type Test } from 'tap'
import { CLOSE } from '../protocol/close.ts'
import { ERRORS, type ErrorCode } from '../protocol/errors.ts'
import { commands, routes } from '../protocol/index.ts'
import { dump, openDatabase } from './dump.ts'
import { mintToken, type Person, SECRET, startServer, type TestServer } from './helper.ts'
import { SocketClient } from './socket-client.ts'

const NOBODY = 'a'.repeat(24)

/** What an attacker writes where text belongs. */
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

/** A server with something in it, and a person whose requests are bad. */
interface Scene {
  server: TestServer
  ann: Person
  conversationId: string
  messageId: string
}

async function scene(t: Test, env: Record<string, string> = {}): Promise<Scene> {
  const server = await startServer(t, { env: { LIMITS_REFUSALS_PER_TEN_SECONDS: '1000000', ...env } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.group(ann, ben)
  const body = { clientId: 'm', text: 'Hello' }
  const { id } = (await server.call(ann, 'POST', `/v1/conversations/${conversationId}/messages`, body)).body
  return { server, ann, conversationId, messageId: id }
}

/** Afterwards the same process is there, healthy, and holds what it held. */
async function unharmed(t: Test, { server }: Scene, attack: () => Promise<void>): Promise<void> {
  const client = await openDatabase(t, server.uri)
  const before = await dump(client)
  const crashes: unknown[] = []
  const crashed = (error: unknown): unknown => crashes.push(error)
  process.on('unhandledRejection', crashed).on('uncaughtException', crashed)
  await attack()
  t.equal((await server.call(undefined, 'GET', '/health/ready')).status, 200, 'healthy')
  t.same(await dump(client), before, 'nothing has changed')
  process.off('unhandledRejection', crashed).off('uncaughtException', crashed)
  t.same(crashes, [], 'nothing was thrown past everybody')
}

/** Sends bytes as they are. @returns everything the server says until it or we close */
async function raw({ url }: TestServer, ...parts: (string | Buffer)[]): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  let answer = ''
  socket
    .on('error', () => undefined)
    .on('data', data => {
      answer += data.toString('latin1')
      // One answer is enough where the server would keep the connection.
      if (/\r\n\r\n(.*\}|)$/s.test(answer) && !/content-length: (?!0)/i.test(answer.split('\r\n\r\n')[1] ?? ''))
        socket.end()
    })
  for (const part of parts) socket.write(part)
  await once(socket, 'close')
  return answer
}

function expectError(t: Test, answer: { status: number; body: unknown }, code: ErrorCode, name: string): void {
  const { status, retry } = ERRORS[code]
  t.match(answer, { status, body: { error: { code, message: /./, retry, requestId: String } } }, `${name} → ${code}`)
}

t.test('REST: bodies', async t => {
  const it = await scene(t)
  const { server, ann, conversationId } = it
  const path = `/v1/conversations/${conversationId}/messages`
  const json = (value: unknown): string => JSON.stringify(value)
  const send = (text: string): string => json({ clientId: 'x', text })
  const table: [string, string | undefined, ErrorCode, Record<string, string>?][] = [
    ['B1 cut off', '{"text":', 'bad_frame'],
    ['B2 empty', '', 'bad_frame', { 'content-type': 'application/json' }],
    ['B3 a form', 'text=x', 'unsupported_media_type', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['B3 a kind of JSON', send('x'), 'unsupported_media_type', { 'content-type': 'application/json-patch+json' }],
    ['B3 garbage after the type', send('x'), 'unsupported_media_type', { 'content-type': 'application/json garbage' }],
    ['B4 plain text', send('x'), 'unsupported_media_type', { 'content-type': 'text/plain' }],
    ...['[]', 'null', '"x"', '1', 'true'].map(body => [`B5 ${body}`, body, 'invalid'] as [string, string, ErrorCode]),
    ['B6 an unknown field', json({ clientId: 'x', text: 'x', role: 'admin' }), 'invalid'],
    ['B7 a number', json({ clientId: 'x', text: 5 }), 'invalid'],
    ['B8 an operator', json({ clientId: { $ne: null }, text: 'x' }), 'invalid'],
    ['B9 __proto__', '{"clientId":"x","text":"x","__proto__":{"a":1}}', 'bad_frame'],
    ['B9 __proto__, escaped', '{"clientId":"x","text":"x","\\u005f_proto__":{"a":1}}', 'bad_frame'],
    ['B9 constructor.prototype', '{"clientId":"x","text":"x","constructor":{"prototype":{"a":1}}}', 'bad_frame'],
    ['B13 over the bytes', send('é'.repeat(8_193)), 'too_large'],
    ['B13 over the characters', send('x'.repeat(16_385)), 'invalid'],
    ...['', ' ', '\n\t ', '\u200b\u200d', '\u202e\u2066'].map(
      text => [`B14 nothing to see: ${json(text)}`, send(text), 'invalid'] as [string, string, ErrorCode]
    ),
    ['B15 half a surrogate pair', '{"clientId":"x","text":"a\\ud800"}', 'invalid'],
    ...['\u0000', '\u0007', '\u001b', '\u007f'].map(
      text => [`B16 a control character: ${json(text)}`, send(`a${text}`), 'invalid'] as [string, string, ErrorCode]
    ),
    ['B18 one endless character', send(`a${'\u0301'.repeat(10_000)}`), 'too_large'],
    ['B20 a body too large', send('x'.repeat(131_072)), 'too_large'],
    ['C5 no clientId', json({ text: 'x' }), 'invalid'],
    ['C5 a clientId too long', json({ clientId: 'x'.repeat(65), text: 'x' }), 'invalid'],
    ['C5 an empty clientId', json({ clientId: '', text: 'x' }), 'invalid'],
    ['C6 quoting nothing', json({ clientId: 'x', text: 'x', replyTo: NOBODY }), 'not_found'],
    ...['seq', 'rev', 'createdAt', 'senderId', 'type', 'id'].map(
      name =>
        [`C8 ${name}`, json({ clientId: 'x', text: 'x', [name]: 'text' }), 'invalid'] as [string, string, ErrorCode]
    )
  ]
  await unharmed(t, it, async () => {
    for (const [name, body, code, headers = {}] of table)
      expectError(t, await server.call(ann, 'POST', path, body, headers), code, name)
    const deep = `{"clientId":"x","text":${'['.repeat(400)}${']'.repeat(400)}}`
    const startedAt = performance.now()
    expectError(t, await server.call(ann, 'POST', path, deep), 'invalid', 'B19 nested')
    t.ok(performance.now() - startedAt < 10_000)
    expectError(
      t,
      await server.call(ann, 'POST', path, send('x'), { 'idempotency-key': 'no blanks' }),
      'invalid',
      'C5 the header'
    )
    const noType = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ann.token}` },
      body: new Uint8Array(Buffer.from(send('x')))
    })
    expectError(t, { status: noType.status, body: await noType.json() }, 'unsupported_media_type', 'B3 no type')
    const binary = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ann.token}`, 'content-type': 'application/json' },
      body: new Uint8Array(
        Buffer.concat([Buffer.from('{"clientId":"x","text":"a'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')])
      )
    })
    expectError(t, { status: binary.status, body: await binary.json() }, 'bad_frame', 'B17 no UTF-8')
  })
})

t.test('REST: paths, queries, methods', async t => {
  const it = await scene(t)
  const { server, ann, conversationId, messageId } = it
  const base = `/v1/conversations/${conversationId}`
  const queries = [
    'limit=0',
    'limit=-1',
    'limit=101',
    'limit=1e9',
    'limit=abc',
    'limit=1&limit=2',
    'limit[$gt]=1',
    'limit=',
    'limit=1.5'
  ]
  const positions = ['before=-1', 'after=9007199254740993', 'around=x', 'before=1&after=2', 'after[$ne]=1', 'unknown=1']
  const ids = [
    'short',
    'a'.repeat(23),
    'A'.repeat(24),
    '%00',
    '%2e%2e%2f',
    '[object%20Object]',
    `msg_${NOBODY}`,
    'a'.repeat(65),
    `conv_${NOBODY}%0a`
  ]
  const table: [string, string, ErrorCode, object?][] = [
    ...queries.map(query => ['GET', `/v1/conversations?${query}`, 'invalid'] as [string, string, ErrorCode]),
    ...[...queries, ...positions].map(
      query => ['GET', `${base}/messages?${query}`, 'invalid'] as [string, string, ErrorCode]
    ),
    ...['x', '1_x', `1_${NOBODY}x`, '%00'].map(
      after => ['GET', `/v1/conversations?after=${after}`, 'invalid'] as [string, string, ErrorCode]
    ),
    ['DELETE', `${base}/messages/${messageId}?scope=all`, 'invalid'],
    ['GET', '/v1/presence?ids=x', 'invalid'],
    ['GET', '/v1/presence', 'invalid'],
    ['GET', `/v1/users/search?q=${'x'.repeat(65)}`, 'invalid'],
    ['GET', '/v1/users/search?q[$ne]=x', 'invalid'],
    ['GET', `/v1/conversations/${NOBODY}`, 'not_found'],
    ['GET', `/v1/users/${NOBODY}`, 'not_found'],
    ['DELETE', `/v1/sessions/${NOBODY}`, 'not_found'],
    ['GET', '/v1/conversations/%zz', 'invalid'],
    ['GET', '/v1/no/such/path', 'not_found'],
    ['GET', '/V1/users/me', 'not_found'],
    ['GET', '/v1//users/me', 'not_found'],
    ['GET', '/', 'not_found'],
    ['PUT', base, 'method_not_allowed'],
    ['DELETE', '/v1/conversations', 'method_not_allowed'],
    ['GET', '/v1/auth/login', 'method_not_allowed'],
    ['POST', '/ws', 'method_not_allowed', {}],
    ['POST', `${base}/receipts`, 'invalid', {}],
    ['POST', `${base}/receipts`, 'invalid', { readSeq: -1 }],
    ['POST', `${base}/receipts`, 'invalid', { readSeq: 1.5 }],
    ['POST', `${base}/receipts`, 'invalid', { readSeq: '1' }],
    ['POST', `${base}/receipts`, 'invalid', { readSeq: Number.MAX_SAFE_INTEGER + 1 }],
    ['POST', `${base}/typing`, 'invalid', { isTyping: 'yes' }],
    ['PATCH', base, 'invalid', { avatarUrl: 'javascript:alert(1)' }],
    ['PATCH', base, 'invalid', { name: 'x'.repeat(129) }],
    ['POST', '/v1/conversations', 'invalid', { type: 'group', name: 'x', memberIds: [] }],
    ['POST', '/v1/conversations', 'invalid', { type: 'group', name: 'x', memberIds: [ann.id, ann.id] }],
    ['POST', '/v1/conversations', 'invalid', { type: 'group' }],
    ['POST', '/v1/conversations', 'invalid', { type: 'support' }],
    ['POST', '/v1/conversations', 'invalid', { type: 'direct', userId: ann.id }]
  ]
  await unharmed(t, it, async () => {
    for (const [method, path, code, body] of table)
      expectError(t, await server.call(ann, method, path, body), code, `${method} ${path}`)
    for (const id of ids) {
      const { status, body } = await server.call(ann, 'GET', `/v1/conversations/${id}`)
      t.ok(status === 400 || status === 404, `B25 ${id} → ${status}`)
      t.match(body, { error: { code: /^(invalid|not_found)$/ } })
    }
    const wrong = await server.call(ann, 'PUT', base)
    t.match(wrong.headers.get('allow'), /GET.*PATCH/, 'B30 says what the path takes')
  })
})

t.test('HTTP: what is no proper request', async t => {
  const it = await scene(t)
  const { server, ann } = it
  const auth = `Host: x\r\nAuthorization: Bearer ${ann.token}\r\n`
  const path = '/v1/users/me'
  const table: [string, string, RegExp][] = [
    [
      'B21 two ways to tell the length',
      `POST ${path} HTTP/1.1\r\n${auth}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      /^HTTP\/1\.1 400/
    ],
    [
      'B21 two lengths',
      `POST ${path} HTTP/1.1\r\n${auth}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
      /^HTTP\/1\.1 400/
    ],
    ['B21 a negative length', `POST ${path} HTTP/1.1\r\n${auth}Content-Length: -1\r\n\r\n`, /^HTTP\/1\.1 400/],
    ['B22 no host', `GET ${path} HTTP/1.1\r\n\r\n`, /^HTTP\/1\.1 400/],
    ['B23 large headers', `GET ${path} HTTP/1.1\r\n${auth}X-Large: ${'x'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431/],
    ['B31 no such method', `FOO ${path} HTTP/1.1\r\n${auth}\r\n`, /^HTTP\/1\.1 400/],
    ['B31 TRACE', `TRACE ${path} HTTP/1.1\r\n${auth}Connection: close\r\n\r\n`, /^HTTP\/1\.1 40[45]/],
    [
      'B32 a whole address, no token',
      `GET http://x${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      /^HTTP\/1\.1 40[14]/
    ],
    [
      'B26 no UTF-8 in the path',
      `GET /v1/conversations/%ff HTTP/1.1\r\n${auth}Connection: close\r\n\r\n`,
      /^HTTP\/1\.1 400/
    ],
    [
      'W1 an upgrade without a key',
      `GET /ws HTTP/1.1\r\n${auth}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      /^HTTP\/1\.1 400/
    ],
    [
      'W1 an old version',
      `GET /ws HTTP/1.1\r\n${auth}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 12\r\n\r\n`,
      /^HTTP\/1\.1 4(00|26)/
    ],
    ['not HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n', /^HTTP\/1\.1 400/]
  ]
  await unharmed(t, it, async () => {
    for (const [name, request, answer] of table) t.match(await raw(server, request), answer, name)
    const chunk = 'x'.repeat(65_536)
    const chunked = `${chunk.length.toString(16)}\r\n${chunk}\r\n`
    const head = `POST ${path} HTTP/1.1\r\n${auth}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`
    const methodful = head.replace(`POST ${path}`, 'PATCH /v1/users/me')
    t.match(await raw(server, methodful, chunked, chunked, chunked), /^HTTP\/1\.1 413/, 'B20 too large, in chunks')
  })
  const http = server.app.server
  t.ok(http.headersTimeout > 0 && http.headersTimeout <= 10_000, 'O1 slow headers end')
  t.ok(http.requestTimeout > http.headersTimeout && http.requestTimeout <= 30_000, 'O1 a slow body ends')
})

function token(header: unknown, claims: unknown): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(claims)}.${randomBytes(32).toString('base64url')}`
}

t.test('Tokens: what is not exactly right is refused at every door', async t => {
  const it = await scene(t)
  const { server, ann } = it
  const exp = Math.floor(Date.now() / 1_000) + 600
  const [head, body, signature] = ann.token.split('.') as [string, string, string]
  const expired = Math.floor(Date.now() / 1_000) - 2
  const table: [string, string, ErrorCode?][] = [
    ['A2 garbage', 'garbage'],
    ['A2 three letters', 'a.b.c'],
    ['A2 8 KB', 'x'.repeat(8_000)],
    ['A2 tampered', `${head}.${body.slice(0, -2)}AA.${signature}`],
    ['A2 no signature', `${head}.${body}.`],
    ['A3 alg none', `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`],
    ['A2 another key', token({ alg: 'HS256', typ: 'JWT' }, { sub: ann.hex, exp })],
    ...['HS384', 'HS512', 'RS256', 'none', ['HS256'], undefined].map(
      alg => [`A4 alg ${JSON.stringify(alg)}`, token({ alg, typ: 'JWT' }, { sub: ann.hex, exp })] as [string, string]
    ),
    ['A4 an array', token({ alg: 'HS256' }, [1])],
    ['A4 null', token({ alg: 'HS256' }, null)],
    ['A4 not begun', await mintToken(ann.hex, { nbf: exp })],
    ['A5 nobody', await mintToken('')],
    ['A5 somebody who is an operator', await mintToken(ann.hex, { sub: { $ne: null } })],
    ['A5 a refresh token', await mintToken(ann.hex, { typ: 'refresh' })],
    ['A5 a session of nobody', await mintToken(ann.hex, { sid: NOBODY, typ: 'access' })]
  ]
  await unharmed(t, it, async () => {
    for (const [name, value, code = 'unauthenticated'] of table) {
      const who = { ...ann, token: value }
      const answer = await server.call(who, 'GET', '/v1/users/me')
      expectError(t, answer, code, name)
      t.match(answer.headers.get('www-authenticate'), /^Bearer/)
      const socket = await server.socket()
      t.match(await socket.refused('hello', { token: value }), { code, retry: 'auth' }, `${name}: in hello`)
      t.equal((await socket.closed).code, CLOSE.auth_invalid)
      const upgraded = await server.socket('/ws', { authorization: `Bearer ${value}` })
      t.equal((await upgraded.closed).code, CLOSE.auth_invalid, `${name}: at the upgrade`)
    }
    for (const header of ['', 'Basic YTpi', 'Bearer', 'Bearer ']) {
      expectError(
        t,
        await server.call(undefined, 'GET', '/v1/users/me', undefined, header ? { authorization: header } : {}),
        'unauthenticated',
        `A1 ${header}`
      )
    }
    const old = await expiredToken(ann.hex, expired)
    expectError(t, await server.call({ ...ann, token: old }, 'GET', '/v1/users/me'), 'token_expired', 'A6')
    const socket = await server.socket()
    t.match(await socket.refused('hello', { token: old }), { code: 'token_expired' })
    t.equal((await socket.closed).code, CLOSE.auth_expired)
    for (const value of [ann.token, 'x', 'x'.repeat(256)]) {
      expectError(
        t,
        await server.call(undefined, 'POST', '/v1/auth/refresh', { refreshToken: value.slice(0, 256) }),
        'unauthenticated',
        'A7'
      )
    }
    const byTicket = await server.socket('/ws?ticket=nonsense')
    t.equal((await byTicket.closed).code, CLOSE.auth_invalid)
  })
})

async function expiredToken(hex: string, exp: number): Promise<string> {
  const { SignJWT } = await import('jose')
  const jwt = new SignJWT({ sub: hex }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime(exp)
  return await jwt.sign(new TextEncoder().encode(SECRET))
}

t.test('Tokens: a refresh token used twice ends its session; twenty at once get one successor', async t => {
  const server = await startServer(t)
  const account = { username: `a${randomBytes(5).toString('hex')}`, password: 'correct horse battery' }
  const { refreshToken, accessToken, user } = (await server.call(undefined, 'POST', '/v1/auth/register', account)).body
  const refresh = async (value: string) =>
    await server.call(undefined, 'POST', '/v1/auth/refresh', { refreshToken: value })
  const answers = await Promise.all(Array.from({ length: 20 }, async () => await refresh(refreshToken)))
  t.same(new Set(answers.map(({ status }) => status)), new Set([200]))
  t.equal(new Set(answers.map(({ body }) => body.refreshToken)).size, 1, 'A9')
  const second = (await refresh(answers[0]?.body.refreshToken)).body
  const socket = await server.connect({ id: user.id, hex: user.id.slice(5), token: accessToken })
  t.equal((await refresh(refreshToken)).status, 401, 'A8')
  t.equal((await refresh(second.refreshToken)).status, 401, 'A8 the whole family is dead')
  t.equal((await socket.closed).code, CLOSE.session_revoked)
  expectError(
    t,
    await server.call(undefined, 'POST', '/v1/auth/refresh', { refreshToken: second.accessToken.slice(0, 256) }),
    'unauthenticated',
    'A7'
  )
})

t.test('Socket: the upgrade', async t => {
  const it = await scene(t, { WS_QUERY_TOKEN: 'false', CORS_ORIGINS: 'https://good.example' })
  const { server, ann } = it
  const upgrade = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
    const lines = Object.entries({ Host: 'parley.example', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
    const fixed = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n`
    return await raw(server, `GET ${path} HTTP/1.1\r\n${lines.join('')}${fixed}\r\n`)
  }
  await unharmed(t, it, async () => {
    t.match(await upgrade('/ws', { 'Sec-WebSocket-Protocol': 'chat.v9' }), /^HTTP\/1\.1 400/, 'W1 another subprotocol')
    t.match(await upgrade('/no'), /^HTTP\/1\.1 404/, 'W2 another path')
    const plain = await server.call(undefined, 'GET', '/ws')
    t.equal(plain.status, 426, 'W2 no upgrade')
    t.match(await upgrade(`/ws?token=${ann.token}`), /^HTTP\/1\.1 400/, 'W4 a token in the address')
    for (const origin of [
      'https://evil.example',
      'null',
      'https://good.example.evil.com',
      'https://good.example:444',
      'http://good.example'
    ]) {
      t.match(await upgrade('/ws', { Origin: origin }), /^HTTP\/1\.1 403/, `W6 ${origin}`)
    }
    const good = await SocketClient.open(`${server.url.replace('http', 'ws')}/ws`, { origin: 'https://good.example' })
    good.terminate()
    const cookie = await server.socket('/ws', { cookie: `token=${ann.token}` })
    t.match(await cookie.refused('ping'), { code: 'unauthenticated' }, 'W8 a cookie is nobody')
    t.equal((await cookie.closed).code, CLOSE.hello_required)
  })
})

/** A frame as a client writes it, right or wrong. */
function frame(first: number, payload: Buffer | string, { isMasked = true, declared = -1 } = {}): Buffer {
  const data = Buffer.from(payload)
  const length = declared >= 0 ? declared : data.length
  const header = length < 126 ? Buffer.from([first, length]) : length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10)
  header[0] = first
  if (header.length === 4) {
    header[1] = 126
    header.writeUInt16BE(length, 2)
  } else if (header.length === 10) {
    header[1] = 127
    header.writeBigUInt64BE(BigInt(length), 2)
  }
  if (!isMasked) return Buffer.concat([header, data])
  header[1] = (header[1] ?? 0) | 0x80
  return Buffer.concat([header, Buffer.alloc(4), data])
}

/** A greeted connection whose bytes are ours. @returns it, and the code with which the server closes it */
async function rawSocket({ url }: TestServer, { token }: Person): Promise<{ socket: Socket; closed: Promise<number> }> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => undefined)
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nAuthorization: Bearer ${token}\r\n\r\n`
  )
  await once(socket, 'data')
  let received = Buffer.alloc(0)
  socket.on('data', data => {
    received = Buffer.concat([received, data])
  })
  const closed = once(socket, 'close').then(() => closeCode(received))
  return { socket, closed }
}

/** The code in the close frame, behind whatever came before it; 1006 when there is none, 1005 when it has no code. */
function closeCode(received: Buffer): number {
  for (let at = 0; at + 1 < received.length; ) {
    const short = (received[at + 1] ?? 0) & 0x7f
    const [length, start] = short === 126 ? [received.readUInt16BE(at + 2), at + 4] : [short, at + 2]
    if (received[at] === 0x88) return length >= 2 ? received.readUInt16BE(start) : 1005
    at = start + length
  }
  return 1006
}

t.test('Socket: frames that break the rules of WebSockets', async t => {
  const it = await scene(t)
  const { server, ann } = it
  const ping = JSON.stringify({ v: 1, id: '1', type: 'ping' })
  const table: [string, Buffer[], number][] = [
    ['W9 no UTF-8', [frame(0x81, Buffer.from([0xff, 0xfe]))], 1007],
    ['W9 no UTF-8 in a reason', [frame(0x88, Buffer.from([0x03, 0xe8, 0xff]))], 1007],
    ['W11 binary', [frame(0x82, ping)], 1003],
    ['W12 not masked', [frame(0x81, ping, { isMasked: false })], 1002],
    ['W12 RSV1', [frame(0xc1, ping)], 1002],
    ['W12 opcode 3', [frame(0x83, ping)], 1002],
    ['W12 opcode 11', [frame(0x8b, ping)], 1002],
    ['W12 a ping in parts', [frame(0x09, 'x')], 1002],
    ['W12 a long ping', [frame(0x89, 'x'.repeat(126))], 1002],
    ['W12 a part of nothing', [frame(0x80, 'x')], 1002],
    ['W12 text within parts', [frame(0x01, 'x'), frame(0x81, 'x')], 1002],
    ['W13 a byte too many', [frame(0x81, 'x'.repeat(65_537))], 1009],
    ['W13 declared 2 GiB', [frame(0x81, '', { declared: 2 ** 31 })], 1009],
    ['W13 too large in parts', [frame(0x01, 'x'.repeat(40_000)), frame(0x80, 'x'.repeat(40_000))], 1009],
    ['W14 endless parts', [frame(0x01, ''), ...Array.from({ length: 1_000 }, () => frame(0x00, ''))], 1008],
    ['W15 close with half a code', [frame(0x88, 'x')], 1002],
    ['W15 close with 999', [frame(0x88, Buffer.from([0x03, 0xe7]))], 1002],
    ['W15 close with 1005', [frame(0x88, Buffer.from([0x03, 0xed]))], 1002],
    ['W15 close with nothing', [frame(0x88, '')], 1005],
    ['W15 close with 4000', [frame(0x88, Buffer.from([0x0f, 0xa0]))], 4000]
  ]
  await unharmed(t, it, async () => {
    for (const [name, frames, code] of table) {
      const { socket, closed } = await rawSocket(server, ann)
      for (const bytes of frames) socket.write(bytes)
      t.equal(await closed, code, name)
    }
    const { socket } = await rawSocket(server, ann)
    const text = Buffer.from(JSON.stringify({ v: 1, id: 'é', type: 'ping' }))
    const cut = text.indexOf(0xc3) + 1
    socket.write(Buffer.concat([frame(0x01, text.subarray(0, cut)), frame(0x80, text.subarray(cut))]))
    const [answer] = await once(socket, 'data')
    t.match(String(answer), /bad_frame/, 'W10 a letter over two parts is read, and is no id')
    socket.destroy()
  })
})

t.test('Socket: frames that are no commands', async t => {
  const it = await scene(t)
  const { server, ann } = it
  const bad: [string, string][] = [
    ['W16 not JSON', 'x'],
    ['W16 an array', '[]'],
    ['W16 text', '"x"'],
    ['W16 null', 'null'],
    ['W19 an id too long', JSON.stringify({ v: 1, id: 'x'.repeat(65), type: 'ping' })],
    ['W19 an id that is a number', JSON.stringify({ v: 1, id: 5, type: 'ping' })],
    ['W18 no type', JSON.stringify({ v: 1, id: '1' })],
    ['W18 a type that is an operator', JSON.stringify({ v: 1, id: '1', type: { $ne: 1 } })],
    ['W22 60 KB of brackets', '['.repeat(60_000)]
  ]
  const refusedBy = async (socket: SocketClient, text: string) => {
    socket.ws.send(text)
    return (await socket.next(it => it.ok === false)).error
  }
  await unharmed(t, it, async () => {
    for (const [name, text] of bad) {
      const socket = await server.connect(ann)
      t.match(await refusedBy(socket, text), { code: 'bad_frame', retry: 'no' }, name)
      t.match(await socket.ask('ping'), { serverTime: String }, `${name}: it stays`)
      await refusedBy(socket, text)
      socket.ws.send(text)
      t.equal((await socket.closed).code, CLOSE.bad_frame, `${name}: the third closes`)
    }
    for (const v of [undefined, 2, '1', null]) {
      const socket = await server.connect(ann)
      t.match(
        await refusedBy(socket, JSON.stringify({ v, id: '1', type: 'ping' })),
        { code: 'unsupported_version' },
        `W17 v ${v}`
      )
      t.equal((await socket.closed).code, CLOSE.unsupported_version)
    }
    const socket = await server.connect(ann)
    for (const type of ['no:such', '__proto__', 'constructor', 'toString', '']) {
      t.match(await socket.refused(type), { code: 'unknown_type' }, `W18 ${type}`)
    }
    for (const data of ['{"__proto__":{"a":1}}', '[]', 'null', '"x"', '5']) {
      t.match(
        await refusedBy(socket, `{"v":1,"id":"p","type":"ping","data":${data}}`),
        { code: 'invalid' },
        `W20 ${data}`
      )
    }
    const deep = `${'{"a":'.repeat(17)}1${'}'.repeat(17)}`
    t.match(
      await refusedBy(socket, `{"v":1,"id":"d","type":"ping","data":${deep}}`),
      { code: 'too_large' },
      'W22 nested'
    )
  })
})

t.test('Socket: ids and cursors', async t => {
  const it = await scene(t)
  const { server, ann, conversationId } = it
  await unharmed(t, it, async () => {
    const bare = await server.connect(ann)
    bare.ws.send(JSON.stringify({ v: 1, type: 'history:get', data: { conversationId } }))
    t.match((await bare.next(it => it.ok === false)).error, { code: 'bad_frame' }, 'W19 no id')
    const twice = await server.connect(ann)
    for (let index = 0; index < 2; index += 1) twice.say('history:get', { conversationId }, 'same')
    t.match(await twice.next(it => it.ok === false), { id: 'same', error: { code: 'conflict' } }, 'W19 an id under way')
    t.match(await twice.next(it => it.id === 'same'), { ok: true })
    for (const cursors of [
      { [conversationId]: -1 },
      { [conversationId]: 1.5 },
      { x: 1 },
      { [conversationId]: '1' },
      []
    ]) {
      t.match(await twice.refused('sync:heads', { cursors }), { code: 'invalid' }, `W27 ${JSON.stringify(cursors)}`)
    }
    t.match(
      await twice.refused('sync:pull', { stream: conversationId, since: 999 }),
      { code: 'invalid' },
      'W27 beyond the head'
    )
    t.match(
      await twice.refused('sync:pull', { stream: `conv_${NOBODY}`, since: 0 }),
      { code: 'not_found' },
      'W27 foreign'
    )
    const strange = await twice.ask('sync:heads', { cursors: { [`conv_${NOBODY}`]: 3 } })
    t.same(strange.gone, [`conv_${NOBODY}`], 'W27 a cursor of what is not there')
  })
})

t.test('Socket: hello', async t => {
  const it = await scene(t)
  const { server, ann } = it
  await unharmed(t, it, async () => {
    const first = await server.socket()
    t.match(await first.refused('ping'), { code: 'unauthenticated' }, 'W5 something else first')
    t.equal((await first.closed).code, CLOSE.hello_required)
    const twice = await server.connect(ann)
    t.match(await twice.refused('hello', { token: ann.token }), { code: 'conflict' })
    t.equal((await twice.closed).code, CLOSE.protocol_violation)
    const early = await server.socket()
    early.say('hello', { token: ann.token }, 'h')
    for (let index = 0; index < 20; index += 1) early.say('ping')
    t.equal((await early.closed).code, CLOSE.hello_required, 'W5 talking on without being let in')
    for (const data of [
      { token: 5 },
      { token: { $ne: 1 } },
      { token: ann.token, device: 'x' },
      { token: ann.token, admin: true },
      []
    ]) {
      const socket = await server.socket()
      t.match(await socket.refused('hello', data), { code: 'invalid' }, JSON.stringify(data).slice(0, 40))
      t.equal((await socket.closed).code, CLOSE.bad_frame)
    }
    for (const data of [{}, { ticket: 'x' }]) {
      const socket = await server.socket()
      t.match(await socket.refused('hello', data), { code: 'unauthenticated' })
      t.equal((await socket.closed).code, CLOSE.auth_invalid)
    }
    const nameless = await server.socket()
    nameless.ws.send(JSON.stringify({ v: 1, type: 'hello', data: { token: ann.token } }))
    t.match(
      await nameless.next(frame => frame.ok === false),
      { error: { code: 'bad_frame' } },
      'W19 a hello without id'
    )
  })
})

type Whole = (part: unknown) => unknown

/** Where a schema has text: the path, and an example of the whole with something else there. */
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

/** Every request that has something else where text belongs. */
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
