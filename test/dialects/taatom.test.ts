import t from 'tap'
import { joinServer, type Person } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'

for (const version of [4, 2] as const) {
  for (const transports of [undefined, ['websocket'], ['polling']]) {
    const how = `socket.io-client ${version}, ${transports?.[0] ?? 'both transports'}`
    t.test(`4.6 a message sent in the namespace /app reaches both with ${how}`, async t => {
      const server = await joinServer(t)
      const [ann, ben] = (await server.people(2)) as [Person, Person]
      const options = { version, namespace: '/app', ...(transports && { transports }) }
      const open = async (token: string) =>
        await PacketClient.open(t, server.url, { ...options, auth: { token }, query: { auth: token } })
      const [a, b] = await Promise.all([open(ann.token), open(ben.token)])
      const acknowledged = await a.ask('sendMessage', { to: ben.hex, text: 'Hello' })
      t.match(acknowledged, { message: { sender: ann.hex, text: 'Hello', seen: false } })
      const { chatId, message } = await b.hear('message:new')
      t.equal(message._id, acknowledged.message._id)
      t.equal((await a.hear('message:sent')).chatId, chatId)
      t.match(await b.hear('chat:update'), { chatId, lastMessage: 'Hello' })
      await b.ask('seen', { to: ann.hex, messageId: message._id })
      t.match(await a.hear('seen'), { from: ben.hex, messageId: message._id })
      b.socket.emit('typing', { to: ann.hex })
      t.match(await a.hear('typing'), { from: ben.hex })
      t.match(await a.ask('sendMessage', { to: ben.hex, text: '' }), { error: { code: 'invalid' } })
    })
  }
}

const chat = (id: string, rest = '') => `/api/v1/chat/${id}${rest}`

t.test('4.1 the list of chats has participants, the newest messages and one chat per pair, newest first', async t => {
  const server = await joinServer(t)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  await server.call(ann, 'POST', chat(ben.hex, '/messages'), { text: 'to Ben' })
  await server.call(ann, 'POST', chat(cleo.hex, '/messages'), { text: 'to Cleo' })
  await server.call(ben, 'POST', chat(ann.hex, '/messages'), { text: 'to Ann' })
  await server.call(ann, 'POST', '/v1/conversations', { type: 'group', name: 'Group', memberIds: [ben.id] })
  const { status, body } = await server.call(ann, 'GET', '/api/v1/chat')
  t.equal(status, 200)
  t.match(body, { success: true, message: 'Chats fetched successfully' })
  const types = body.data.chats.map(({ type }: { type: string }) => type)
  t.same(types, ['group_chat', 'user_chat', 'user_chat'], 'groups are told apart')
  const [, withBen] = body.data.chats
  t.same(
    withBen.messages.map(({ text }: { text: string }) => text),
    ['to Ben', 'to Ann'],
    'the newest page, in the order of time'
  )
  t.match(withBen, { status: 'open', unreadCount: 1, createdAt: String, updatedAt: String })
  const me = withBen.participants.find(({ _id }: { _id: string }) => _id === ann.hex)
  t.match(me, { _id: ann.hex, id: ann.hex, fullName: String, profilePic: '', isVerified: false })
  const second = await server.call(ann, 'GET', '/api/v1/chat?page=2&limit=2')
  t.same(
    second.body.data.chats.map(({ lastMessage }: { lastMessage: { text: string } }) => lastMessage.text),
    ['to Cleo']
  )
})

t.test('4.2 a chat is made at first sight, the same for both, and refused after a block either way', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const racing = await Promise.all(
    [ann, ben, ann, ben].map(async (who, index) => {
      return await server.call(who, 'GET', chat(index % 2 === 0 ? ben.hex : ann.hex))
    })
  )
  t.equal(new Set(racing.map(({ body }) => body.data.chat._id)).size, 1)
  t.match(await server.call(ann, 'GET', chat('f'.repeat(24))), {
    status: 404,
    body: { success: false, code: 'not_found', message: String }
  })
  await server.call(ben, 'POST', '/users/me/blocked-users', { userId: ann.hex })
  await server.call(ben, 'POST', '/v1/blocks', { userId: ann.hex })
  for (const [who, other] of [
    [ann, ben],
    [ben, ann]
  ] as const) {
    t.match(await server.call(who, 'GET', chat(other.hex)), { status: 403, body: { code: 'blocked' } })
    t.match(await server.call(who, 'POST', chat(other.hex, '/messages'), { text: 'no' }), { status: 403 })
  }
})

