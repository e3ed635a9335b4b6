import { MongoClient, ObjectId } from 'mongodb'
import t, { type Test } from 'tap'
import { type Person, startServer, type TestServer } from '../../kit/helper.ts'
import { granter, openApp, refusal } from './app.ts'

t.test('0.3 who is blocked is listed, once, and no longer after unblocking', async t => {
  const server = await startServer(t)
  const grant = granter(server)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  for (const userId of [ben.hex, ben.id]) {
    t.same(await grant(ann, 'POST', '/users/me/blocked-users', { userId }), { userId: ben.hex, isBlocked: true })
  }
  const listed = await grant(ann, 'GET', '/users/me/blocked-users')
  t.match(listed, [{ userId: ben.hex, username: null, displayName: String, avatar: null, blockedAt: String }])
  t.equal(listed.length, 1)
  t.same((await grant(ann, 'GET', '/users/me/settings')).blockedUsers, [ben.hex])
  t.same(await grant(ben, 'GET', '/users/me/blocked-users'), [], 'the other one does not hear of it')
  for (let time = 0; time < 2; time++) await grant(ann, 'DELETE', `/users/me/blocked-users/${ben.hex}`)
  t.same(await grant(ann, 'GET', '/users/me/blocked-users'), [])
  for (const [userId, status] of [
    [ann.hex, 400],
    ['f'.repeat(24), 404],
    [{ $ne: null }, 400]
  ] as const) {
    t.match(await server.call(ann, 'POST', '/users/me/blocked-users', { userId }), { status, body: { success: false } })
  }
})

t.test('0.3 a blocked person cannot send, type, react, see presence or start a chat, on any path', async t => {
  const server = await startServer(t)
  const grant = granter(server)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  const chat = await grant(ben, 'POST', '/conversations/single', { userId: ann.hex })
  const group = await grant(cleo, 'POST', '/conversations/group', { name: 'G', participants: [ann.hex, ben.hex] })
  const [a, b] = [await openApp(t, server, ann), await openApp(t, server, ben)]
  const said = await a.ask('message:send', { conversationId: chat.id, content: 'before' })
  const messageId = said.data.id
  await b.hear('message:new', it => it.id === messageId)
  await grant(ann, 'POST', '/users/me/blocked-users', { userId: ben.hex })
  a.heard.length = 0
  const blocked = { error: { code: 'blocked' } }
  t.match(await b.ask('message:send', { conversationId: chat.id, content: 'no' }), blocked)
  t.match(await b.ask('message:reaction:add', { messageId, emoji: '👍' }), blocked)
  for (const event of ['typing:start', 'typing:stop']) await b.ask(event, { conversationId: chat.id })
  await b.ask('typing:start', { conversationId: group.id })
  await b.ask('message:read', { conversationId: chat.id, messageId })
  await elsewhere(t, server, { ben, ann, chat: chat.id })
  const hidden = { status: 'offline', lastSeen: null, avatar: null, bio: null, createdAt: null }
  t.match(await grant(ben, 'GET', `/users/${ann.hex}`), hidden)
  t.match(await grant(cleo, 'GET', `/users/${ann.hex}`), { status: 'online' }, 'others see it')
  t.same(await grant(ben, 'GET', `/users/search?q=Person`).then(ids), [cleo.hex])
  await b.hear('user:offline', ({ userId }) => userId === ann.hex)
  b.heard.length = 0
  for (const status of ['away', 'online']) await grant(ann, 'PUT', '/users/me/status', { status })
  await b.ask('message:send', { conversationId: group.id, content: 'in the group' })
  await b.hear('message:new')
  t.same(
    b.heard.map(({ name }) => name),
    ['message:new'],
    'the presence of who has blocked them is not told'
  )
  await a.hear('message:new', ({ content }) => content === 'in the group')
  const quiet = a.heard.filter(({ name }) => name !== 'user:offline').map(({ name }) => name)
  t.same(quiet, ['message:new'], 'nothing else has passed')
  const shown = await grant(ann, 'GET', `/conversations/${chat.id}`)
  const other = shown.participants.find(({ userId }: { userId: string }) => userId === ben.hex)
  t.equal(other.lastReadMessageId, null, 'nor how far they have read')
  await grant(ann, 'DELETE', `/users/me/blocked-users/${ben.hex}`)
  t.match(await b.ask('message:send', { conversationId: chat.id, content: 'again' }), { success: true })
})

const ids = (users: { id: string }[]) => users.map(({ id }) => id)

