import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { openDatabase } from '../kit/databases.ts'
import { untilReleased } from '../kit/device-cursors.ts'
import { joinServer, type Person, startServer, type TestServer, TOGETHER } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'
import { StreamClient } from '../kit/stream-client.ts'

const bearer = ({ token }: Person) => ({ authorization: `Bearer ${token}` })
const send = async (server: TestServer, from: Person, conversationId: string, text: string) =>
  await server.call(from, 'POST', `/v1/conversations/${conversationId}/messages`, { clientId: text, text })

t.test('the canonical stream has the canonical events, with stream and rev', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const stream = await StreamClient.open(t, `${server.url}/v1/events`, bearer(ben))
  t.match((await stream.hear('ready')).data, { connectionId: String, heartbeatMs: Number })
  await send(server, ann, conversationId, 'one')
  const { data, id } = await stream.hear('message:new')
  t.match(data, { stream: conversationId, rev: Number, data: { text: 'one', conversationId, senderId: ann.id } })
  t.ok(id)
})

t.test('the canonical stream goes on after a cut, here and at another server, with every rev once', async t => {
  const one = await startServer(t, TOGETHER)
  const two = await startServer(t, { uri: one.uri, ...TOGETHER })
  const [ann, ben] = (await one.people(2)) as [Person, Person]
  const conversationId = await one.direct(ann, ben)
  let lastEventId = ''
  const revs: number[] = []
  for (const [round, server] of [one, two, one, two].entries()) {
    await send(two, ann, conversationId, `missed-${round}`)
    const headers = { ...bearer(ben), ...(lastEventId === '' ? {} : { 'last-event-id': lastEventId }) }
    const stream = await StreamClient.open(t, `${server.url}/v1/events`, headers)
    await stream.hear('ready')
    await send(server, ann, conversationId, `live-${round}`)
    await stream.hear('message:new', it => it.data.text === `live-${round}`)
    revs.push(...stream.all('message:new').map(it => it.rev))
    lastEventId = stream.lastEventId
    stream.cut()
  }
  // The first one was before there was a stream.
  t.same(revs, [3, 4, 5, 6, 7, 8, 9])
})

t.test('what a client was sent while it caught up is not sent again when the server hears of it late', async t => {
  const one = await joinServer(t)
  // Long enough for a client to catch up in between.
  const late = await startServer(t, { uri: one.uri, env: { TIMINGS_HEAD_POLL_MS: '3000' } })
  const [ann, ben] = (await one.people(2)) as [Person, Person]
  const conversationId = await one.direct(ann, ben)
  const known = await StreamClient.open(t, `${late.url}/v1/events`, bearer(ben))
  const { id: place = '' } = await known.hear('ready')
  await send(one, ann, conversationId, 'first')
  const headers = { ...bearer(ben), 'last-event-id': place }
  const canonical = await StreamClient.open(t, `${late.url}/v1/events`, headers)
  const dialect = await StreamClient.open(t, `${late.url}/api/sse`, headers)
  const socket = await PacketClient.open(t, late.url, { namespace: '/mobile', auth: { token: ben.token } })
  await Promise.all([canonical.hear('ready'), dialect.hear('ready'), socket.hear('message:new')])
  await known.hear('message:new')
  await send(late, ann, conversationId, 'last')
  await Promise.all([
    canonical.hear('message:new', it => it.data.text === 'last'),
    dialect.hear('message:new', it => it.text === 'last'),
    socket.hear('message:new', it => JSON.stringify(it).includes('"last"'))
  ])
  t.same(
    canonical.all('message:new').map(it => it.data.text),
    ['first', 'last']
  )
  t.same(
    dialect.all('message:new').map(it => it.text),
    ['first', 'last']
  )
  t.equal(socket.heard.filter(({ name }) => name === 'message:new').length, 2)
})

