import t from 'tap'
import { joinServer, type Person, type TestServer } from '../../kit/helper.ts'

async function befriend(server: TestServer, a: Person, b: Person): Promise<void> {
  const { body } = await server.call(a, 'POST', '/v1/requests', { to: b.id, kind: 'friend' })
  await server.call(b, 'POST', `/v1/requests/${body.id}/accept`)
}

const send = async (server: TestServer, from: Person, to: Person, text: string) =>
  (await server.call(from, 'POST', '/api/messages/send', { recipientId: to.hex, text })).body.message
const history = async (server: TestServer, who: Person, other: Person, query = '') =>
  (await server.call(who, 'GET', `/api/messages/${other.hex}${query}`)).body

t.test('3.1 the list of friends holds who accepted, and nobody else', async t => {
  const server = await joinServer(t)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  await befriend(server, ann, ben)
  await server.call(ann, 'POST', '/v1/requests', { to: cleo.id, kind: 'friend' })
  const { status, body } = await server.call(ann, 'GET', '/api/friends')
  t.equal(status, 200)
  const friend = { _id: ben.hex, id: ben.hex, name: `Person ${ben.hex.slice(-4)}`, photoURL: '', isOnline: false }
  t.match(body, { success: true, friends: [friend] })
  t.equal(body.friends.length, 1)
  t.type(Date.parse(body.friends[0].lastSeen), 'number')
  t.match(await server.call(ann, 'GET', '/reals2chat/api/friends'), { body: { friends: [{ _id: ben.hex }] } })
  await server.connect(ben)
  t.equal((await server.call(ann, 'GET', '/api/friends')).body.friends[0].isOnline, true)
  await server.call(ann, 'DELETE', `/v1/friends/${ben.id}`)
  t.same((await server.call(ben, 'GET', '/api/friends')).body.friends, [])
})

t.test('3.1 who became a contact by an accepted request is listed too', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const { body } = await server.call(ann, 'POST', '/v1/requests', { to: ben.id, kind: 'chat' })
  t.same((await server.call(ann, 'GET', '/api/friends')).body.friends, [])
  await server.call(ben, 'POST', `/v1/requests/${body.id}/accept`)
  t.match((await server.call(ann, 'GET', '/api/friends')).body.friends, [{ _id: ben.hex }])
})

t.test('3.2 the history is oldest first, in pages, and marks as read what it answers', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  t.match(await history(server, ann, ben), { success: true, messages: [] })
  for (const text of ['one', 'two', 'three']) await send(server, ann, ben, text)
  const textsOf = ({ messages }: { messages: { text: string }[] }) => messages.map(({ text }) => text)
  t.same(textsOf(await history(server, ann, ben)), ['one', 'two', 'three'])
  t.same(textsOf(await history(server, ann, ben, '?page=1&limit=2')), ['two', 'three'])
  t.same(textsOf(await history(server, ann, ben, '?page=2&limit=2')), ['one'])
  t.same(
    new Set((await history(server, ann, ben)).messages.map((it: { status: string }) => it.status)),
    new Set(['sent'])
  )
  const [first] = (await history(server, ben, ann, '?page=2&limit=2')).messages
  t.match(first, {
    ...{ _id: first.id, conversationId: /^[0-9a-f]{24}$/, senderId: ann.hex, recipientId: ben.hex, text: 'one' },
    ...{ createdAt: String, status: 'read' }
  })
  const statuses = (await history(server, ann, ben)).messages.map((it: { status: string }) => it.status)
  t.same(statuses, ['read', 'sent', 'sent'])
  await history(server, ben, ann)
  t.equal((await history(server, ann, ben)).messages[2].status, 'read')
  t.same(textsOf(await history(server, ben, ann, `?before=${first._id}`)), [])
})

t.test('3.2 nobody, nothing and a bad id are told apart', async t => {
  const server = await joinServer(t)
  const [ann] = (await server.people(1)) as [Person]
  const missing = await server.call(ann, 'GET', '/api/messages/user_0123456789abcdef01234567')
  t.equal(missing.status, 404)
  t.match(missing.body, { success: false, message: String, code: 'not_found' })
  t.match(await server.call(ann, 'GET', '/api/messages/nobody'), {
    status: 400,
    body: { success: false, code: 'invalid' }
  })
  t.match(await server.call(undefined, 'GET', '/api/friends'), {
    ...{ status: 401, body: { success: false, code: 'unauthenticated' } }
  })
})

