import { on } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { EngineClient } from '../kit/engine-client.ts'
import { frame } from '../kit/frames.ts'
import { type Person, startServer, type TestServer } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'

const POLLING = '/socket.io/?transport=polling&EIO='
/** Long enough that nothing ends by itself in a test. */
const PATIENT = { TIMINGS_HELLO_TIMEOUT_MS: '600000' }
const MANY = Array.from({ length: 30 }, (_, index) => index)
const HASTY = { TIMINGS_HELLO_TIMEOUT_MS: '500' }

t.test('S14: WebSockets of socket.io have the bounds of /ws', async t => {
  const server = await startServer(t, { env: PATIENT })
  const client = await EngineClient.open(t, server)
  for (let part = 0; part < 100; part++) client.ws.send('x', { fin: false })
  t.equal(await client.closed, 1008, 'a message of endless parts')
  const deaf = await openRaw(server)
  const pings = Buffer.concat(Array.from({ length: 1_000 }, () => frame(0x89, 'x'.repeat(125))))
  t.ok(await isCutWhileSending(deaf, pings), 'pings whose pongs nobody reads')
})

t.test('S14: who reads no answers is not answered for ever', async t => {
  const server = await startServer(t, { env: PATIENT })
  const { token } = await server.person()
  const path = `${POLLING}3`
  for (const isKnown of [false, true]) {
    const opened = await server.call(undefined, 'GET', isKnown ? `${path}&token=${token}` : path)
    const sid = /"sid":"([^"]+)"/.exec(opened.text)?.[1]
    const pings = '1:2'.repeat(isKnown ? 5_000 : 100)
    await server.call(undefined, 'POST', `${path}&sid=${sid}`, pings, { 'content-type': 'text/plain' }).catch(() => {})
    const { status, text } = await server.call(undefined, 'GET', `${path}&sid=${sid}`)
    t.match({ status, text }, { status: 400, text: /Session ID unknown/ }, isKnown ? 'in a namespace' : 'in none')
  }
  const client = await EngineClient.open(t, server, { version: 2, query: `&token=${token}` })
  await client.hear('40')
  client.say('421["nonsense",{}]')
  await client.hear('431')
  for (let ping = 0; ping < 200; ping++) client.say('2')
  for (let pong = 0; pong < 200; pong++) await client.hear('3')
  t.pass('who reads them is')
})

t.test('S14: a transport asks to enter namespaces so often, then again a moment later', async t => {
  const server = await startServer(t, { env: { ...PATIENT, LIMITS_JOINS_PER_TEN_SECONDS: '5' } })
  const { token } = await server.person()
  const client = await EngineClient.open(t, server)
  const neighbour = await EngineClient.open(t, server)
  for (const namespace of ['/', '/unified', '/mobile', '/app']) {
    client.join(namespace, { token })
    await client.hear('40')
  }
  client.join('/nowhere', { token })
  t.match(await client.hear('44/nowhere'), 'Invalid namespace')
  client.join('/chatapp', { token })
  t.match(await client.hear('44/chatapp'), /"code":"rate_limited".*"retryAfterMs":\d+/)
  await client.closed
  for (let joins = 0; joins < 4; joins++) neighbour.join(`/nowhere${joins}`, {})
  neighbour.join('/unified', { token })
  await neighbour.hear('40/unified')
  const patient = await EngineClient.open(t, server)
  for (let joins = 0; joins < 5; joins++) patient.join(`/nowhere${joins}`, {})
  await patient.hear('44/nowhere4')
  await sleep(2_100)
  patient.join('/unified', { token })
  await patient.hear('40/unified')
})

t.test('S14: what comes in one piece, and probes without end, are cut off, and harm nobody', async t => {
  const server = await startServer(t, { env: { ...PATIENT, LIMITS_JOINS_PER_TEN_SECONDS: '5' } })
  const crashes: unknown[] = []
  const crashed = (error: unknown): unknown => crashes.push(error)
  process.on('unhandledRejection', crashed).on('uncaughtException', crashed)
  const { token } = await server.person()
  const bystander = await PacketClient.open(t, server.url, { auth: { token } })
  const path = `${POLLING}4`
  const connects = Array.from({ length: 4_000 }, () => '40/unified,{}').join('\x1e')
  for (const isPolling of [false, true]) {
    const sid = /"sid":"([^"]+)"/.exec((await server.call(undefined, 'GET', path)).text)?.[1]
    const poll = async () => await server.call(undefined, 'GET', `${path}&sid=${sid}`).catch(() => ({ status: 400 }))
    const polled = isPolling ? poll() : undefined
    await server
      .call(undefined, 'POST', `${path}&sid=${sid}`, connects, { 'content-type': 'text/plain' })
      .catch(() => {})
    await polled
    t.equal((await poll()).status, 400, 'the session is gone')
  }
  const probed = await EngineClient.open(t, server)
  t.ok(await probed.hear('0'))
  const sid = /"sid":"([^"]+)"/.exec((await server.call(undefined, 'GET', path)).text)?.[1]
  const probe = await EngineClient.open(t, server, { query: `&sid=${sid}` })
  for (let times = 0; times < 100; times++) probe.say('2probe')
  await probe.closed
  t.ok(bystander.socket.connected)
  t.match(await bystander.ask('nonsense', {}), { error: { code: 'unknown_type' } })
  process.off('unhandledRejection', crashed).off('uncaughtException', crashed)
  t.same(crashes, [])
})