t.test('4.3 messages are answered in the document’s shape, in the order of time, page by page', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const sent = await server.call(ann, 'POST', chat(ben.id, '/messages'), { text: 'Hello, how are you?', extra: 1 })
  t.equal(sent.status, 200)
  t.match(sent.body, {
    success: true,
    message: 'Message sent successfully',
    data: { message: { _id: String, sender: ann.hex, text: 'Hello, how are you?', timestamp: String, seen: false } }
  })
  for (const text of ['two', 'three']) await server.call(ben, 'POST', chat(ann.hex, '/messages'), { text })
  const page = await server.call(ann, 'GET', chat(ben.hex, '/messages?limit=2'))
  t.same(
    page.body.data.messages.map(({ text }: { text: string }) => text),
    ['two', 'three']
  )
  const before = await server.call(ann, 'GET', chat(ben.hex, `/messages?before=${page.body.data.messages[0]._id}`))
  t.same(
    before.body.data.messages.map(({ text }: { text: string }) => text),
    ['Hello, how are you?']
  )
  for (const text of ['', '   ', 7, null, { $ne: '' }, ['x']]) {
    const refused = await server.call(ann, 'POST', chat(ben.hex, '/messages'), { text })
    t.match(refused, { status: 400, body: { success: false, code: 'invalid' } }, JSON.stringify(text))
  }
})

t.test('4.4 clearing keeps the chat and is for oneself; all seen reaches the sender live', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const a = await PacketClient.open(t, server.url, { namespace: '/app', auth: { token: ann.token } })
  await server.call(ann, 'POST', chat(ben.hex, '/messages'), { text: 'one' })
  const { body } = await server.call(ann, 'POST', chat(ben.hex, '/messages'), { text: 'two' })
  t.equal((await server.call(ben, 'POST', chat(ann.hex, '/mark-all-seen'))).status, 200)
  t.match(await a.hear('seen'), { from: ben.hex, messageId: body.data.message._id })
  const seen = await server.call(ann, 'GET', chat(ben.hex, '/messages'))
  t.ok(seen.body.data.messages.every((message: { seen: boolean }) => message.seen))
  t.match((await server.call(ann, 'DELETE', chat(ben.hex, '/messages'))).body, { success: true })
  t.same((await server.call(ann, 'GET', chat(ben.hex, '/messages'))).body.data.messages, [])
  t.equal((await server.call(ben, 'GET', chat(ann.hex, '/messages'))).body.data.messages.length, 2)
  t.equal((await server.call(ann, 'GET', '/api/v1/chat')).body.data.chats.length, 1, 'the chat is still listed')
})

t.test('4.5 mute turns over without a flag, and says so at the top and in data', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const status = async () => (await server.call(ann, 'GET', chat(ben.hex, '/mute-status'))).body
  t.match(await status(), { success: true, muted: false, data: { muted: false } })
  t.match((await server.call(ann, 'POST', chat(ben.hex, '/mute'))).body, { muted: true, data: { muted: true } })
  t.match(await status(), { muted: true, data: { muted: true } })
  t.match((await server.call(ann, 'POST', chat(ben.hex, '/mute'))).body, { muted: false, data: { muted: false } })
  const typed = await server.call(ann, 'POST', chat(ben.hex, '/mute'), '', { 'content-type': 'application/json' })
  t.match(typed.body, { muted: true }, 'a type without a body is no body')
  for (const muted of [true, true]) await server.call(ann, 'POST', chat(ben.hex, '/mute'), { muted })
  t.match(await status(), { muted: true }, 'with a flag a repeat changes nothing')
})

t.test('4.6 who was away is sent what they missed, once and in order, and it counts as delivered', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const options = { namespace: '/app', auth: { token: ben.token } }
  for (const text of ['one', 'two', 'three']) await server.call(ann, 'POST', chat(ben.hex, '/messages'), { text })
  const first = await PacketClient.open(t, server.url, options)
  await first.hear('message:new', ({ message }) => message.text === 'three')
  const texts = (client: PacketClient) =>
    client.heard.filter(({ name }) => name === 'message:new').map(({ data }) => data.message.text)
  t.same(texts(first), ['one', 'two', 'three'])
  const view = async () => (await server.call(ben, 'GET', '/v1/conversations')).body.conversations[0]
  while ((await view()).me.deliveredSeq < 3) await new Promise(resolve => setImmediate(resolve))
  first.socket.close()
  await server.call(ann, 'POST', chat(ben.hex, '/messages'), { text: 'four' })
  const second = await PacketClient.open(t, server.url, options)
  await second.hear('message:new', ({ message }) => message.text === 'four')
  t.same(texts(second), ['four'], 'what has arrived is not sent again')
})

