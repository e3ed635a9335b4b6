import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { altered } from '../kit/altered.ts'
import { openDatabase } from '../kit/databases.ts'
import { joinServer, startServer, type TestServer } from '../kit/helper.ts'

/** Commands on a collection while something is done. */
async function commandsOn(
  t: Test,
  server: TestServer,
  collection: string,
  work: () => Promise<unknown>
): Promise<number> {
  const db = (await openDatabase(t, server.uri)).db()
  await db.command({ profile: 2 })
  await work()
  await db.command({ profile: 0 })
  const count = await db
    .collection('system.profile')
    .countDocuments({ appName: 'parley', ns: `${db.databaseName}.${collection}`, op: { $ne: 'getmore' } })
  await db.dropCollection('system.profile')
  return count
}

const times = <T>(count: number, work: () => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, work))

t.test('S08 whoever asks whether a server is ready shares one probe a second', async t => {
  const server = await joinServer(t)
  const commands = await commandsOn(t, server, 'meta', async () => {
    const answers = await times(200, async () => await server.call(undefined, 'GET', '/health/ready'))
    t.same(new Set(answers.map(({ status }) => status)), new Set([200]))
  })
  t.ok(commands >= 2 && commands <= 4, `${commands} probes: those beyond fifty wait for the next`)
})

t.test('S08 a ticket that nobody has made costs no look into the database, one of ours opens', async t => {
  const server = await joinServer(t)
  const { accessToken: token } = await server.signUp()
  const { body } = await server.call({ token }, 'POST', '/v1/auth/tickets')
  const other = await startServer(t, { env: { JWT_SECRET: randomBytes(32).toString('hex') } })
  const { accessToken } = await other.signUp()
  const foreign = (await other.call({ token: accessToken }, 'POST', '/v1/auth/tickets')).body.ticket
  const rubbish = [randomBytes(32).toString('base64url'), 'x', '', foreign, altered(body.ticket)]
  const commands = await commandsOn(t, server, 'tickets', async () => {
    for (const ticket of rubbish) {
      const socket = await server.socket()
      t.match(await socket.refused('hello', { ticket }), { code: /unauthenticated|invalid/ })
    }
    await times(50, async () => {
      const socket = await server.socket(`/ws?ticket=${randomBytes(32).toString('base64url')}`)
      await socket.closed
    })
  })
  t.equal(commands, 0)
  const socket = await server.socket()
  await socket.ask('hello', { ticket: body.ticket })
})

t.test('S32 an upgrade where there is none is a plain 404, and its address is in no log', async t => {
  const server = await joinServer(t)
  const { port } = new URL(server.url)
  for (const path of ['/v1/events?token=secret', '/api/sse?token=secret', '/', '/ws/x']) {
    const socket = connect(Number(port), '127.0.0.1')
    const lines = [
      'connection: Upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=='
    ]
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n${lines.join('\r\n')}\r\n\r\n`)
    t.match(await text(socket), /^HTTP\/1\.1 404 /, path)
  }
})

t.test('S12: the token of a QR code that nobody has made costs no look into the database', async t => {
  const server = await joinServer(t)
  const other = await startServer(t, { env: { JWT_SECRET: randomBytes(32).toString('hex') } })
  const newCode = async (from: TestServer) =>
    (await from.call(undefined, 'POST', '/v1/auth/qr', { device: { id: 'd' } })).body
  const { token, deviceSecret } = await newCode(server)
  const phone = await server.person()
  const ask = async (it: string) => [
    await server.call(phone, 'GET', `/v1/auth/qr/${it}`),
    await server.call(phone, 'POST', `/v1/auth/qr/${it}/approve`, { matchCode: '00' }),
    await server.call(undefined, 'GET', `/v1/auth/qr/${it}/image`),
    await server.call(undefined, 'GET', `/v1/auth/qr/${it}/events`, undefined, { 'device-secret': deviceSecret }),
    await server.call(undefined, 'POST', `/v1/auth/qr/${it}/login`, { deviceId: 'd', deviceSecret }),
    await server.call(undefined, 'GET', `/api/auth/qr/${it}`),
    await server.call(undefined, 'POST', '/api/auth/login', { qrToken: it })
  ]
  const ends = [...'AEIMQUYcgkosw048'].map(end => token.slice(0, -1) + end)
  const commands = await commandsOn(t, server, 'qrLogins', async () => {
    const rubbish = [randomBytes(32).toString('base64url'), (await newCode(other)).token, ...ends]
    for (const it of rubbish.filter(it => it !== token)) {
      for (const { status } of await ask(it)) t.match(`${status}`, /401|404/)
    }
  })
  t.equal(commands, 0)
  t.equal((await server.call(phone, 'GET', `/v1/auth/qr/${token}`)).status, 200)
})
