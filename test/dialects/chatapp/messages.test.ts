import t from 'tap'
import { joinServer, type Person, type TestServer } from '../../kit/helper.ts'

const NOBODY = '0123456789abcdef01234567'
const post = async (server: TestServer, who: Person, body: object) =>
  await server.call(who, 'POST', '/api/messages', body)
const list = async (server: TestServer, who: Person, id: string, query = '') =>
  await server.call(who, 'GET', `/api/messages/${id}${query}`)

t.test('2.3 conversations are a bare list in the document’s shape, newest first', async t => {
  const server = await joinServer(t)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  const { body: first } = await post(server, ben, { to: ann.id, text: 'Hello!' })
  const group = await server.group(cleo, ann)
  await post(server, cleo, { conversationId: group, text: 'Hi' })
  await post(server, ben, { to: ann.hex, text: 'Again' })
  const { status, body } = await server.call(ann, 'GET', '/api/conversations')
  t.equal(status, 200)
  t.equal(body.length, 2)
  t.match(body[0], {
    conversationId: first.conversationId,
    type: 'direct',
    lastMessage: { messageId: /^msg_/, text: 'Again', senderId: ben.id, timestamp: String },
    unreadCount: 2
  })
  const [me, other] = [ann, ben].map(it => body[0].participants.find((p: { userId: string }) => p.userId === it.id))
  t.match(other, { userId: ben.id, displayName: `Person ${ben.hex.slice(-4)}`, avatar: '', joinedAt: String })
  t.match(me, { lastReadMessageId: null, isMuted: false, isArchived: false })
  t.equal('isMuted' in other, false, 'nobody else’s business')
  t.match(body[1], { conversationId: group, type: 'group', name: 'Group', createdBy: cleo.id })
  t.match((await server.call(ann, 'GET', '/api/conversations?limit=1&page=2')).body, [{ conversationId: group }])
  await list(server, ann, first.conversationId)
  const one = (await server.call(ann, 'GET', `/api/conversations/${first.conversationId.slice(5)}`)).body
  t.equal(one.unreadCount, 0)
  t.match(
    one.participants.find((p: { userId: string }) => p.userId === ann.id),
    {
      lastReadMessageId: body[0].lastMessage.messageId
    }
  )
  const foreign = await server.call(cleo, 'GET', `/api/conversations/${first.conversationId}`)
  t.match(foreign, { status: 404, body: { success: false, message: String, code: 'not_found' } })
})

t.test('2.4 a message is answered in the document’s shape, and its status goes from sent to read', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const { status, body } = await post(server, ann, { to: ben.id, text: 'Hello, how are you?', extra: true })
  t.equal(status, 201)
  t.match(body, {
    ...{ messageId: /^msg_[0-9a-f]{24}$/, conversationId: /^conv_[0-9a-f]{24}$/, senderId: ann.id },
    ...{ text: 'Hello, how are you?', type: 'text', status: 'sent', createdAt: String }
  })
  const statusNow = async () => (await list(server, ann, body.conversationId)).body[0].status
  t.equal(await statusNow(), 'sent')
  const socket = await server.connect(ben)
  await socket.ask('receipt:delivered', { conversationId: body.conversationId, seq: 1 })
  t.equal(await statusNow(), 'delivered')
  t.match((await list(server, ben, body.conversationId)).body, [{ messageId: body.messageId }])
  t.equal(await statusNow(), 'read')
  for (const bad of [
    {},
    { text: 'x' },
    { to: ben.id },
    { to: ben.id, text: 1 },
    { to: ben.id, text: 'x', type: 'odd' }
  ])
    t.equal((await post(server, ann, bad)).status, 400, JSON.stringify(bad))
  t.equal((await post(server, ann, { to: NOBODY, text: 'x' })).status, 404)
  t.equal((await post(server, ann, { to: ben.id, text: 'x', type: 'system' })).status, 403)
})

t.test('2.4 pages hold 50 messages, 100 at most, oldest first', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  for (let n = 1; n <= 103; n++) await post(server, ann, { conversationId, text: String(n) })
  const texts = async (query = '') =>
    (await list(server, ann, conversationId, query)).body.map((it: { text: string }) => it.text)
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => String(from + i))
  t.same(await texts(), range(54, 103))
  t.same(await texts('?limit=1000'), range(4, 103))
  t.same(await texts('?page=2'), range(4, 53))
  t.same(await texts('?page=3'), range(1, 3))
  const [first] = (await list(server, ann, conversationId)).body
  t.same(await texts(`?limit=2&before=${first.messageId}`), ['52', '53'])
})

