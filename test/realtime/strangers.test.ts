import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { CLOSE } from '../../protocol/close.ts'
import { setClock } from '../kit/clock.ts'
import { EngineClient } from '../kit/engine-client.ts'
import { type Answer, mintToken, type Person, startServer, type TestServer } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'

const POLLING = '/socket.io/?EIO=4&transport=polling'
const HERE = '198.51.100.7'
const ELSEWHERE = '203.0.113.9'
/** Long enough that nobody makes room in a test. */
const PATIENT = { TRUST_PROXY: 'loopback', TIMINGS_HELLO_TIMEOUT_MS: '600000', TIMINGS_HEARTBEAT_TIMEOUT_MS: '600000' }

const MANY = Array.from({ length: 300 })

/** A transport of somebody who says nothing. */
async function poll(server: TestServer, address: string): Promise<Answer> {
  return await server.call(undefined, 'GET', POLLING, undefined, { 'x-forwarded-for': address })
}

const socket = async (server: TestServer, address: string, path = '/ws') =>
  await server.socket(path, { 'x-forwarded-for': address })

/** What the refusal of an upgrade says. */
async function refusedUpgrade(server: TestServer, path: string): Promise<Answer> {
  const ws = new WebSocket(server.url.replace('http', 'ws') + path, { headers: { 'x-forwarded-for': HERE } })
  ws.on('error', () => undefined)
  const opened = once(ws, 'open').then(() => Promise.reject(new Error('The upgrade was granted')))
  const [, response] = (await Promise.race([once(ws, 'unexpected-response'), opened])) as [unknown, IncomingMessage]
  const body = await text(response)
  const headers = new Headers({ 'retry-after': String(response.headers['retry-after']) })
  return { status: response.statusCode ?? 0, headers, text: body, body: JSON.parse(body) }
}

async function expectRefusals(t: Test, server: TestServer): Promise<number> {
  const refused = { status: 429, body: { error: { code: 'rate_limited', retry: 'later', retryAfterMs: Number } } }
  const answers = [
    await poll(server, HERE),
    await refusedUpgrade(server, '/ws'),
    await refusedUpgrade(server, '/socket.io/?EIO=4&transport=websocket')
  ]
  for (const answer of answers) {
    t.match(answer, refused)
    t.ok(Number(answer.headers.get('retry-after')) >= 1, 'and says when to come again')
  }
  return answers[0]?.body.error.retryAfterMs
}

t.test('S14: connections of strangers are counted by network, and granted again a moment later', async t => {
  const env = { ...PATIENT, LIMITS_HANDSHAKES_PER_ADDRESS_PER_MINUTE: '120' }
  const server = await startServer(t, { env })
  const pass = setClock(t, { isStopped: true })
  const statuses = await Promise.all(MANY.map(async () => (await poll(server, HERE)).status))
  t.equal(statuses.filter(status => status === 200).length, 120)
  t.same(new Set(statuses), new Set([200, 429]))
  t.equal((await poll(server, ELSEWHERE)).status, 200, 'a neighbour is not concerned')
  pass(await expectRefusals(t, server))
  t.equal((await poll(server, HERE)).status, 200, 'who waits is served')
})

t.test('S14: who says who they are is not counted by network, whatever the face', async t => {
  const env = { ...PATIENT, LIMITS_HANDSHAKES_PER_ADDRESS_PER_MINUTE: '3', LIMITS_STRANGERS_PER_ADDRESS: '3' }
  const server = await startServer(t, { env })
  const extraHeaders = { 'x-forwarded-for': HERE }
  const expired = await mintToken('e'.repeat(24), {}, -10)
  const gone = await server.signUp()
  await server.call({ token: gone.accessToken }, 'POST', '/v1/auth/logout')
  for (let index = 0; index < 3; index++) {
    const { token } = await server.person()
    await (await socket(server, HERE)).ask('hello', { token })
    await (await socket(server, HERE, `/ws?token=${token}`)).ask('ping')
    for (const transports of [['polling', 'websocket'], ['websocket']]) {
      await PacketClient.open(t, server.url, { auth: { token }, transports, extraHeaders })
      await PacketClient.open(t, server.url, { version: 2, query: { token }, transports, extraHeaders })
    }
    for (const stale of [expired, gone.accessToken]) {
      const closed = await (await socket(server, HERE, `/ws?token=${stale}`)).closed
      t.ok([CLOSE.auth_expired, CLOSE.session_revoked].includes(closed.code as never))
      const client = await EngineClient.open(t, server, { headers: extraHeaders })
      client.join('/unified', { token: stale })
      t.match(await client.hear('44'), /token_expired|session_revoked/)
    }
  }
  for (const wrong of [1, 2, 3]) await (await socket(server, HERE, `/ws?token=wrong${wrong}`)).closed
  t.equal((await refusedUpgrade(server, '/ws')).status, 429, 'what nobody has made is counted')
})

