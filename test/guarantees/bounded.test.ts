import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import { FRAME_OUT_BYTES, type Limits } from '../../protocol/limits.ts'
import { joinServer, mintToken, type Person, startServer, type TestServer } from '../kit/helper.ts'
import type { Frame, SocketClient } from '../kit/socket-client.ts'

const BIG = 'x'.repeat(16_000)

/** A connection that is let in and reads nothing any more. */
async function deafSocket(server: TestServer, who: Person): Promise<Socket> {
  const { hostname, port } = new URL(server.url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => undefined)
  const key = randomBytes(16).toString('base64')
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: ${key}\r\nAuthorization: Bearer ${who.token}\r\n\r\n`
  )
  await once(socket, 'data')
  socket.pause()
  return socket
}

/** The replies to commands that are said all at once, in their order. */
async function atOnce(socket: SocketClient, type: string, data: readonly object[]): Promise<Frame[]> {
  const ids = data.map(it => socket.say(type, it))
  return await Promise.all(ids.map(async id => await socket.next(frame => frame.id === id)))
}

const codes = (replies: readonly Frame[]): string[] => replies.map(reply => (reply.ok ? 'ok' : reply.error.code))

async function greet(server: TestServer, who: Person): Promise<{ socket: SocketClient; limits: Limits }> {
  const socket = await server.socket()
  const { limits } = await socket.ask('hello', { token: who.token })
  return { socket, limits }
}

t.test(
  'G7 bounded: who reads too slowly loses the connection, the others nothing, and themselves no message',
  async t => {
    const server = await joinServer(t)
    const [ann, ben, sloth] = (await server.people(3)) as [Person, Person, Person]
    const conversationId = await server.group(ann, ben, sloth)
    const [anns, bens] = await Promise.all([server.connect(ann), server.connect(ben)])
    await bens.ask('presence:subscribe', { userIds: [sloth.id] })
    const deaf = await deafSocket(server, sloth)
    await bens.next(frame => frame.type === 'presence' && frame.data.status === 'online')
    let isGone = false
    const gone = bens.next(frame => frame.type === 'presence' && frame.data.status === 'offline')
    void gone.then(() => {
      isGone = true
    })
    let sent = 0
    let slowest = 0
    while (!isGone && sent < 4_000) {
      const startedAt = performance.now()
      const sends = Array.from({ length: 20 }, () => ({ conversationId, clientId: `m${sent++}`, text: BIG }))
      t.equal(codes(await atOnce(anns, 'message:send', sends)).filter(code => code !== 'ok').length, 0)
      slowest = Math.max(slowest, performance.now() - startedAt)
    }
    await gone
    t.comment(`closed after ${sent} messages of ${BIG.length} bytes; the slowest twenty took ${Math.round(slowest)} ms`)
    deaf.destroy()
    t.match((await server.call(undefined, 'GET', '/metrics')).body, /^parley_slow_clients_total 1$/m)
    await bens.next(frame => frame.type === 'message:new' && frame.data.seq === sent + 1)
    const seqs = bens.frames.filter(({ type }) => type === 'message:new').map(({ data }) => data.seq)
    t.same(
      seqs,
      Array.from({ length: sent - 1 }, (_, index) => index + 2),
      'the others have heard everything'
    )
    const back = await server.connect(sloth)
    let since = 2
    for (let more = true; more; ) {
      const page = await back.ask('sync:pull', { stream: conversationId, since })
      t.ok(JSON.stringify(page).length <= FRAME_OUT_BYTES, 'a page has its limit')
      since = page.rev
      more = page.more
    }
    t.equal(since, sent + 2, 'and it finds everything again')
  }
)

t.test('G7 bounded: no frame is larger than announced, whatever is in it', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const { socket, limits } = await greet(server, ann)
  t.match(limits, { frameOutBytes: FRAME_OUT_BYTES }, 'announced')
  const nasty = '"'.repeat(16_000)
  for (let batch = 0; batch < 5; batch += 1) {
    const sends = Array.from({ length: 20 }, (_, index) => ({
      conversationId,
      clientId: `${batch}-${index}`,
      text: nasty
    }))
    await atOnce(socket, 'message:send', sends)
  }
  const check = (what: string, frame: object): void => {
    t.ok(JSON.stringify({ v: 1, id: 'c1', type: 'history:get', ok: true, data: frame }).length <= FRAME_OUT_BYTES, what)
  }
  const all: number[] = []
  for (let [before, more] = [undefined as number | undefined, true]; more; ) {
    const page = await socket.ask('history:get', {
      conversationId,
      limit: 100,
      ...(before === undefined ? {} : { before })
    })
    check('history', page)
    const seqs = page.messages.map(({ seq }: { seq: number }) => seq)
    all.unshift(...seqs)
    before = seqs[0]
    more = page.more
  }
  t.same(
    all,
    Array.from({ length: 100 }, (_, index) => index + 1),
    'backwards, nothing is left out'
  )
  const upward: number[] = []
  for (let [after, more] = [0, true]; more; ) {
    const page = await socket.ask('history:get', { conversationId, limit: 100, after })
    check('history after', page)
    upward.push(...page.messages.map(({ seq }: { seq: number }) => seq))
    after = upward.at(-1) ?? 0
    more = page.more
  }
  t.same(upward, all, 'and forwards')
  const around = await socket.ask('history:get', { conversationId, limit: 100, around: 50 })
  check('history around', around)
  const seqs = around.messages.map(({ seq }: { seq: number }) => seq)
  t.ok(seqs.includes(50), 'the message itself is there')
  t.same(
    seqs,
    Array.from(seqs, (_, index) => seqs[0] + index),
    'with no hole beside it'
  )
  check('pull', await socket.ask('sync:pull', { stream: conversationId, since: 0 }))
  t.match(await socket.refused('history:get', { conversationId, limit: 101 }), { code: 'invalid' })
  t.match(await server.call(ann, 'GET', '/v1/conversations?limit=101'), {
    status: 400,
    body: { error: { code: 'invalid' } }
  })
})

t.test('G7 bounded: connections of one person', async t => {
  const server = await startServer(t, { env: { LIMITS_CONNECTIONS_PER_USER: '3' } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const { limits, socket } = await greet(server, ann)
  t.equal(limits.connectionsPerUser, 3, 'announced')
  await Promise.all([server.connect(ann), server.connect(ann)])
  const fourth = await server.socket()
  t.match(await fourth.refused('hello', { token: ann.token }), { code: 'quota_reached', retry: 'no' })
  t.match(await fourth.closed, { code: 4202, reason: 'too_many_connections' })
  const byHeader = await server.socket('/ws', { authorization: `Bearer ${ann.token}` })
  t.equal((await byHeader.closed).code, 4202)
  const atOnce = await Promise.all(Array.from({ length: 8 }, async () => await server.socket()))
  for (const it of atOnce) it.say('hello', { token: ben.token }, 'h')
  const let3 = await Promise.all(atOnce.map(async it => (await it.next(frame => frame.id === 'h')).ok))
  t.equal(let3.filter(Boolean).length, 3, 'at once too')
  await socket.ask('presence:subscribe', { userIds: [ann.id] })
  socket.terminate()
  await socket.closed
})

t.test('G7 bounded: commands in flight and per second; who does not stop is sent away', async t => {
  const env = {
    LIMITS_COMMANDS_IN_FLIGHT: '4',
    LIMITS_COMMANDS_BURST: '30',
    LIMITS_COMMANDS_PER_SECOND: '1',
    LIMITS_REFUSALS_PER_TEN_SECONDS: '40'
  }
  const server = await startServer(t, { env })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const { socket, limits } = await greet(server, ann)
  t.match(limits, { commandsInFlight: 4, commandsBurst: 30, commandsPerSecond: 1, refusalsPerTenSeconds: 40 })
  const sends = Array.from({ length: 10 }, (_, index) => ({ conversationId, clientId: `m${index}`, text: 'Hi' }))
  t.same(codes(await atOnce(socket, 'message:send', sends)), [
    ...Array.from({ length: 4 }, () => 'ok'),
    ...Array.from({ length: 6 }, () => 'too_many_in_flight')
  ])
  t.equal(
    (await server.call(ann, 'GET', `/v1/conversations/${conversationId}`)).body.head.seq,
    4,
    'what was refused had no effect'
  )
  const replies: Frame[] = []
  for (let index = 0; index < 30; index += 1) replies.push(...(await atOnce(socket, 'ping', [{}])))
  const refused = replies.filter(({ ok }) => !ok)
  t.ok(refused.length > 0 && refused.length < 30)
  for (const { error } of refused) t.match(error, { code: 'rate_limited', retry: 'later', retryAfterMs: Number })
  t.ok(socket.ws.readyState === 1, 'the connection is kept')
  for (let index = 0; index < 60; index += 1) socket.say('ping')
  t.match(await socket.closed, { code: 4203, reason: 'rate_abuse' })
})

t.test('G7 bounded: sends of one person over all faces, typing, and requests', async t => {
  const env = { LIMITS_SENDS_BURST: '3', LIMITS_SENDS_PER_SECOND: '1', LIMITS_TYPING_INTERVAL_MS: '60000' }
  const server = await startServer(t, { env })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const path = `/v1/conversations/${conversationId}/messages`
  const [{ socket, limits }, second] = await Promise.all([greet(server, ann), server.connect(ann)])
  t.match(limits, { sendsBurst: 3, sendsPerSecond: 1, typingIntervalMs: 60_000 })
  const send = async (by: SocketClient, clientId: string) =>
    codes(await atOnce(by, 'message:send', [{ conversationId, clientId, text: 'Hi' }]))
  const overSockets = await Promise.all([send(socket, 'a'), send(second, 'b'), send(socket, 'c'), send(second, 'd')])
  t.equal(overSockets.filter(([code]) => code === 'rate_limited').length, 1)
  const overRest = await server.call(ann, 'POST', path, { clientId: 'e', text: 'Hi' })
  t.match(overRest, { status: 429, body: { error: { code: 'rate_limited', retry: 'later', retryAfterMs: Number } } })
  t.ok(Number(overRest.headers.get('retry-after')) >= 1)
  t.equal((await server.call(ben, 'GET', path)).body.messages.length, 3)
  t.equal((await server.call(ben, 'POST', path, { clientId: 'a', text: 'Hi' })).status, 201, 'nobody else’s')
  t.same(codes(await atOnce(socket, 'typing:start', [{ conversationId }, { conversationId }])), ['ok', 'ok'], 'said')
})

t.test('G7 bounded: requests with a token and without', async t => {
  const env = {
    ...{ LIMITS_COMMANDS_PER_SECOND: '1', LIMITS_COMMANDS_BURST: '5' },
    ...{ LIMITS_REQUESTS_PER_MINUTE: '5', LIMITS_ANONYMOUS_REQUESTS_PER_MINUTE: '3' }
  }
  const server = await startServer(t, { env })
  const [ann] = (await server.people(1)) as [Person]
  const own = []
  for (let index = 0; index < 20; index += 1) own.push((await server.call(ann, 'GET', '/v1/users/me')).status)
  t.ok(own.includes(200) && own.includes(429), `${own}`)
  const expired = { token: await mintToken(ann.hex, {}, -10) }
  const late = []
  for (let index = 0; index < 7; index += 1) late.push((await server.call(expired, 'GET', '/v1/users/me')).status)
  t.same([late[0], late.at(-1)], [401, 429], 'a token that has ended is counted by the minute')
  const login = { username: 'nobody', password: 'whatever' }
  const anonymous = []
  for (let index = 0; index < 5; index += 1)
    anonymous.push(await server.call(undefined, 'POST', '/v1/auth/login', login))
  t.match(anonymous.at(-1), { status: 429, body: { error: { code: 'rate_limited', retry: 'later' } } })
  t.ok(Number(anonymous.at(-1)?.headers.get('retry-after')) >= 1)
})

t.test('G7 bounded: frames, texts, depth, members, reactions', async t => {
  const env = {
    LIMITS_FRAME_IN_BYTES: '2000',
    LIMITS_TEXT_BYTES: '100',
    LIMITS_DEPTH: '4',
    LIMITS_GROUP_MEMBERS: '3',
    LIMITS_REACTIONS_PER_MESSAGE: '2'
  }
  const server = await startServer(t, { env })
  const [ann, ben, cleo, dan] = (await server.people(4)) as [Person, Person, Person, Person]
  const conversationId = await server.group(ann, ben)
  const { socket, limits } = await greet(server, ann)
  t.match(limits, { frameInBytes: 2_000, textBytes: 100, depth: 4, groupMembers: 3, reactionsPerMessage: 2 })
  const send = async (text: string) =>
    await atOnce(socket, 'message:send', [{ conversationId, clientId: `m${text.length}`, text }])
  t.same(codes(await send('x'.repeat(100))), ['ok'])
  t.same(codes(await send('x'.repeat(101))), ['too_large'])
  t.same(codes(await send('é'.repeat(51))), ['too_large'], 'bytes, not characters')
  const deep = socket.say('ping', { a: { b: { c: { d: { e: 1 } } } } })
  t.match(await socket.next(frame => frame.ok === false && (frame.id === undefined || frame.id === deep)), {
    error: { code: 'too_large' }
  })
  await socket.ask('member:add', { conversationId, userIds: [cleo.id] })
  t.match(await socket.refused('member:add', { conversationId, userIds: [dan.id] }), { code: 'quota_reached' })
  const many = await server.call(dan, 'POST', '/v1/conversations', {
    type: 'group',
    name: 'Many',
    memberIds: [ann.id, ben.id, cleo.id]
  })
  t.match(many, { status: 409, body: { error: { code: 'quota_reached' } } }, 'a new group has no more either')
  const { id: messageId } = (await server.call(ann, 'GET', `/v1/conversations/${conversationId}/messages`)).body
    .messages[0]
  const react = (emoji: string) => ({ conversationId, messageId, emoji })
  t.same(codes(await atOnce(socket, 'reaction:add', [react('👍'), react('🎉'), react('❤️'), react('👍')])), [
    'ok',
    'ok',
    'quota_reached',
    'ok'
  ])
  socket.ws.send(JSON.stringify({ v: 1, id: 'big', type: 'ping', data: {}, more: 'x'.repeat(2_000) }))
  t.equal((await socket.closed).code, 1009)
})