t.test('4.10 a message is forwarded to several chats, which are made where there are none', async t => {
  const server = await joinServer(t)
  const [ann, ben, cleo, dan] = (await server.people(4)) as [Person, Person, Person, Person]
  const said = await server.call(ann, 'POST', chat(ben.hex, '/messages'), { text: 'Look at this' })
  const group = (await server.group(ben, cleo)).slice(-24)
  await server.call(dan, 'POST', '/v1/blocks', { userId: ben.id })
  const hears = await PacketClient.open(t, server.url, { namespace: '/app', auth: { token: cleo.token } })
  const path = chat(ann.hex, `/messages/${said.body.data.message._id}/forward`)
  const body = { to: [cleo.hex, group, dan.hex], clientId: 'forward-1' }
  const answered = await server.call(ben, 'POST', path, body)
  t.equal(answered.status, 200)
  t.match(answered.body, { success: true, message: 'Message forwarded successfully' })
  const { forwarded, failed } = answered.body.data
  const origin = { sender: ann.hex, timestamp: said.body.data.message.timestamp }
  const message = { text: 'Look at this', sender: ben.hex, isForwarded: true, forwardedFrom: origin }
  t.match(forwarded, [
    { to: cleo.hex, message },
    { to: group, chatId: group, message }
  ])
  t.match(failed, [{ to: dan.hex, code: 'blocked', message: String }])
  const told = await hears.hear('message:new', ({ message: it }) => it.type !== 'system')
  t.match(told.message, message)
  const again = await server.call(ben, 'POST', path, body)
  t.match(again.body.data.forwarded, forwarded, 'a repeat answers the first')
  const shown = await server.call(cleo, 'GET', chat(ben.hex, '/messages'))
  t.match(shown.body.data.messages, [message])
  t.equal(shown.body.data.messages.length, 1)
  t.equal((await server.call(ben, 'POST', path, { to: [dan.hex] })).status, 403, 'to nobody')
  t.equal((await server.call(cleo, 'POST', path, { to: [cleo.hex] })).status, 404, 'what one does not see')
})

t.test('4.10 a message is pinned for both, told live and listed, until its pin is taken off', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const hears = await PacketClient.open(t, server.url, { namespace: '/app', auth: { token: ann.token } })
  const ids: string[] = []
  for (const text of ['one', 'two', 'three']) {
    ids.push((await server.call(ann, 'POST', chat(ben.hex, '/messages'), { text })).body.data.message._id)
  }
  const pin = async (id: string | undefined, body?: object) =>
    await server.call(ben, 'POST', chat(ann.hex, `/messages/${id}/pin`), body ?? {})
  const pinned = await pin(ids[0])
  t.match(pinned.body, { success: true, data: { message: { _id: ids[0], isPinned: true } } })
  t.match(await hears.hear('message:pinned'), { message: { _id: ids[0], isPinned: true } })
  t.match((await hears.hear('message:new')).message, { type: 'system', text: 'A message was pinned' })
  await pin(ids[2])
  const listed = async (query = '') => {
    const { body } = await server.call(ann, 'GET', chat(ben.hex, `/pins${query}`))
    return body.data.messages.map(({ text }: { text: string }) => text)
  }
  t.same(await listed(), ['three', 'one'])
  t.same(await listed('?limit=1'), ['three'])
  t.same(await listed(`?limit=1&before=${ids[2]}`), ['one'])
  t.match((await pin(ids[0], { pinned: false })).body.data.message, { _id: ids[0], isPinned: false })
  t.match(await hears.hear('message:unpinned'), { message: { _id: ids[0], isPinned: false } })
  t.same(await listed(), ['three'])
})

t.test('4.10 messages of this app’s chats are found, with those of other apps', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  await server.call(ann, 'POST', chat(ben.hex, '/messages'), { text: 'Meet me in Kyoto' })
  await server.call(ben, 'POST', '/messages', { to: ann.hex, text: 'kyōto, at noon' })
  const chatId = (await server.call(ann, 'GET', chat(ben.hex))).body.data.chat._id
  for (const where of ['', `&conversationId=${chatId}`]) {
    const { body } = await server.call(ann, 'GET', `/v1/search/messages?q=kyo${where}`)
    const texts = body.results.map(({ message }: { message: { text: string } }) => message.text)
    t.strictSame(texts, ['kyōto, at noon', 'Meet me in Kyoto'])
  }
})
