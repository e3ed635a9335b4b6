import t from 'tap'
import { joinServer, type Person, startServer } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'
import { SocketClient } from '../kit/socket-client.ts'

const ws = (url: string): string => `${url.replace('http', 'ws')}/ws`

t.test('a dialect is served at its own paths and under its name, and its words on the raw socket', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  await server.call(ann, 'POST', `/api/v1/chat/${ben.hex}/messages`, { text: 'one' })
  for (const path of ['/api/v1/chat', '/taatom/api/v1/chat']) {
    t.equal((await server.call(ben, 'GET', path)).body.data.chats.length, 1, path)
  }
  const chosen = [
    await SocketClient.open(`${ws(server.url)}?dialect=taatom`),
    await SocketClient.open(ws(server.url), {}, ['parley.v1.taatom'])
  ]
  for (const [index, socket] of chosen.entries()) {
    const text = `missed ${index}`
    await server.call(ann, 'POST', `/api/v1/chat/${ben.hex}/messages`, { text })
    t.match(await socket.ask('hello', { token: ben.token }), { user: { id: ben.id } })
    t.match(
      await socket.next(({ type, data }) => type === 'message:new' && data.message.text === text),
      { data: { chatId: String } },
      'caught up'
    )
    t.match(await socket.ask('sendMessage', { to: ann.hex, text: 'two' }), { message: { sender: ben.hex } })
    t.match(await socket.next(({ type }) => type === 'message:sent'), { data: { message: { text: 'two' } } })
    socket.ws.close()
    await socket.closed
  }
})

t.test('a dialect that is switched off is nowhere, and the others are as they were', async t => {
  const server = await startServer(t, { env: { DIALECTS: 'mobile' } })
  const [ann] = (await server.people(1)) as [Person]
  for (const path of ['/api/v1/chat', '/taatom/api/v1/chat', '/api/friends', '/taatom/openapi.json']) {
    const { status, body } = await server.call(ann, 'GET', path)
    t.match({ status, body }, { status: 404, body: { error: { code: 'not_found' } } }, path)
  }
  t.equal((await server.call(ann, 'GET', '/conversations')).status, 200)
  await t.rejects(SocketClient.open(`${ws(server.url)}?dialect=taatom`))
  await t.rejects(PacketClient.open(t, server.url, { query: { dialect: 'taatom' }, auth: { token: ann.token } }))
  const { socket } = await PacketClient.open(t, server.url, { namespace: '/mobile', auth: { token: ann.token } })
  t.ok(socket.connected)
})

t.test('with DIALECTS=none there is the canonical API alone', async t => {
  const server = await startServer(t, { env: { DIALECTS: 'none' } })
  const [ann] = (await server.people(1)) as [Person]
  t.equal((await server.call(ann, 'GET', '/conversations')).status, 404)
  t.equal((await server.call(ann, 'GET', '/v1/conversations')).status, 200)
  await t.rejects(PacketClient.open(t, server.url, { auth: { token: ann.token } }))
})

t.test('a socket without a valid token is refused with a code, and does not try again', async t => {
  const server = await joinServer(t)
  for (const auth of [{}, { token: 'nonsense' }]) {
    const client = PacketClient.start(t, server.url, { auth } as never)
    const error = await new Promise<{ data?: { code: string } }>(resolve =>
      client.socket.once('connect_error', resolve)
    )
    t.match(error.data, { code: 'unauthenticated' })
    t.equal(client.socket.active, false)
  }
})

t.test('a revoked session ends its socket for good', async t => {
  const server = await joinServer(t)
  const { accessToken: token } = await server.signUp({ username: 'somebody' })
  const client = await PacketClient.open(t, server.url, { auth: { token } })
  const closed = new Promise<string>(resolve => client.socket.once('disconnect', resolve))
  await server.call({ token }, 'POST', '/v1/auth/logout')
  t.equal(await closed, 'io server disconnect')
  t.equal(client.socket.active, false)
})

t.test('each command counts: too many at once are refused, and the connection stays', async t => {
  const server = await startServer(t, { env: { LIMITS_COMMANDS_PER_SECOND: '1', LIMITS_COMMANDS_BURST: '3' } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const client = await PacketClient.open(t, server.url, { namespace: '/app', auth: { token: ann.token } })
  const answers = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => await client.ask('sendMessage', { to: ben.hex, text: `${index}` }))
  )
  const refused = answers.filter(({ error }) => error?.code === 'rate_limited').length
  t.ok(refused >= 4 && refused <= 6, `${refused} of 8`)
  t.ok(client.socket.connected)
  t.match(await client.ask('nonsense', {}), { error: { code: /rate_limited|unknown_type/ } })
})