t.test('S14: so many strangers of one network are open at once; who leaves or says hello makes room', async t => {
  const server = await startServer(t, { env: { ...PATIENT, LIMITS_STRANGERS_PER_ADDRESS: '3' } })
  const { token } = await server.person()
  const first = await socket(server, HERE)
  const second = await EngineClient.open(t, server, { headers: { 'x-forwarded-for': HERE } })
  t.equal((await poll(server, HERE)).status, 200)
  await expectRefusals(t, server)
  await (await socket(server, ELSEWHERE)).ask('hello', { token })
  await first.ask('hello', { token })
  const third = await socket(server, HERE)
  await expectRefusals(t, server)
  second.join('/unified', { token })
  await second.hear('40/unified')
  await socket(server, HERE)
  await expectRefusals(t, server)
  third.terminate()
  while ((await strangers(server)) > 2) await sleep(5)
  await socket(server, HERE)
  await expectRefusals(t, server)
})

async function strangers(server: TestServer): Promise<number> {
  const metrics = await server.call(undefined, 'GET', '/metrics')
  return Number(/^parley_strangers (\d+)$/m.exec(metrics.text)?.[1])
}

for (const [limit, addresses] of [
  ['LIMITS_STRANGERS_PER_ADDRESS', [HERE]],
  ['LIMITS_STRANGERS', [HERE, ELSEWHERE, '2001:db8::1']]
] as const) {
  t.test(`S14: beyond ${limit} who has said nothing for longest makes room, once it had time to`, async t => {
    const server = await startServer(t, { env: { ...PATIENT, [limit]: '3' } })
    const pass = setClock(t, { isStopped: true })
    const { token } = await server.person()
    const headers = (index: number) => ({ 'x-forwarded-for': addresses[index % addresses.length] ?? '' })
    const oldest = await EngineClient.open(t, server, { headers: headers(0) })
    const second = await server.socket('/ws', headers(1))
    await server.socket('/ws', headers(2))
    const { status, body } = await server.call(undefined, 'GET', POLLING, undefined, headers(3))
    t.equal(status, 429, 'not those who have come just now')
    pass(body.error.retryAfterMs)
    const newest = await server.socket('/ws', headers(3))
    await oldest.closed
    await newest.ask('hello', { token })
    await server.socket('/ws', headers(4))
    await server.socket('/ws', headers(5))
    t.same(await second.closed, { code: CLOSE.overloaded, reason: 'overloaded' })
    t.match(await newest.ask('ping'), { serverTime: String }, 'who has said who they are stays')
  })
}

t.test('S14: one person opens so many connections a minute, on all faces together', async t => {
  const server = await startServer(t, { env: { LIMITS_CONNECTS_PER_MINUTE: '30', LIMITS_CONNECTIONS_PER_USER: '100' } })
  const pass = setClock(t, { isStopped: true })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const { token } = ann
  const client = await EngineClient.open(t, server)
  client.join('/unified', { token })
  await client.hear('40/unified')
  const answers = await Promise.all(
    MANY.slice(0, 80).map(async () => {
      const socket = await server.socket('/ws')
      const answer = await socket.ask('hello', { token }).catch(({ error }) => error)
      socket.terminate()
      return answer.code
    })
  )
  t.equal(answers.filter(code => code === undefined).length, 5, 'a fifth of a minute’s at once')
  t.same(new Set(answers), new Set([undefined, 'rate_limited']))
  const next = await server.socket('/ws')
  t.match(await next.refused('hello', { token }), { code: 'rate_limited', retry: 'later' })
  t.equal((await next.closed).code, CLOSE.too_many_connections)
  client.join('/mobile', { token })
  t.match(await client.hear('44/mobile'), /"rate_limited"/)
  const { status, body } = await server.call(ann, 'GET', '/v1/events')
  t.match({ status, body }, { status: 429, body: { error: { code: 'rate_limited' } } })
  await server.connect(ben)
  pass(body.error.retryAfterMs)
  await server.connect(ann)
})
