import t, { type Test } from 'tap'
import { setClock } from '../kit/clock.ts'
import { PASSWORD, type Person, startServer, type TestServer } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'
import type { Frame, SocketClient } from '../kit/socket-client.ts'

type People = [Person, Person, ...Person[]]
interface Refused {
  readonly code: string
  readonly retryAfterMs?: number
}
/** Says something once. @returns why it was refused, if it was */
type Say = (n: number) => Promise<Refused | undefined>
type Pass = (ms: number) => void

/** As an operator has them who sets none, and heartbeats that do not mind a clock that jumps. */
const DEFAULTS = {
  ...{ LIMITS_SENDS_PER_SECOND: '5', LIMITS_SENDS_BURST: '20', LIMITS_COMMANDS_PER_SECOND: '50' },
  ...{ LIMITS_COMMANDS_BURST: '300', LIMITS_COMMANDS_IN_FLIGHT: '32', LIMITS_REFUSALS_PER_TEN_SECONDS: '200' },
  ...{ TIMINGS_HEARTBEAT_TIMEOUT_MS: '3600000', TIMINGS_HELD_REFUSAL_MS: '1' }
}

/** Says much at once, and what is refused again after the time that was told for it, by a clock that is set on. */
async function sayAll(pass: Pass, count: number, say: Say): Promise<{ refused: Refused[]; tookMs: number }> {
  const refused: Refused[] = []
  const dueAt = new Map(Array.from({ length: count }, (_, n) => [n, 0]))
  let now = 0
  while (dueAt.size > 0) {
    const next = Math.max(now, Math.min(...dueAt.values()))
    pass(next - now)
    now = next
    const due = [...dueAt].filter(([, at]) => at <= now).map(([n]) => n)
    const errors = await Promise.all(due.map(say))
    for (const [index, n] of due.entries()) {
      const error = errors[index]
      if (error === undefined) dueAt.delete(n)
      else dueAt.set(n, now + (error.retryAfterMs ?? 500))
      if (error !== undefined) refused.push(error)
    }
  }
  return { refused, tookMs: now }
}

const over = (socket: SocketClient, type: string, data: (n: number) => object) => async (n: number) => {
  const id = socket.say(type, data(n))
  return (await socket.next((frame: Frame) => frame.id === id)).error
}

/** Ways in which an app sends into a conversation. */
async function waysOf(t: Test, server: TestServer, ann: Person, conversationId: string): Promise<[string, Say][]> {
  const canonical = await server.connect(ann)
  const dialect = await server.socket('/ws?dialect=mobile', { authorization: `Bearer ${ann.token}` })
  const packets = await PacketClient.open(t, server.url, { namespace: '/unified', auth: { token: ann.token } })
  // It is let in by now: the clock is about to pass the time for that.
  await over(dialect, 'typing:stop', () => ({ conversationId }))(0)
  const path = `/v1/conversations/${conversationId}/messages`
  return [
    ['socket', over(canonical, 'message:send', n => ({ conversationId, clientId: `s${n}`, text: `s${n}` }))],
    ['socket of a dialect', over(dialect, 'message:send', n => ({ conversationId, content: `d${n}` }))],
    ['socket.io', async n => (await packets.ask('send-message', { conversationId, content: `p${n}` })).error],
    ['REST', async n => (await server.call(ann, 'POST', path, { clientId: `r${n}`, text: `r${n}` })).body.error]
  ]
}

t.test('U31: who waits as long as told is never closed, and everything arrives in the time of the limit', async t => {
  const server = await startServer(t, { env: DEFAULTS })
  const [ann, ben] = (await server.people(2)) as People
  const conversationId = await server.direct(ann, ben)
  const ways = await waysOf(t, server, ann, conversationId)
  const pass = setClock(t, { isStopped: true })
  for (const [name, say] of ways) {
    pass(60_000)
    const { refused, tookMs } = await sayAll(pass, 40, say)
    t.ok(tookMs >= 4_000 && tookMs <= 4_100, `${name}: ${tookMs} ms for 40 of which 20 may come at once and 5 a second`)
    t.ok(refused.length <= 3 * 20, `${name}: ${refused.length} refusals`)
    t.match(
      refused,
      Array.from({ length: refused.length }, () => ({ retryAfterMs: Number })),
      'each tells a time'
    )
  }
  const { body } = await server.call(ben, 'GET', `/v1/conversations/${conversationId}`)
  t.equal(body.head.seq, ways.length * 40)
})

t.test('U31: as many as may be refused may wait', async t => {
  const server = await startServer(t, { env: { ...DEFAULTS, LIMITS_SENDS_BURST: '1' } })
  const [ann, ben] = (await server.people(2)) as People
  const conversationId = await server.direct(ann, ben)
  const socket = await server.connect(ann)
  const pass = setClock(t, { isStopped: true })
  const say = over(socket, 'message:send', n => ({ conversationId, clientId: `s${n}`, text: `s${n}` }))
  const { tookMs } = await sayAll(pass, 200, say)
  t.ok(tookMs <= 41_000, `${tookMs} ms for 200 at 5 a second`)
})

t.test('U31: who does not wait takes nothing from another device that does', async t => {
  const server = await startServer(t, { env: { ...DEFAULTS, LIMITS_REFUSALS_PER_TEN_SECONDS: '100000' } })
  const ben = await server.person()
  const { accessToken, user } = await server.signUp()
  const login = { username: user.username, password: PASSWORD }
  const other = (await server.call(undefined, 'POST', '/v1/auth/login', login)).body.accessToken
  const ann: Person = { hex: user.id.slice(-24), id: user.id, token: accessToken }
  const conversationId = await server.direct(ann, ben)
  const [waiting, eager] = await Promise.all([server.connect(ann), server.connect({ token: other })])
  const send = (socket: SocketClient, name: string) =>
    over(socket, 'message:send', n => ({ conversationId, clientId: `${name}${n}`, text: name }))
  const [sayWaiting, sayEager] = [send(waiting, 'w'), send(eager, 'e')]
  const pass = setClock(t, { isStopped: true })
  let tries = 0
  const hammer = async () => {
    for (let n = 0; n < 4; n++) await sayEager(tries++)
  }
  for (let n = 0; n < 60; n++) await hammer()
  const { refused } = await sayAll(pass, 20, async n => {
    // The eager one is always there first.
    await hammer()
    return await sayWaiting(n)
  })
  t.ok(refused.length <= 3 * 20, `${refused.length} refusals of who waits`)
})

t.test('U31: what weighs much is told later times, too', async t => {
  const server = await startServer(t, { env: DEFAULTS })
  const [ann, ben] = (await server.people(2)) as People
  const conversationId = await server.direct(ann, ben)
  const socket = await server.connect(ann)
  const pass = setClock(t, { isStopped: true })
  const { refused, tookMs } = await sayAll(
    pass,
    150,
    over(socket, 'history:get', () => ({ conversationId }))
  )
  t.ok(tookMs <= 15_000, `${tookMs} ms for 150 of four at 50 a second`)
  t.ok(refused.length <= 4 * 150, `${refused.length} refusals`)
})
