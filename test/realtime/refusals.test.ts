import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { EngineClient } from '../kit/engine-client.ts'
import { joinServer, mintToken, startServer, type TestServer } from '../kit/helper.ts'

const TIMES = Array.from({ length: 50 })

/** What the server logs from now on as worth a look. */
function watchLog({ app }: TestServer): unknown[] {
  const lines: unknown[] = []
  app.log.error = (...line: unknown[]) => void lines.push(line)
  return lines
}

async function isClosed(server: TestServer, path: string): Promise<void> {
  const socket = await server.socket(path)
  await socket.closed
}

t.test('S45: what is refused while a client is let in is no error of the server, on no face', async t => {
  const server = await startServer(t, { env: { LIMITS_CONNECTIONS_PER_USER: '1' } })
  const lines = watchLog(server)
  const ann = await server.person()
  const gone = await server.signUp()
  await server.call({ token: gone.accessToken }, 'POST', '/v1/auth/logout')
  await server.connect(ann)
  const tokens = {
    unauthenticated: 'rubbish',
    token_expired: await mintToken('e'.repeat(24), {}, -10),
    session_revoked: gone.accessToken,
    quota_reached: ann.token
  }
  for (const [code, token] of Object.entries(tokens)) {
    for (const path of ['/v1/events', '/api/sse']) {
      const { status, text } = await server.call({ token }, 'GET', path)
      t.ok(status >= 400 && status < 500, `${path} ${code}`)
      t.match(text, path === '/v1/events' ? code : /./)
    }
    await isClosed(server, `/ws?token=${token}`)
    t.match(await (await server.socket()).refused('hello', { token }), { code })
    await refusedPacket(t, server, { token }, code)
  }
  await refusedPacket(t, server, { token: ann.token, dialect: 'none' }, /invalid|quota_reached/)
  t.same(lines, [])
})

async function refusedPacket(t: Test, server: TestServer, auth: object, code: string | RegExp): Promise<void> {
  const client = await EngineClient.open(t, server)
  client.join('/unified', auth)
  t.match(await client.hear('44'), code)
  client.ws.terminate()
}

t.test('S45: nor is a client that goes while it is let in', async t => {
  const server = await joinServer(t)
  const lines = watchLog(server)
  const { token } = await server.person()
  const { port } = new URL(server.url)
  const upgrade = [
    'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=='
  ].join('\r\n')
  const { ticket } = (await server.call({ token }, 'POST', '/v1/auth/tickets')).body
  for (const lineOf of [
    `GET /v1/events HTTP/1.1\r\nauthorization: Bearer ${token}`,
    `GET /v1/events?ticket=${ticket} HTTP/1.1`,
    'GET /v1/events?ticket=rubbish HTTP/1.1',
    `GET /api/sse?token=${token} HTTP/1.1`,
    `GET /ws?token=${token} HTTP/1.1\r\n${upgrade}`,
    `GET /socket.io/?EIO=3&transport=websocket&token=${token} HTTP/1.1\r\n${upgrade}`,
    `GET /socket.io/?EIO=4&transport=polling HTTP/1.1`
  ]) {
    await Promise.all(
      TIMES.map(async () => {
        const socket = connect(Number(port), '127.0.0.1')
        socket.on('error', () => undefined)
        await new Promise<void>(resolve => {
          socket.write(`${lineOf}\r\nhost: x\r\n\r\n`, () => setImmediate(resolve))
        })
        socket.resetAndDestroy()
      })
    )
  }
  const last = await server.socket()
  await last.ask('hello', { token })
  t.same(lines, [])
})