t.test('S24: a transport whose namespaces are left is closed, and one that is in one is not', async t => {
  const server = await startServer(t, { env: HASTY })
  const { token } = await server.person()
  const staying = await EngineClient.open(t, server)
  staying.join('/unified', { token })
  await staying.hear('40/unified')
  staying.join('/mobile', { token })
  await staying.hear('40/mobile')
  staying.say('41/mobile,')
  const leaving = await EngineClient.open(t, server)
  leaving.join('/unified', { token })
  await leaving.hear('40/unified')
  leaving.say('41/unified,')
  const silent = await EngineClient.open(t, server)
  await Promise.all([leaving.closed, silent.closed])
  staying.say('42/unified,1["nonsense",{}]')
  t.match(await staying.hear('43/unified,1'), 'unknown_type')
})

t.test('S24: a client of version 2 is in the main namespace only if it means it', async t => {
  const server = await startServer(t, { env: HASTY })
  const { accessToken: token } = await server.signUp()
  const other = await server.signUp()
  const client = await EngineClient.open(t, server, { version: 2, query: `&token=${token}` })
  client.say(`40/mobile?token=${other.accessToken}`)
  await client.hear('40/mobile')
  await client.hear('40')
  client.say('421["nonsense",{}]')
  t.match(await client.hear('431'), '"forbidden"', 'nothing is done where it is not')
  await server.call({ token }, 'POST', '/v1/auth/logout')
  client.say('422["nonsense",{}]')
  t.match(await client.hear('432'), '"forbidden"', 'nor for a session that has ended')
  client.say('41/mobile')
  await client.closed
  const meaning = await EngineClient.open(t, server, { version: 2, query: `&token=${other.accessToken}` })
  await meaning.hear('40')
  meaning.say('421["nonsense",{}]')
  t.match(await meaning.hear('431'), '"unknown_type"')
  await server.call({ token: other.accessToken }, 'POST', '/v1/auth/logout')
  await meaning.closed
})

t.test('S24: a dialect that is not there is refused to every version', async t => {
  const server = await startServer(t, { env: PATIENT })
  const { token } = await server.person()
  for (const version of [2, 4] as const) {
    const client = await EngineClient.open(t, server, { version, query: `&token=${token}&dialect=none` })
    if (version === 4) client.join('/', { token })
    t.match(await client.hear('44'), /no such dialect/, `version ${version}`)
  }
})

t.test('S24: a socket.io client that reads nothing is cut', async t => {
  const server = await startServer(t, { env: { TIMINGS_SLOW_READER_MS: '100' } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const chat = await server.direct(ann, ben)
  const deaf = await openRaw(server)
  deaf.write(frame(0x81, `40/unified,${JSON.stringify({ token: ben.token })}`))
  // Commands are answered once it has caught up.
  deaf.write(frame(0x81, '42/unified,1["nonsense",{}]'))
  await untilSaid(deaf, '43/unified,1')
  t.ok(await isOnline(server, ann, ben))
  deaf.pause()
  const body = { encryptedContent: 'x'.repeat(60_000) }
  const path = `/v1/conversations/${chat}/messages`
  let n = 0
  for (; await isOnline(server, ann, ben); n += MANY.length) {
    await Promise.all(
      MANY.map(async index => await server.call(ann, 'POST', path, { clientId: `${n + index}`, ...body }))
    )
  }
  deaf.resume()
  await new Promise(resolve => deaf.once('close', resolve))
  t.ok(n < 2_000, `${n} messages of 60 KB`)
})

async function isOnline(server: TestServer, who: Person, { id }: Person): Promise<boolean> {
  const { body } = await server.call(who, 'GET', `/v1/presence?ids=${id}`)
  return body.presence[0].status === 'online'
}

/** A transport whose bytes are ours. */
async function openRaw({ url }: TestServer): Promise<Socket> {
  const { port, host } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.on('error', () => undefined)
  const lines = [
    `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: ${host}\r\nconnection: Upgrade\r\nupgrade: websocket`,
    'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=='
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  await new Promise(resolve => socket.once('data', resolve))
  return socket
}

/** Resolves when the other side has said something. */
async function untilSaid(socket: Socket, part: string): Promise<void> {
  let said = ''
  for await (const [bytes] of on(socket, 'data')) {
    said += bytes
    if (said.includes(part)) return
  }
}

/** Sends without reading until the other side cuts, at most 200 MB. */
async function isCutWhileSending(socket: Socket, bytes: Buffer): Promise<boolean> {
  socket.pause()
  let isCut = false
  const cut = new Promise<void>(resolve => socket.once('close', resolve)).then(() => {
    isCut = true
  })
  for (let sent = 0; !isCut && sent < 200e6; sent += bytes.length) {
    if (!socket.write(bytes)) await Promise.race([cut, new Promise(resolve => socket.once('drain', resolve))])
  }
  return isCut
}
