import { once } from 'node:events'
import t from 'tap'
import { WebSocket } from 'ws'
import { CLOSE } from '../../protocol/close.ts'
import { mintToken, startServer } from '../kit/helper.ts'

const HOUR_S = 3_600

t.test('who does not sign in in time is closed with 4204; who does stays', async t => {
  const server = await startServer(t, { env: { TIMINGS_HELLO_TIMEOUT_MS: '100', TIMINGS_SWEEP_MS: '50' } })
  const ann = await server.person()
  const [silent, signedIn] = await Promise.all([server.socket(), server.socket(`/ws?token=${ann.token}`)])
  await signedIn.ask('ping')
  t.same(await silent.closed, { code: CLOSE.hello_timeout, reason: 'hello_timeout' })
  t.match(await signedIn.ask('ping'), { serverTime: String })
})

t.test('a connection from which nothing is heard, no pong either, is closed with 4302', async t => {
  const env = { TIMINGS_HEARTBEAT_MS: '50', TIMINGS_HEARTBEAT_TIMEOUT_MS: '1000', TIMINGS_SWEEP_MS: '50' }
  const server = await startServer(t, { env })
  const { token } = await server.person()
  const answering = await server.socket()
  t.match(await answering.ask('hello', { token }), { heartbeatMs: 50 })
  const deaf = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, { autoPong: false })
  await once(deaf, 'open')
  const [code, reason] = await once(deaf, 'close')
  t.same([code, String(reason)], [CLOSE.heartbeat_timeout, 'heartbeat_timeout'])
  t.match(await answering.ask('ping'), { serverTime: String }, 'pongs keep a connection')
})

t.test('auth:expiring comes once before the token ends, and again for the token that took its place', async t => {
  const env = {
    TIMINGS_AUTH_WARNING_MS: String(2 * HOUR_S * 1_000),
    TIMINGS_HEARTBEAT_MS: '50',
    TIMINGS_SWEEP_MS: '50'
  }
  const server = await startServer(t, { env })
  const ann = await server.person()
  const socket = await server.connect(ann)
  t.same((await socket.next('auth:expiring')).data, { expiresAt: expiryOf(ann.token) })
  const token = await mintToken(ann.hex, {}, HOUR_S + 60)
  t.same(await socket.ask('auth:refresh', { token }), { expiresAt: expiryOf(token) })
  t.same((await socket.next('auth:expiring')).data, { expiresAt: expiryOf(token) })
  for (const look of [1, 2]) t.ok(await once(socket.ws, 'ping'), `looked after ${look} more`)
  t.same(socket.frames, [], 'nothing more, although the connection was looked after meanwhile')
})

t.test('a token that has long to live is not warned of; at its end the connection is closed with 4101', async t => {
  const env = { TIMINGS_AUTH_WARNING_MS: '1', TIMINGS_HEARTBEAT_MS: '50', TIMINGS_SWEEP_MS: '50' }
  const server = await startServer(t, { env })
  const ann = await server.person()
  const short = await mintToken(ann.hex, {}, 2)
  const [lasting, ending] = await Promise.all([server.connect(ann), server.connect({ token: short })])
  t.same(await ending.closed, { code: CLOSE.auth_expired, reason: 'auth_expired' })
  await once(lasting.ws, 'ping')
  t.same(lasting.frames, [])
  t.ok((await lasting.ask('ping')).serverTime >= expiryOf(short), 'not before its end')
})

function expiryOf(token: string): string {
  const [, claims = ''] = token.split('.')
  const { exp } = JSON.parse(Buffer.from(claims, 'base64url').toString())
  return new Date(exp * 1_000).toISOString()
}