t.test('2.4 and 3.2 the id tells whose words are answered', async t => {
  const server = await joinServer(t)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  const { body: message } = await post(server, ann, { to: ben.id, text: 'Hello' })
  const bare = message.conversationId.slice(5)
  for (const id of [bare, `conv_${bare}`])
    t.match((await list(server, ann, id)).body, [{ messageId: message.messageId }])
  for (const id of [ben.hex, ben.id]) {
    t.match((await list(server, ann, id)).body, { success: true, messages: [{ _id: message.messageId.slice(4) }] })
  }
  const refusal = { status: 404, body: { success: false, message: String, code: 'not_found' } }
  for (const id of [NOBODY, `conv_${NOBODY}`, `user_${NOBODY}`]) t.match(await list(server, ann, id), refusal, id)
  t.match(await list(server, cleo, bare), refusal, 'somebody else’s conversation')
  t.match(await list(server, cleo, `conv_${bare}`), refusal)
  t.equal((await list(server, ann, 'nothing')).status, 400)
  t.equal((await server.call(ann, 'GET', `/chatapp/api/messages/${ben.hex}`)).status, 404)
  t.equal((await server.call(ann, 'GET', `/reals2chat/api/messages/${bare}`)).status, 404)
})

t.test('2.7 types, media, replies, reactions and deletion are stored and given back', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const media = {
    ...{ url: 'https://example.com/f', thumbnail: 'https://example.com/t', mimeType: 'video/mp4' },
    ...{ size: 1234, duration: 2.5 }
  }
  for (const type of ['image', 'video', 'audio', 'file']) {
    const { status, body } = await post(server, ann, { conversationId, type, media })
    t.equal(status, 201, type)
    t.match(body, { type, text: '', media })
    t.same(body.media, media)
  }
  const location = { latitude: 52.5, longitude: 13.4, name: 'Berlin' }
  t.match((await post(server, ann, { conversationId, type: 'location', location })).body, {
    type: 'location',
    location
  })
  t.match((await post(server, ann, { conversationId, media })).body, { type: 'video' }, 'told by its media')
  t.equal((await post(server, ann, { conversationId, type: 'image' })).status, 400)
  const { body: text } = await post(server, ann, { conversationId, text: 'Hello', type: 'text' })
  const { body: reply } = await post(server, ben, { conversationId, text: 'Yes', replyTo: text.messageId })
  t.equal(reply.replyTo, text.messageId)
  const path = `/api/messages/${text.messageId}`
  for (let n = 0; n < 2; n++) {
    const { status, body } = await server.call(ben, 'POST', `${path}/reactions`, { emoji: '👍' })
    t.equal(status, 200)
    t.match(body.reactions, [{ userId: ben.id, emoji: '👍', createdAt: /Z$/ }])
    t.equal(body.reactions.length, 1, 'once, even when repeated')
  }
  const stored = (await list(server, ann, conversationId)).body
  t.same(
    stored.map((it: { type: string }) => it.type),
    ['image', 'video', 'audio', 'file', 'location', 'video', 'text', 'text']
  )
  t.match(stored[6].reactions, [{ userId: ben.id, emoji: '👍', createdAt: /Z$/ }])
  const removed = await server.call(ben, 'DELETE', `${path}/reactions/${encodeURIComponent('👍')}`)
  t.same(removed.body.reactions, [])
  t.equal((await server.call(ben, 'DELETE', path)).status, 403, 'somebody else’s')
  t.match((await server.call(ann, 'DELETE', path)).body, { messageId: text.messageId, text: '', deletedAt: String })
  t.match((await list(server, ben, conversationId)).body[6], { messageId: text.messageId, text: '', deletedAt: String })
  t.equal((await server.call(ben, 'DELETE', `${path}?scope=me`)).status, 200)
  t.equal(
    (await list(server, ben, conversationId)).body.some((it: { messageId: string }) => it.messageId === text.messageId),
    false
  )
  t.equal((await list(server, ann, conversationId)).body.length, 8)
})

t.test('2.5 the raw socket speaks the same words', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const a = await server.socket(`/ws?dialect=chatapp&token=${ann.token}`)
  const b = await server.socket(`/ws?dialect=chatapp&token=${ben.token}`)
  await b.ask('ping')
  const sent = await a.ask('message:send', { to: ben.id, text: 'Hello' })
  t.match(sent, { messageId: /^msg_/, senderId: ann.id, status: 'sent' })
  const { data } = await b.next('message:new')
  t.match(data, { messageId: sent.messageId, text: 'Hello', status: 'delivered' })
  await b.ask('message:read', { messageId: sent.messageId })
  const read = await a.next('receipt:read')
  t.match(read.data, { conversationId: sent.conversationId, userId: ben.id, lastReadMessageId: sent.messageId })
})