t.test(
  'U82: one’s own messages reach a device that catches up, in their place, once, also where they are heard late',
  async t => {
    const one = await joinServer(t)
    const late = await startServer(t, { uri: one.uri, env: { TIMINGS_HEAD_POLL_MS: '3000' } })
    const [ann, ben] = (await one.people(2)) as [Person, Person]
    const conversationId = await one.direct(ann, ben)
    const openBoth = async (lastEventId?: string) => ({
      socket: await PacketClient.open(t, late.url, { namespace: '/mobile', auth: { token: ben.token } }),
      stream: await StreamClient.open(t, `${late.url}/api/sse`, {
        ...bearer(ben),
        ...(lastEventId && { 'last-event-id': lastEventId })
      })
    })
    const cursors = (await openDatabase(t, one.uri)).db().collection('deviceCursors')
    const before = await openBoth()
    while ((await cursors.countDocuments()) < 2) await sleep(5)
    const { id } = await before.stream.hear('ready')
    before.socket.socket.close()
    before.stream.cut()
    await untilReleased(cursors)
    const texts = ['before', 'own', 'after', 'later']
    await send(one, ann, conversationId, 'before')
    await send(one, ben, conversationId, 'own')
    await send(one, ann, conversationId, 'after')
    const { socket, stream } = await openBoth(id)
    await send(one, ben, conversationId, 'later')
    for (const client of [socket, stream]) {
      await client.hear('message:new', it => JSON.stringify(it).includes('"later"'))
      const heard = client.heard.filter(({ name }) => name === 'message:new').map(it => JSON.stringify(it))
      t.same(
        heard.map(it => texts.findLast(text => it.includes(`"${text}"`))),
        texts
      )
    }
  }
)

t.test('what is no id begins anew, and what is too far behind is a reset', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  for (const id of ['x', '1-2~zz.1', '-1-2', `${'9'.repeat(40)}-1`]) {
    const stream = await StreamClient.open(t, `${server.url}/v1/events`, { ...bearer(ben), 'last-event-id': id })
    await stream.hear('ready')
    t.same(stream.all('message:new'), [], id)
    stream.cut()
  }
  await send(server, ann, conversationId, 'one')
  const at = Date.now() - 3_600_000
  const forged = await StreamClient.open(t, `${server.url}/v1/events`, {
    ...bearer(ben),
    'last-event-id': `${at}-999999`
  })
  await forged.hear('ready')
  t.same(
    forged.all('message:new').map(it => it.data.text),
    ['one']
  )
  t.same(forged.all('reset'), [])
})

t.test('more connections than allowed are refused', async t => {
  const server = await startServer(t, { env: { LIMITS_CONNECTIONS_PER_USER: '1' } })
  const [ann] = (await server.people(1)) as [Person]
  const stream = await StreamClient.open(t, `${server.url}/v1/events`, bearer(ann))
  await stream.hear('ready')
  t.match(await server.call(ann, 'GET', '/v1/events'), { status: 409, body: { error: { code: 'quota_reached' } } })
})

t.test('S24: a stream that is not read is cut, also from the network', async t => {
  const env = { TIMINGS_SLOW_READER_MS: '200', TIMINGS_STREAM_BEAT_MS: '50', TIMINGS_CLOSE_TIMEOUT_MS: '50' }
  const server = await startServer(t, { env })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const chat = await server.direct(ann, ben)
  const deaf = connect(Number(new URL(server.url).port), '127.0.0.1')
  deaf.on('error', () => undefined)
  const accepted: Socket[] = []
  server.app.server.on('connection', (socket: Socket) => void accepted.push(socket))
  deaf.write(`GET /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ben.token}\r\n\r\n`)
  await once(deaf, 'data')
  deaf.pause()
  const theirs = accepted.find(({ remotePort }) => remotePort === deaf.localPort)
  for (let n = 0; theirs?.destroyed === false; n++) {
    const body = { clientId: `${n}`, encryptedContent: 'x'.repeat(60_000) }
    await server.call(ann, 'POST', `/v1/conversations/${chat}/messages`, body)
  }
  deaf.destroy()
  const { text } = await server.call(undefined, 'GET', '/metrics')
  t.match(text, /^parley_connections 0$/m)
})
