import t from 'tap'
import { joinServer, type Person, startServer, type TestServer, TOGETHER } from '../kit/helper.ts'
import { Refusal, type SocketClient } from '../kit/socket-client.ts'
import { SyncClient } from '../kit/sync-client/client.ts'

const codeOf = async (asked: Promise<unknown>) =>
  await asked.then(
    () => 'granted',
    (error: unknown) => (error instanceof Refusal ? error.error.code : 'unknown')
  )

/** Sends a text. @returns the place of its message */
async function say(socket: SocketClient, conversationId: string, text: string, clientId = text) {
  const { id: messageId, seq } = await socket.ask('message:send', { conversationId, clientId, text })
  return { place: { conversationId, messageId }, seq }
}

async function pinsOf(server: TestServer, who: Person, conversationId: string, query = '') {
  const { body } = await server.call(who, 'GET', `/v1/conversations/${conversationId}/pins${query}`)
  return body.messages.map((message: { text?: string }) => message.text)
}

t.test('a pin is a change that everybody hears, and a system message records it', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const [annSocket, benSocket] = await Promise.all([server.connect(ann), server.connect(ben)])
  const { place } = await say(annSocket, conversationId, 'one')
  await benSocket.ask('message:pin', place)
  const told = await annSocket.next('message:pinned')
  t.match(told.data, {
    userId: ben.id,
    message: { id: place.messageId, text: 'one', rev: told.rev, pinned: { userId: ben.id, pinnedAt: String } }
  })
  const note = await annSocket.next(frame => frame.type === 'message:new' && frame.data.type === 'system')
  t.equal(note.rev, told.rev + 1)
  t.match(note.data.system, { kind: 'pinned', actorId: ben.id, messageId: place.messageId })
  const path = `/v1/conversations/${conversationId}/messages/${place.messageId}/pin`
  t.equal((await server.call(ann, 'PUT', path)).status, 200, 'a repeat is granted')
  t.equal((await server.call(ann, 'DELETE', path)).status, 200)
  const taken = await benSocket.next('message:unpinned')
  t.equal(taken.rev, note.rev + 1, 'and was no change')
  t.match(taken.data, { userId: ann.id, message: { id: place.messageId } })
  t.notOk('pinned' in taken.data.message)
  await annSocket.ask('message:unpin', place)
  t.same(await pinsOf(server, ann, conversationId), [])
})

t.test('a client that was away has the pin when it comes back, and so has one on another server', async t => {
  const first = await startServer(t, TOGETHER)
  const second = await startServer(t, { ...TOGETHER, uri: first.uri })
  const [ann, ben] = (await first.people(2)) as [Person, Person]
  const conversationId = await first.direct(ann, ben)
  const socket = await first.connect(ann)
  const { place } = await say(socket, conversationId, 'one')
  const away = await SyncClient.open(first.url, ben.token)
  const there = await SyncClient.open(second.url, ben.token)
  t.teardown(() => [away, there].map(client => client.close()))
  await Promise.all([away.untilLevel(), there.untilLevel()])
  away.cut()
  await socket.ask('message:pin', place)
  const { rev } = await socket.next(frame => frame.type === 'message:new' && frame.data.type === 'system')
  await there.until(() => (there.store.cursors[conversationId] ?? 0) >= rev)
  await away.reconnect()
  await away.untilLevel()
  const fresh = await SyncClient.freshLoad(second.url, ben.token)
  for (const client of [away, there]) {
    t.match(client.store.conversations[conversationId]?.messages[place.messageId]?.pinned, { userId: ann.id })
    t.same(client.store.conversations, fresh.conversations)
  }
})

t.test(
  'in a group admins pin, and nobody is shown pins from before their time or that they have cleared or hidden',
  async t => {
    const server = await joinServer(t)
    const [ann, ben, cem] = (await server.people(3)) as [Person, Person, Person]
    const conversationId = await server.group(ann, ben)
    const [annSocket, benSocket] = await Promise.all([server.connect(ann), server.connect(ben)])
    const one = await say(benSocket, conversationId, 'one')
    const two = await say(annSocket, conversationId, 'two')
    t.equal(await codeOf(benSocket.ask('message:pin', one.place)), 'forbidden', 'a member')
    for (const { place } of [two, one]) await annSocket.ask('message:pin', place)
    t.equal(await codeOf(benSocket.ask('message:unpin', one.place)), 'forbidden')
    await server.call(ann, 'POST', `/v1/conversations/${conversationId}/members`, { userIds: [cem.id] })
    const cemSocket = await server.connect(cem)
    const three = await say(cemSocket, conversationId, 'three')
    await annSocket.ask('message:pin', three.place)
    t.same(await pinsOf(server, ben, conversationId), ['three', 'two', 'one'], 'the newest message first')
    t.same(await pinsOf(server, ben, conversationId, '?limit=2'), ['three', 'two'])
    t.same(await pinsOf(server, ben, conversationId, `?limit=2&before=${two.seq}`), ['one'])
    t.same(await pinsOf(server, cem, conversationId), ['three'], 'who came later')
    await annSocket.ask('message:unpin', one.place)
    await cemSocket.next(frame => frame.type === 'noop')
    t.notOk(
      cemSocket.frames.some(({ type }) => type === 'message:unpinned'),
      'hears nothing of the others'
    )
    await benSocket.ask('message:delete', { ...three.place, scope: 'me' })
    t.same(await pinsOf(server, ben, conversationId), ['two'])
    await server.call(ben, 'DELETE', `/v1/conversations/${conversationId}/messages`)
    t.same(await pinsOf(server, ben, conversationId), [])
    t.same(await pinsOf(server, ann, conversationId), ['three', 'two'])
    const stranger = await server.call(await server.person(), 'GET', `/v1/conversations/${conversationId}/pins`)
    t.equal(stranger.status, 404)
  }
)