t.test('3.3 a message is sent with a text, an attachment or both, and not without', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const attachment = { type: 'image', url: 'https://example.com/image.jpg' }
  const post = async (body: object) =>
    await server.call(ann, 'POST', '/api/messages/send', { recipientId: ben.hex, ...body })
  const both = await post({ text: 'Hello there!', attachment, extra: 1 })
  t.equal(both.status, 201)
  t.match(both.body, {
    success: true,
    message: { senderId: ann.hex, recipientId: ben.hex, text: 'Hello there!', attachment, status: 'sent' }
  })
  const alone = await post({ text: '', attachment })
  t.match(alone, { status: 201, body: { message: { text: 'Picture', attachment } } }, 'its apps show text alone')
  t.match(await post({ recipientId: ben.id, text: 'prefixed', attachment: null }), { status: 201 })
  for (const bad of [
    { text: '' },
    {},
    { text: 5 },
    { text: 'a', attachment: { type: 'image' } },
    { text: 'a', attachment: { type: 'x', url: attachment.url } }
  ]) {
    const refused = await post(bad)
    t.equal(refused.status, 400, JSON.stringify(bad))
    t.match(refused.body, { success: false, message: String })
  }
  t.match(await post({ recipientId: '0123456789abcdef01234567', text: 'a' }), { status: 404, body: { success: false } })
  t.equal((await history(server, ben, ann)).messages.length, 3)
})

t.test('3.3 a repeated clientId is one message', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const body = { recipientId: ben.hex, text: 'once', clientId: 'c1' }
  const [a, b] = await Promise.all([1, 2].map(() => server.call(ann, 'POST', '/api/messages/send', body)))
  t.equal(a?.body.message._id, b?.body.message._id)
  t.equal((await history(server, ben, ann)).messages.length, 1)
})

t.test('3.4 metadata is changed in part and answered whole', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const put = async (body: object) => await server.call(ann, 'PUT', `/api/conversations/${ben.hex}/metadata`, body)
  const first = await put({ isPinned: true, customRingtone: 'ringtone_url' })
  const metadata = {
    ...{ userId: ann.hex, otherUserId: ben.hex, isPinned: true, isBlocked: false },
    ...{ customRingtone: 'ringtone_url', isFavorite: false }
  }
  t.equal(first.status, 200)
  t.match(first.body, { success: true, metadata, ...metadata })
  t.match(first.body._id, /^[0-9a-f]{24}$/)
  t.match((await put({ isFavorite: true })).body, { ...metadata, _id: first.body._id, isFavorite: true })
  t.match((await put({ customRingtone: '', isPinned: false })).body.metadata, {
    customRingtone: '',
    isPinned: false,
    isFavorite: true
  })
  t.match(await put({ isPinned: 'yes' }), { status: 400 })
  const nobody = await server.call(ann, 'PUT', '/api/conversations/0123456789abcdef01234567/metadata', {
    isPinned: true
  })
  t.match(nobody, { status: 404, body: { success: false } })
})

t.test('3.4 isBlocked blocks on every path, and unblocks', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const put = async (isBlocked: boolean) =>
    await server.call(ann, 'PUT', `/api/conversations/${ben.hex}/metadata`, { isBlocked })
  t.match((await put(true)).body, { isBlocked: true, metadata: { isBlocked: true } })
  const refused = await server.call(ben, 'POST', '/api/messages/send', { recipientId: ann.hex, text: 'Hi' })
  t.match(refused, { status: 403, body: { success: false, code: 'blocked' } })
  t.match(await server.call(ben, 'POST', '/v1/conversations', { type: 'direct', userId: ann.id }), { status: 403 })
  t.match((await put(true)).body, { isBlocked: true })
  t.match((await put(false)).body, { isBlocked: false })
  t.equal((await server.call(ben, 'POST', '/api/messages/send', { recipientId: ann.hex, text: 'Hi' })).status, 201)
})