/** The same by other doors. */
async function elsewhere(t: Test, server: TestServer, { ben, ann, chat }: { ben: Person; ann: Person; chat: string }) {
  const message = { clientId: 'c1', text: 'no' }
  for (const [method, path, body] of [
    ['POST', '/conversations/single', { userId: ann.hex }],
    ['POST', '/conversations/group', { name: 'G', participants: [ann.hex] }],
    ['POST', `/v1/conversations/${chat}/messages`, message],
    ['POST', `/api/v1/chat/${ann.hex}/messages`, { text: 'no' }],
    ['GET', `/api/v1/chat/${ann.hex}`, undefined],
    ['POST', '/v1/conversations', { type: 'direct', userId: ann.id }]
  ] as const) {
    t.equal((await server.call(ben, method, path, body)).status, 403, `${method} ${path}`)
  }
}

t.test('0.4 settings have all defaults, a part changes alone, and what is not theirs is ignored', async t => {
  const server = await startServer(t)
  const grant = granter(server)
  const [ann] = (await server.people(1)) as [Person]
  const all = { enabled: true, messageNotifications: true, groupNotifications: true, sound: true, vibration: true }
  const open = { lastSeen: 'everyone', profilePhoto: 'everyone', about: 'everyone' }
  const { createdAt } = await grant(ann, 'GET', '/users/me')
  const ids = { _id: ann.hex, userId: ann.hex, createdAt }
  const before = { ...ids, notifications: all, privacy: open, blockedUsers: [], updatedAt: createdAt }
  t.same(await grant(ann, 'GET', '/users/me/settings'), before)
  const changes = { notifications: { groupNotifications: false }, privacy: { about: 'contacts', whoMayStart: 'x' } }
  const after = {
    ...before,
    notifications: { ...all, groupNotifications: false },
    privacy: { ...open, about: 'contacts' }
  }
  const changed = await grant(ann, 'PUT', '/users/me/settings', { ...changes, blockedUsers: ['x'], extra: 1 })
  t.same({ ...changed, updatedAt: createdAt }, after)
  t.ok(changed.updatedAt > createdAt, 'it is known when they were changed')
  t.same(await grant(ann, 'PUT', '/users/me/settings', {}), changed)
  t.same(await grant(ann, 'GET', '/users/me/settings'), changed)
  const { body } = await server.call(ann, 'GET', '/v1/users/me/settings')
  t.match(body, { privacy: { whoMayStart: 'everyone' }, notifications: { groupNotifications: false } })
  for (const bad of [
    { notifications: { sound: 'yes' } },
    { privacy: { about: 'friends' } },
    { notifications: [] },
    []
  ]) {
    t.match(await server.call(ann, 'PUT', '/users/me/settings', bad), { status: 400, body: refusal('invalid') })
  }
})

t.test('S46 a push token belongs to who gave it last, until their session ends', async t => {
  const server = await startServer(t)
  const grant = granter(server)
  const client = await MongoClient.connect(server.uri)
  t.teardown(async () => await client.close())
  const signUp = async () => {
    const { accessToken: token, user } = await server.signUp()
    return { token, id: user.id, hex: user.id.slice(-24) }
  }
  const [ann, ben] = [await signUp(), await signUp()]
  const tokensOf = async ({ hex }: Person): Promise<string[]> => {
    const row = await client
      .db()
      .collection('users')
      .findOne({ _id: new ObjectId(hex) })
    return row?.['pushTokens'].map(({ token }: { token: string }) => token)
  }
  for (const token of ['token-of-shared', 'token-of-annes']) await grant(ann, 'PUT', '/users/me/fcm-token', { token })
  await grant(ben, 'PUT', '/users/me/fcm-token', { token: 'token-of-shared' })
  t.same([await tokensOf(ann), await tokensOf(ben)], [['token-of-annes'], ['token-of-shared']])
  t.equal((await server.call(ben, 'POST', '/v1/auth/logout')).status, 204)
  t.same([await tokensOf(ann), await tokensOf(ben)], [['token-of-annes'], []])
})

t.test('0.5 the push tokens of several devices are kept, each once, and shown to nobody', async t => {
  const server = await startServer(t)
  const grant = granter(server)
  const [ann] = (await server.people(1)) as [Person]
  const client = await MongoClient.connect(server.uri)
  t.teardown(async () => await client.close())
  for (const token of ['token-of-phone', 'token-of-tablet', 'token-of-phone']) {
    await grant(ann, 'PUT', '/users/me/fcm-token', { token })
  }
  const stored = await client
    .db()
    .collection('users')
    .findOne({ _id: new ObjectId(ann.hex) })
  t.same(
    stored?.['pushTokens'].map(({ token }: { token: string }) => token),
    ['token-of-tablet', 'token-of-phone']
  )
  t.notMatch((await server.call(ann, 'GET', '/users/me')).text, /token-of/)
  for (const token of ['', 'short', 'with blanks in it', 7, null, { $ne: 1 }]) {
    t.match(await server.call(ann, 'PUT', '/users/me/fcm-token', { token }), { status: 400, body: refusal('invalid') })
  }
})
