import t from 'tap'
import { joinServer, type Person, type TestServer } from '../../kit/helper.ts'
import { PacketClient } from '../../kit/packet-client.ts'

async function befriend(server: TestServer, a: Person, b: Person): Promise<void> {
  const { body } = await server.call(a, 'POST', '/v1/requests', { to: b.id, kind: 'friend' })
  await server.call(b, 'POST', `/v1/requests/${body.id}/accept`)
}

for (const version of [4, 2] as const) {
  t.test(`3.5 messages and typing between two clients of version ${version}`, async t => {
    const server = await joinServer(t)
    const [ann, ben] = (await server.people(2)) as [Person, Person]
    const open = async ({ token }: Person) => await PacketClient.open(t, server.url, { version, query: { token } })
    const [a, b] = await Promise.all([open(ann), open(ben)])
    const attachment = { type: 'image', url: 'https://example.com/image.jpg' }
    const { message } = await a.ask('sendMessage', { recipientId: ben.hex, text: 'Hello', attachment })
    const received = await b.hear('receiveMessage')
    t.match(received, { _id: message._id, senderId: ann.hex, recipientId: ben.hex, text: 'Hello', attachment })
    t.match(received, { conversationId: message.conversationId, createdAt: message.createdAt, status: 'delivered' })
    a.socket.emit('typing', { recipientId: ben.hex })
    t.same(await b.hear('typingStatus'), { senderId: ann.hex, isTyping: true })
    a.socket.emit('stopTyping', { recipientId: ben.hex })
    t.same(await b.hear('typingStatus', it => !it.isTyping), { senderId: ann.hex, isTyping: false })
    t.match(await a.ask('sendMessage', { recipientId: ben.hex, text: '' }), { error: { code: 'invalid' } })
    a.socket.emit('sendMessage', { recipientId: ben.hex, clientId: 'c1' })
    t.match(await a.hear('error'), { code: 'invalid', event: 'sendMessage', clientId: 'c1' })
    // Nothing came back to its sender.
    await b.ask('sendMessage', { recipientId: ann.hex, text: 'Answer' })
    t.equal((await a.hear('receiveMessage')).text, 'Answer')
  })
}

t.test('3.5 a message is sent, then delivered by a live socket, then read', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const listener = await server.connect(ann)
  await server.call(ann, 'POST', '/api/messages/send', { recipientId: ben.hex, text: 'Hello' })
  const status = async () => (await server.call(ann, 'GET', `/api/messages/${ben.hex}`)).body.messages[0].status
  t.equal(await status(), 'sent')
  const b = await PacketClient.open(t, server.url, { query: { token: ben.token } })
  t.match(await b.hear('receiveMessage'), { text: 'Hello', senderId: ann.hex })
  await listener.next('receipt:delivered')
  t.equal(await status(), 'delivered')
  await server.call(ben, 'GET', `/api/messages/${ann.hex}`)
  t.equal(await status(), 'read')
})

t.test('3.5 friends hear of each other’s coming and going, others do not, and new friends at once', async t => {
  const server = await joinServer(t)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  await befriend(server, ann, ben)
  await server.direct(ann, cleo)
  const open = async ({ token }: Person) => await PacketClient.open(t, server.url, { query: { token } })
  const [a, c] = await Promise.all([open(ann), open(cleo)])
  await Promise.all([a, c].map(it => it.ask('stopTyping', { recipientId: ben.hex })))
  const b = await open(ben)
  t.match(await a.hear('userStatus', it => it.userId === ben.hex), { isOnline: true, lastSeen: String })
  b.socket.close()
  const gone = await a.hear('userStatus', it => it.userId === ben.hex && !it.isOnline)
  t.ok(Date.parse(gone.lastSeen) > 0)
  t.same(
    a.heard.filter(({ name, data }) => name === 'userStatus' && data.userId === cleo.hex),
    [],
    'a conversation is not a friendship'
  )
  await befriend(server, ben, cleo)
  await c.ask('stopTyping', { recipientId: ben.hex })
  const again = await open(ben)
  t.match(await c.hear('userStatus', it => it.userId === ben.hex && it.isOnline), { lastSeen: String })
  again.socket.close()
  t.equal(c.heard.filter(({ name, data }) => name === 'userStatus' && data.userId === ann.hex).length, 0)
})

t.test('3.5 a group is not for this app, and a blocked person is not heard', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const group = await server.group(ann, ben)
  const direct = await server.direct(ann, ben)
  const b = await PacketClient.open(t, server.url, { query: { token: ben.token } })
  const a = await PacketClient.open(t, server.url, { query: { token: ann.token } })
  const canonical = await server.connect(ann)
  await canonical.ask('message:send', { conversationId: group, clientId: 'g', text: 'to all' })
  await server.call(ben, 'PUT', `/api/conversations/${ann.hex}/metadata`, { isBlocked: true })
  a.socket.emit('typing', { recipientId: ben.hex })
  t.match(await a.ask('sendMessage', { recipientId: ben.hex, text: 'blocked' }), { error: { code: 'blocked' } })
  await server.call(ben, 'PUT', `/api/conversations/${ann.hex}/metadata`, { isBlocked: false })
  await canonical.ask('message:send', { conversationId: direct, clientId: 'd', text: 'to you' })
  t.equal((await b.hear('receiveMessage')).text, 'to you')
  t.same(
    b.heard.filter(({ name }) => name === 'typingStatus'),
    []
  )
  t.equal(b.heard.filter(({ name }) => name === 'receiveMessage').length, 1)
})

t.test('3.5 without a valid token nobody is let in', async t => {
  const server = await joinServer(t)
  await t.rejects(PacketClient.open(t, server.url, { query: { token: 'none' } }))
})

t.test('3.5 the raw socket speaks the same words', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  await befriend(server, ann, ben)
  const a = await server.socket(`/ws?dialect=reals2chat&token=${ann.token}`)
  await a.ask('stopTyping', { recipientId: ben.hex })
  const b = await server.socket(`/ws?dialect=reals2chat&token=${ben.token}`)
  t.match((await a.next('userStatus')).data, { userId: ben.hex, isOnline: true })
  await b.ask('sendMessage', { recipientId: ann.hex, text: 'raw' })
  t.match((await a.next('receiveMessage')).data, { senderId: ben.hex, text: 'raw' })
})
