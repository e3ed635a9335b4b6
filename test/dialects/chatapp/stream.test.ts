import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { openDatabase } from '../../kit/databases.ts'
import { untilReleased } from '../../kit/device-cursors.ts'
import { type Person, startServer, type TestServer, TOGETHER } from '../../kit/helper.ts'
import { StreamClient } from '../../kit/stream-client.ts'

const bearer = ({ token }: Pick<Person, 'token'>) => ({ authorization: `Bearer ${token}` })
const send = async (server: TestServer, from: Person, to: Person, text: string) =>
  (await server.call(from, 'POST', '/api/messages', { to: to.id, text })).body
const textsOf = (stream: StreamClient) => stream.all('message:new').map(it => it.text ?? it.data.text)

t.test('2.5 what happens comes in document 2’s shapes, each event with an id, and is not buffered', async t => {
  const server = await startServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  await server.direct(ann, ben)
  const stream = await StreamClient.open(t, `${server.url}/api/sse`, bearer(ben))
  t.equal(stream.response.statusCode, 200)
  t.match(stream.response.headers['content-type'], /^text\/event-stream/)
  t.match(stream.response.headers['cache-control'], /no-cache.*no-transform/)
  t.equal(stream.response.headers['x-accel-buffering'], 'no')
  await stream.hear('ready')
  const message = await send(server, ann, ben, 'Hello')
  const event = await stream.hear('message:new')
  t.match(event, { id: /^\d+-\d+/, data: { messageId: message.messageId, conversationId: message.conversationId } })
  t.match(event.data, { senderId: ann.id, text: 'Hello', type: 'text', status: 'delivered' })
  await server.call(ann, 'POST', `/api/messages/${message.messageId}/reactions`, { emoji: '👍' })
  t.match((await stream.hear('reaction:added')).data, { messageId: message.messageId, userId: ann.id, emoji: '👍' })
  await server.call(ann, 'DELETE', `/api/messages/${message.messageId}`)
  t.match((await stream.hear('message:deleted')).data, { messageId: message.messageId, deletedAt: String })
  const socket = await server.connect(ann)
  t.match((await stream.hear('presence', it => it.isOnline)).data, { userId: ann.id, status: 'online' })
  await socket.ask('typing:start', { conversationId: message.conversationId })
  t.match((await stream.hear('typing:start')).data, { conversationId: message.conversationId, userId: ann.id })
  t.equal(new Set(stream.heard.map(({ id }) => id)).has(undefined), false)
})

t.test('2.5 a stream that was cut goes on from Last-Event-ID, without loss and without doubling', async t => {
  const server = await startServer(t)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  await send(server, ann, ben, 'before')
  await server.call(ben, 'GET', `/api/messages/${await server.direct(ann, ben)}`)
  const url = `${server.url}/api/sse`
  const first = await StreamClient.open(t, url, bearer(ben))
  await first.hear('ready')
  t.same(textsOf(first), [], 'what was read is not sent again')
  await send(server, ann, ben, 'one')
  await first.hear('message:new')
  first.cut()
  await send(server, ann, ben, 'two')
  await send(server, cleo, ben, 'three')
  const second = await StreamClient.open(t, url, { ...bearer(ben), 'last-event-id': first.lastEventId })
  await second.hear('ready')
  t.same([...textsOf(second)].sort(), ['three', 'two'])
  await send(server, ann, ben, 'four')
  await second.hear('message:new', it => it.text === 'four')
  second.cut()
  await send(server, cleo, ben, 'five')
  const third = await StreamClient.open(t, url, { ...bearer(ben), 'last-event-id': second.lastEventId })
  await third.hear('ready')
  t.same(textsOf(third), ['five'])
  const again = await StreamClient.open(t, `${url}?lastEventId=${third.lastEventId}`, bearer(ben))
  await again.hear('ready')
  t.same(textsOf(again), [], 'nothing was missed')
})

t.test('2.5 a stream may be cut after any event and goes on exactly there', async t => {
  const server = await startServer(t)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  await Promise.all([server.direct(ann, ben), server.direct(cleo, ben)])
  const url = `${server.url}/api/sse`
  const first = await StreamClient.open(t, url, bearer(ben))
  await first.hear('ready')
  first.cut()
  for (const text of ['a1', 'a2', 'a3']) await send(server, ann, ben, text)
  for (const text of ['c1', 'c2']) await send(server, cleo, ben, text)
  const second = await StreamClient.open(t, url, { ...bearer(ben), 'last-event-id': first.lastEventId })
  await second.hear('ready')
  const order = textsOf(second)
  t.same([...order].sort(), ['a1', 'a2', 'a3', 'c1', 'c2'])
  const events = second.heard.filter(({ name }) => name === 'message:new')
  for (const [index, { id = '' }] of events.entries()) {
    const rest = await StreamClient.open(t, url, { ...bearer(ben), 'last-event-id': id })
    await rest.hear('ready')
    t.same(textsOf(rest), order.slice(index + 1), `after ${order[index]}`)
    rest.cut()
  }
})

