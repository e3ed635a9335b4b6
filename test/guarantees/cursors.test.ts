import t from 'tap'
import { joinServer, type Person, startServer, type TestServer, TOGETHER } from '../kit/helper.ts'
import type { SocketClient } from '../kit/socket-client.ts'

/** Unread count by the server, the same in each of the places that have it. */
async function unread(server: TestServer, who: Person, conversationId: string): Promise<number> {
  const [one, list] = await Promise.all([
    server.call(who, 'GET', `/v1/conversations/${conversationId}`),
    server.call(who, 'GET', '/v1/conversations')
  ])
  const listed = list.body.conversations.find(({ id }: { id: string }) => id === conversationId)
  return one.body.unreadCount === listed.unreadCount ? one.body.unreadCount : Number.NaN
}

async function send(socket: SocketClient, conversationId: string, count: number): Promise<string[]> {
  const sent = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const clientId = `${Math.random()}-${index}`
      return await socket.ask('message:send', { conversationId, clientId, text: 'Hello' })
    })
  )
  return sent.map(({ id }) => id)
}

t.test('G5 cursors: forged ones are clamped, older ones change nothing, and read is delivered', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const [anns, bens] = await Promise.all([server.connect(ann), server.connect(ben)])
  await send(anns, conversationId, 5)
  const mark = async (type: string, seq: number) => await bens.ask(type, { conversationId, seq })
  t.match(await mark('receipt:delivered', 3), { userId: ben.id, deliveredSeq: 3, readSeq: 0 })
  t.match(await anns.next('receipt:delivered'), { data: { userId: ben.id, deliveredSeq: 3, readSeq: 0 } })
  t.match(await mark('receipt:delivered', Number.MAX_SAFE_INTEGER), { deliveredSeq: 5, readSeq: 0 }, 'clamped')
  t.match(await mark('receipt:read', 2), { deliveredSeq: 5, readSeq: 2 })
  t.match(await mark('receipt:read', 1), { deliveredSeq: 5, readSeq: 2 }, 'not back')
  t.match(await mark('receipt:read', 999), { deliveredSeq: 5, readSeq: 5 }, 'clamped')
  const path = `/v1/conversations/${conversationId}/receipts`
  t.match(await server.call(ben, 'POST', path, { readSeq: 0, deliveredSeq: 0 }), {
    status: 200,
    body: { readSeq: 5, deliveredSeq: 5 }
  })
  await send(anns, conversationId, 1)
  t.equal(await unread(server, ben, conversationId), 1, 'a forged cursor has not read the future')
  const members = await server.call(ann, 'GET', `/v1/conversations/${conversationId}/members`)
  t.match(
    members.body.receipts.find(({ userId }: { userId: string }) => userId === ben.id),
    { deliveredSeq: 5, readSeq: 5 }
  )
})

t.test('G5 cursors: of many at once, over two processes, the furthest stays', async t => {
  const server = await startServer(t, TOGETHER)
  const other = await startServer(t, { uri: server.uri, ...TOGETHER })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  await send(await server.connect(ann), conversationId, 30)
  const sockets = await Promise.all([server.connect(ben), other.connect(ben)])
  const seqs = Array.from({ length: 25 }, (_, index) => ((index * 7) % 25) + 1)
  const replies = await Promise.all(
    sockets.flatMap(socket =>
      seqs.map(async seq => ({ seq, ...(await socket.ask('receipt:read', { conversationId, seq })) }))
    )
  )
  for (const { seq, readSeq } of replies) t.ok(readSeq >= seq, `what is answered covers what was said: ${seq}`)
  t.equal(await unread(server, ben, conversationId), 5)
  t.equal((await server.call(ben, 'GET', `/v1/conversations/${conversationId}`)).body.me.readSeq, 25)
})

t.test('G5 cursors: unread is exact: not one’s own, not what is deleted or hidden', async t => {
  const server = await joinServer(t)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  const conversationId = await server.group(ann, ben, cleo)
  const [anns, bens] = await Promise.all([server.connect(ann), server.connect(ben)])
  const ids = await send(anns, conversationId, 6)
  t.equal(await unread(server, ben, conversationId), 6)
  await send(bens, conversationId, 3)
  t.equal(await unread(server, ben, conversationId), 6, 'own ones do not count')
  t.equal(await unread(server, ann, conversationId), 3)
  t.equal(await unread(server, cleo, conversationId), 9)
  await anns.ask('message:delete', { conversationId, messageId: ids[0], scope: 'everyone' })
  t.equal(await unread(server, ben, conversationId), 5, 'one deleted for everyone')
  for (const messageId of [ids[1], ids[1], ids[2]])
    await bens.ask('message:delete', { conversationId, messageId, scope: 'me' })
  t.equal(await unread(server, ben, conversationId), 3, 'two hidden, one of them twice')
  t.equal(await unread(server, cleo, conversationId), 8, 'for nobody else')
  await bens.ask('receipt:read', { conversationId, seq: 5 })
  t.equal(await unread(server, ben, conversationId), 2)
  await anns.ask('message:edit', { conversationId, messageId: ids[0], text: 'x' }).catch(() => undefined)
  await anns.ask('message:edit', { conversationId, messageId: ids[4], text: 'Edited' })
  t.equal(await unread(server, ben, conversationId), 2, 'an edit does not make it unread')
  await bens.ask('receipt:read', { conversationId, seq: 10 })
  t.equal(await unread(server, ben, conversationId), 0)
})

t.test('G5 cursors: who is added later has nothing unread from before', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.group(ann)
  const anns = await server.connect(ann)
  await send(anns, conversationId, 4)
  await anns.ask('member:add', { conversationId, userIds: [ben.id] })
  t.equal(await unread(server, ben, conversationId), 0)
  await send(anns, conversationId, 2)
  t.equal(await unread(server, ben, conversationId), 2)
  const bens = await server.connect(ben)
  t.match(
    await bens.ask('receipt:read', { conversationId, seq: 1 }),
    { readSeq: 5 },
    'the cursor does not go before they came'
  )
})