t.test(
  'there are so many pins at most, on two servers at once too; deleting and unpinning give their place back',
  async t => {
    const env = { ...TOGETHER.env, LIMITS_PINS_PER_CONVERSATION: '2' }
    const first = await startServer(t, { env })
    const second = await startServer(t, { env, uri: first.uri })
    const [ann, ben] = (await first.people(2)) as [Person, Person]
    const conversationId = await first.direct(ann, ben)
    const sockets = [await first.connect(ann), await second.connect(ben)] as [SocketClient, SocketClient]
    const places: object[] = []
    for (const text of 'abcdef') places.push((await say(sockets[0], conversationId, text)).place)
    const codes = await Promise.all(
      places.map(async (place, index) => await codeOf((sockets[index % 2] ?? sockets[0]).ask('message:pin', place)))
    )
    t.same([...codes].sort(), ['granted', 'granted', ...Array(4).fill('quota_reached')])
    const [one, two] = places.filter((_, index) => codes[index] === 'granted')
    const [other, another] = places.filter((_, index) => codes[index] !== 'granted')
    await sockets[0].ask('message:delete', { ...one, scope: 'everyone' })
    t.equal((await sockets[0].next('message:deleted')).data.pinned, undefined, 'what is deleted is not pinned')
    t.equal(await codeOf(sockets[0].ask('message:pin', one ?? {})), 'gone')
    t.equal(await codeOf(sockets[0].ask('message:pin', other ?? {})), 'granted')
    t.equal(await codeOf(sockets[1].ask('message:pin', another ?? {})), 'quota_reached')
    await sockets[1].ask('message:unpin', two)
    t.equal(await codeOf(sockets[1].ask('message:pin', another ?? {})), 'granted')
    t.equal((await pinsOf(first, ann, conversationId)).length, 2)
  }
)

t.test('a pin that cannot be is refused', async t => {
  const server = await joinServer(t)
  const [ann, ben, cem] = (await server.people(3)) as [Person, Person, Person]
  const conversationId = await server.direct(ann, ben)
  const [annSocket, cemSocket] = await Promise.all([server.connect(ann), server.connect(cem)])
  const { place } = await say(annSocket, conversationId, 'one')
  t.equal(await codeOf(cemSocket.ask('message:pin', place)), 'not_found', 'a stranger')
  t.equal(await codeOf(annSocket.ask('message:pin', { ...place, messageId: `msg_${'0'.repeat(24)}` })), 'not_found')
  const elsewhere = await server.direct(ann, cem)
  t.equal(
    await codeOf(annSocket.ask('message:pin', { ...place, conversationId: elsewhere })),
    'not_found',
    'of elsewhere'
  )
  await annSocket.ask('message:pin', place)
  const note = await annSocket.next(frame => frame.type === 'message:new' && frame.data.type === 'system')
  t.equal(await codeOf(annSocket.ask('message:pin', { ...place, messageId: note.data.id })), 'forbidden', 'a record')
  await server.call(ben, 'POST', '/v1/blocks', { userId: ann.id })
  t.equal(await codeOf(annSocket.ask('message:unpin', place)), 'blocked')
})

t.test('an edited or a reacted message stays pinned, and a page of large pins goes on where it ends', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const socket = await server.connect(ann)
  const encryptedContent = 'x'.repeat(50_000)
  const seqs: number[] = []
  for (let number = 0; number < 6; number++) {
    const sent = await socket.ask('message:send', { conversationId, clientId: `n${number}`, encryptedContent })
    await socket.ask('message:pin', { conversationId, messageId: sent.id })
    seqs.unshift(sent.seq)
    if (number > 0) continue
    await socket.ask('reaction:add', { conversationId, messageId: sent.id, emoji: '👍' })
    await socket.ask('message:edit', { conversationId, messageId: sent.id, encryptedContent: `y${encryptedContent}` })
  }
  const seen: number[] = []
  let pages = 0
  for (let more = true; more; pages++) {
    const before = seen.length === 0 ? '' : `?before=${seen.at(-1)}`
    const { body, text } = await server.call(ann, 'GET', `/v1/conversations/${conversationId}/pins${before}`)
    t.ok(text.length < 262_144, `${text.length} bytes`)
    for (const { seq } of body.messages) seen.push(seq)
    more = body.more
  }
  t.same(seen, seqs)
  t.ok(pages > 1, `${pages} pages`)
})