t.test('2.5 a stream goes on at another server on the same database', async t => {
  const one = await startServer(t, TOGETHER)
  const two = await startServer(t, { uri: one.uri, ...TOGETHER })
  const [ann, ben] = (await one.people(2)) as [Person, Person]
  await one.direct(ann, ben)
  const first = await StreamClient.open(t, `${one.url}/api/sse`, bearer(ben))
  await first.hear('ready')
  await send(one, ann, ben, 'here')
  await first.hear('message:new')
  first.cut()
  await send(one, ann, ben, 'missed')
  const second = await StreamClient.open(t, `${two.url}/api/sse`, {
    ...bearer(ben),
    'last-event-id': first.lastEventId
  })
  await second.hear('ready')
  await send(one, ann, ben, 'live there')
  await second.hear('message:new', it => it.text === 'live there')
  t.same(textsOf(second), ['missed', 'live there'])
})

t.test(
  'U53: a new stream begins with what was not delivered, which is delivered once the client asks for something',
  async t => {
    const server = await startServer(t)
    const [ann, ben] = (await server.people(2)) as [Person, Person]
    const listener = await server.connect(ann)
    const cursors = (await openDatabase(t, server.uri)).db().collection('deviceCursors')
    const { conversationId } = await send(server, ann, ben, 'waiting')
    const statusOf = async () => (await server.call(ann, 'GET', `/api/messages/${conversationId}`)).body[0].status
    for (const index of [1, 2]) {
      const dead = await StreamClient.open(t, `${server.url}/api/sse`, bearer(ben))
      await dead.hear('ready')
      t.same(textsOf(dead), ['waiting'], `stream ${index}`)
      dead.cut()
      await untilReleased(cursors)
    }
    t.equal(await statusOf(), 'sent', 'what was written to a stream that is gone has not arrived')
    const stream = await StreamClient.open(t, `${server.url}/api/sse`, bearer(ben))
    await stream.hear('ready')
    await server.call(ben, 'GET', '/api/conversations')
    t.match((await listener.next('receipt:delivered')).data, { conversationId, userId: ben.id, deliveredSeq: 1 })
    t.equal(await statusOf(), 'delivered')
    while ((await cursors.findOne({ [`conversations.${conversationId.slice(-24)}`]: 2 })) === null) await sleep(5)
    stream.cut()
    const again = await StreamClient.open(t, `${server.url}/api/sse`, bearer(ben))
    await again.hear('ready')
    t.same(textsOf(again), [])
  }
)

t.test('2.5 the token comes in the header, in the address or as a ticket; otherwise nobody gets in', async t => {
  const server = await startServer(t)
  const [ann] = (await server.people(1)) as [Person]
  const { ticket } = (await server.call(ann, 'POST', '/v1/auth/tickets')).body
  for (const query of [`token=${ann.token}`, `ticket=${ticket}`]) {
    const stream = await StreamClient.open(t, `${server.url}/api/sse?${query}`)
    t.equal(stream.response.statusCode, 200, query.slice(0, 6))
    await stream.hear('ready')
  }
  t.equal((await server.call(undefined, 'GET', `/api/sse?ticket=${ticket}`)).status, 401, 'a ticket opens one')
  for (const path of ['/api/sse', '/api/sse?token=none', '/chatapp/api/sse']) {
    t.match(await server.call(undefined, 'GET', path), {
      ...{ status: 401, body: { success: false, message: String, code: 'unauthenticated' } }
    })
  }
  t.match(await server.call(undefined, 'GET', '/v1/events'), { status: 401, body: { error: { code: String } } })
})

t.test('2.5 an ended session ends its stream, and a stopping server all of them', async t => {
  const server = await startServer(t)
  const { accessToken } = await server.signUp()
  const who = { token: accessToken }
  const stream = await StreamClient.open(t, `${server.url}/api/sse`, bearer(who))
  await stream.hear('ready')
  await server.call(who, 'POST', '/v1/auth/logout')
  await stream.ended
  const [ann] = (await server.people(1)) as [Person]
  const other = await StreamClient.open(t, `${server.url}/api/sse`, bearer(ann))
  await other.hear('ready')
  await server.app.close()
  await other.ended
  t.same(other.all('end'), [{ code: 4300, reason: 'drain' }], 'it says why')
})

t.test('2.5 what somebody may not see is not sent to them, live or later', async t => {
  const server = await startServer(t)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  const group = await server.group(ann, ben)
  const stream = await StreamClient.open(t, `${server.url}/api/sse`, bearer(cleo))
  await stream.hear('ready')
  await server.call(ann, 'POST', '/api/messages', { conversationId: group, text: 'secret' })
  stream.cut()
  await server.call(ann, 'POST', '/api/messages', { conversationId: group, text: 'secret too' })
  await server.call(ann, 'POST', `/v1/conversations/${group}/members`, { userIds: [cleo.id] })
  await server.call(ann, 'POST', '/api/messages', { conversationId: group, text: 'for all' })
  const headers = { ...bearer(cleo), 'last-event-id': stream.lastEventId }
  const again = await StreamClient.open(t, `${server.url}/api/sse`, headers)
  await again.hear('ready')
  t.match((await again.hear('conversation:added')).data, { conversationId: group, type: 'group', name: 'Group' })
  const texts = textsOf(again)
  t.ok(texts.includes('for all'))
  t.notOk(texts.some(text => text.startsWith('secret')))
})
