import { randomBytes } from 'node:crypto'
import t from 'tap'
import { CLOSE } from '../../protocol/close.ts'
import { SocketClient } from '../kit/socket-client.ts'
import { raw } from './bytes.ts'
import { scene, unharmed } from './scene.ts'

t.test('Socket: the upgrade', async t => {
  const it = await scene(t, { WS_QUERY_TOKEN: 'false', CORS_ORIGINS: 'https://good.example' })
  const { server, ann } = it
  const upgrade = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
    const lines = Object.entries({ Host: 'parley.example', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
    const fixed = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n`
    return await raw(server, `GET ${path} HTTP/1.1\r\n${lines.join('')}${fixed}\r\n`)
  }
  await unharmed(t, it, async () => {
    const other = await upgrade('/ws', { 'Sec-WebSocket-Protocol': 'chat.v9' })
    t.match(other, /^HTTP\/1\.1 400/, 'W1 another subprotocol')
    t.match(other, /^connection: close\r$/im, 'U50: the connection that ends is not offered again')
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
      t.match(await upgrade('/ws', { Origin: origin }), /^HTTP\/1\.1 403.*\r\nconnection: close\r\n/is, `W6 ${origin}`)
    }
    const good = await SocketClient.open(`${server.url.replace('http', 'ws')}/ws`, { origin: 'https://good.example' })
    good.terminate()
    const cookie = await server.socket('/ws', { cookie: `token=${ann.token}` })
    t.match(await cookie.refused('ping'), { code: 'unauthenticated' }, 'W8 a cookie is nobody')
    t.equal((await cookie.closed).code, CLOSE.hello_required)
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
