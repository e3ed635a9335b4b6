import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { joinServer, type Person, type TestServer } from '../kit/helper.ts'
import { raw } from './bytes.ts'
import { scene, unharmed } from './scene.ts'

const H2C = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n'

/** Connection that bytes are written to, and what is answered on it. */
class Wire {
  readonly #socket: Socket
  text = ''

  constructor(t: Test, { url }: TestServer) {
    const { hostname, port } = new URL(url)
    this.#socket = connect({ host: hostname, port: Number(port) })
    this.#socket.setEncoding('latin1').on('data', data => {
      this.text += data
    })
    this.#socket.on('error', () => undefined)
    t.teardown(() => void this.#socket.destroy())
  }

  /** Writes, and waits until so many answers have come in all. @returns their statuses */
  async write(bytes: string, answers: number): Promise<string[]> {
    this.#socket.write(bytes, 'latin1')
    while (this.statuses.length < answers) await Promise.race([once(this.#socket, 'data'), this.#ended()])
    return this.statuses
  }

  get statuses(): string[] {
    return [...this.text.matchAll(/HTTP\/1\.1 (\d+) .*?\r\n\r\n/gs)].map(([, status = '']) => status)
  }

  async #ended(): Promise<never> {
    await once(this.#socket, 'close')
    throw new Error(`The connection ended after: ${this.text}`)
  }
}

t.test('U49: an offer of HTTP/2 is passed over, and the request answered with its body', async t => {
  const server = await joinServer(t)
  const username = 'ann'
  await server.signUp({ username, password: 'a long walk home' })
  const body = JSON.stringify({ username, password: 'a long walk home' })
  const login = (framing: string, sent: string) =>
    `POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${H2C}${framing}\r\n\r\n${sent}`
  const sized = login(`Content-Length: ${body.length}`, body)
  const chunked = login('Transfer-Encoding: chunked', `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`)
  const get = `GET /health/live HTTP/1.1\r\nHost: x\r\n${H2C}\r\n`
  const plain = 'GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n'

  await t.test('one after the other on one connection', async t => {
    const wire = new Wire(t, server)
    t.same(await wire.write(get, 1), ['200'])
    t.same(await wire.write(sized, 2), ['200', '200'])
    t.match(wire.text, /"accessToken":/)
    t.same(await wire.write(chunked, 3), ['200', '200', '200'])
    t.same(await wire.write(plain, 4), ['200', '200', '200', '200'])
    t.notMatch(wire.text, /connection: close/i, 'the connection stays')
  })
  await t.test('its body later, and in parts', async t => {
    const wire = new Wire(t, server)
    const end = sized.length - body.length
    const first = wire.write(sized.slice(0, end), 1)
    const second = wire.write(sized.slice(end, end + 5), 1)
    await setImmediate()
    t.same(await Promise.all([first, second, wire.write(sized.slice(end + 5), 1)]), [['200'], ['200'], ['200']])
  })
  await t.test('all at once: each is answered, in their order', async t => {
    const wire = new Wire(t, server)
    await wire.write(`${plain}${get}${sized}GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n${chunked}${plain}`, 6)
    t.same(wire.statuses, ['200', '200', '200', '404', '200', '200'])
    t.match(wire.text, /"ok".*"ok".*"accessToken".*not_found.*"accessToken".*"ok"/s)
  })
  await t.test('other faces and words', async t => {
    const polling = `GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n${H2C}\r\n`
    t.match(await raw(server, polling), /^HTTP\/1\.1 200 .*"sid":/s)
    t.match(await raw(server, polling), /^HTTP\/1\.1 200 .*"sid":/s, 'once socket.io is there')
    for (const [path, offer, answer] of [
      ['/ws', 'h2c', /^HTTP\/1\.1 426 .*\{"error":\{"code":"invalid"/s],
      ['/ws', 'h2c, websocket', /^HTTP\/1\.1 426 /],
      ['/health/live', 'TLS/1.3', /^HTTP\/1\.1 200 /],
      ['/v1/users/me', 'foo', /^HTTP\/1\.1 401 /]
    ] as const) {
      const request = `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, upgrade\r\nUpgrade: ${offer}\r\n\r\n`
      t.match(await raw(server, request), answer, `${path} ${offer}`)
    }
  })
})

t.test('U49: nothing is smuggled in behind an offer', async t => {
  const it = await scene(t)
  const { server, ann } = it
  const inner = `PATCH /v1/users/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ann.token}\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"name":"Evil"}`
  const post = (headers: string) => `POST /v1/auth/login HTTP/1.1\r\nHost: x\r\n${H2C}${headers}\r\n${inner}`
  const length = `Content-Length: ${inner.length}\r\n`
  const many = 'a:\r\n'.repeat(1_500)
  await unharmed(t, it, async () => {
    for (const [name, request, answer] of [
      ['a body is no request', post(`${length}Content-Type: application/json\r\n`), /^HTTP\/1\.1 400 /],
      ['a length behind many headers', post(`${many}${length}`), /^HTTP\/1\.1 431 .*"head_too_large"/s],
      ['two lengths', post(`${length}Content-Length: 3\r\n`), /^HTTP\/1\.1 400 .*"bad_frame"/s],
      ['both lengths', post(`${length}Transfer-Encoding: chunked\r\n`), /^HTTP\/1\.1 400 .*"bad_frame"/s],
      ['a folded line', post(`X: a\r\n ${length}${length}`), /^HTTP\/1\.1 4\d\d /]
    ] as const) {
      const answered = await raw(server, request)
      t.match(answered, answer, name)
      t.equal(answered.match(/HTTP\/1\.1 /g)?.length, 1, `${name}: one answer`)
    }
  })
})

t.test('U64: what is no WebSocket is told so in the form of every other error', async t => {
  const it = await scene(t)
  const { server } = it
  const offer = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
  const polling = '/socket.io/?EIO=4&transport=websocket'
  await unharmed(t, it, async () => {
    for (const [path, headers] of [
      ['/ws', 'Sec-WebSocket-Version: 13\r\n'],
      ['/ws', `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n`],
      ['/ws', `Sec-WebSocket-Version: 12\r\n${key}`],
      ['/ws', `Sec-WebSocket-Version: 13\r\n${key}Sec-WebSocket-Protocol: ,\r\n`],
      [polling, 'Sec-WebSocket-Version: 13\r\n'],
      [polling, `Sec-WebSocket-Version: 12\r\n${key}`]
    ] as const) {
      const answer = await raw(server, `GET ${path} HTTP/1.1\r\nHost: x\r\n${offer}${headers}\r\n`)
      t.match(answer, /^HTTP\/1\.1 400 .*application\/json.*\{"error":\{"code":"invalid","message":"./s, headers)
    }
    const elsewhere = await raw(server, `GET /v1/events HTTP/1.1\r\nHost: x\r\n${offer}${key}\r\n`)
    t.match(elsewhere, /^HTTP\/1\.1 404 .*application\/json.*\{"error":\{"code":"not_found"/s)
    const { hostname, port } = new URL(server.url)
    for (const path of ['/ws', '/v1/events', polling]) {
      const socket = connect({ host: hostname, port: Number(port) })
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n${offer}\r\n`)
      socket.resetAndDestroy()
    }
  })
})

t.test('U64: what HTTP itself refuses has the form of every other error', async t => {
  const it = await scene(t)
  const { server, ann } = it as { server: TestServer; ann: Person }
  const long = 'x'.repeat(17_000)
  const auth = `Host: x\r\nAuthorization: Bearer ${ann.token}\r\n`
  await unharmed(t, it, async () => {
    for (const [name, request, status, body] of [
      ['431', `GET /v1/users/me?x=${long} HTTP/1.1\r\n${auth}\r\n`, 431, '{"error":{"code":"head_too_large",'],
      [
        '431 of an app',
        `GET /api/friends?x=${long} HTTP/1.1\r\n${auth}\r\n`,
        431,
        '{"error":{"code":"head_too_large",'
      ],
      ['no request', 'BLAH\r\n\r\n', 400, '{"error":{"code":"bad_frame",'],
      [
        'both lengths',
        `POST /v1/conversations HTTP/1.1\r\n${auth}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`,
        400,
        '{"error":{"code":"bad_frame",'
      ],
      ['no host', 'GET /v1/users/me HTTP/1.1\r\nConnection: close\r\n\r\n', 400, '{"error":{"code":"bad_frame",'],
      [
        'no host, of an app',
        'GET /api/friends HTTP/1.1\r\nConnection: close\r\n\r\n',
        400,
        '{"success":false,"message":"'
      ],
      ['no text', `GET /v1/users/%ff HTTP/1.1\r\n${auth}Connection: close\r\n\r\n`, 400, '{"error":{"code":"invalid",'],
      [
        'no text, of an app',
        `GET /api/v1/chat/%ff HTTP/1.1\r\n${auth}Connection: close\r\n\r\n`,
        400,
        '{"success":false,"message":"'
      ],
      [
        'an expectation',
        `GET /v1/users/me HTTP/1.1\r\n${auth}Expect: wonders\r\nConnection: close\r\n\r\n`,
        200,
        '{"id":'
      ]
    ] as const) {
      const [head = '', ...rest] = (await raw(server, request)).split('\r\n\r\n')
      t.match(head, new RegExp(`^HTTP/1\\.1 ${status} .*content-type: application/json`, 'is'), name)
      t.ok(rest.join().startsWith(body), `${name}: ${rest.join().slice(0, 80)}`)
    }
  })
})
