import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Document } from 'mongodb'
import t from 'tap'
import { openDatabase } from '../kit/databases.ts'
import { joinServer, newDatabase, type Person, startServer, type TestServer } from '../kit/helper.ts'

/** Uses everything that the server can do, so that each of its queries runs. */
async function exercise(server: TestServer): Promise<void> {
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  await withMessages(server, ann, ben, cleo)
  await withPeople(server, ann, ben, cleo)
  const account = {
    username: `a${randomBytes(5).toString('hex')}`,
    password: 'correct horse battery',
    email: 'a@parley.example',
    phone: '+4915112345678'
  }
  const { accessToken, refreshToken, sessionId, user } = (
    await server.call(undefined, 'POST', '/v1/auth/register', account)
  ).body
  const dora = { token: accessToken, id: user.id, hex: user.id.slice(5) }
  for (const key of ['username', 'email', 'phone'] as const) {
    await server.call(undefined, 'POST', '/v1/auth/login', { [key]: account[key], password: account.password })
    await server.call(dora, 'GET', `/v1/users/search?q=${encodeURIComponent(account[key])}`)
  }
  await server.call(undefined, 'POST', '/v1/auth/refresh', { refreshToken })
  const { ticket } = (await server.call(dora, 'POST', '/v1/auth/tickets')).body
  const socket = await server.socket(`/ws?ticket=${ticket}`)
  await socket.ask('hello')
  await server.call(dora, 'PATCH', '/v1/users/me', {
    displayName: 'Dora',
    username: `b${randomBytes(5).toString('hex')}`
  })
  await server.call(dora, 'GET', `/v1/users/${ann.hex}`)
  await server.call(dora, 'GET', `/v1/presence?ids=${ann.id},${ben.id}`)
  await server.call(dora, 'GET', '/v1/sessions')
  await server.call(dora, 'DELETE', '/v1/sessions')
  await server.call(dora, 'DELETE', `/v1/sessions/${sessionId}`)
  await withCodes(server, account.phone)
}

/** Signing in without a password. */
async function withCodes(server: TestServer, phone: string): Promise<void> {
  const post = async (path: string, body: object, token?: string) =>
    (await server.call(token === undefined ? undefined : { token }, 'POST', `/v1/auth/${path}`, body)).body
  const codeFor = async (purpose: string): Promise<string> => (await post('otp', { purpose, phone })).devCode
  const { accessToken: token } = await post('otp/verify', {
    purpose: 'register',
    phone,
    code: await codeFor('register')
  })
  await post('otp/verify', { purpose: 'login', phone, code: await codeFor('login') })
  await post('password', { newPassword: 'correct horse battery' }, token)
  const device = { id: 'd1' }
  const shown = await post('qr', { device })
  const own = await post('qr', {}, token)
  for (const it of [shown, own]) {
    const login = { deviceId: device.id, deviceSecret: it.deviceSecret ?? 's'.repeat(43) }
    await post(`qr/${it.token}/login`, login)
    const { matchCode } = (await server.call({ token }, 'GET', `/v1/auth/qr/${it.token}`)).body
    await post(`qr/${it.token}/approve`, { matchCode: String((Number(matchCode) + 1) % 100).padStart(2, '0') }, token)
    await post(`qr/${it.token}/approve`, { matchCode }, token)
    await post(`qr/${it.token}/login`, login)
    await post(`qr/${it.token}/refuse`, {}, token)
  }
  await post('password/reset', { phone, code: await codeFor('reset'), newPassword: 'another horse battery' })
  await server.call({ token }, 'POST', '/v1/auth/logout-everywhere')
}

async function withPeople(server: TestServer, ann: Person, ben: Person, cleo: Person): Promise<void> {
  const settings = { privacy: { lastSeen: 'contacts', whoMayStart: 'contacts' } }
  await server.call(ann, 'PATCH', '/v1/users/me/settings', settings)
  await server.call(ann, 'GET', '/v1/users/me/settings')
  await server.call(cleo, 'POST', '/v1/conversations', { type: 'direct', userId: ann.id })
  await server.call(ann, 'POST', '/v1/contacts/sync', { contacts: ['+4915112345678'] })
  await server.call(ann, 'PUT', `/v1/contacts/${ben.id}`, { name: 'Ben' })
  await server.call(ann, 'PUT', `/v1/contacts/${cleo.id}`, {})
  for (const query of ['', '?source=added', `?after=${ben.id}`]) await server.call(ann, 'GET', `/v1/contacts${query}`)
  const { id } = (await server.call(ann, 'POST', '/v1/requests', { kind: 'friend', to: ben.id })).body
  await server.call(ben, 'POST', `/v1/requests/${id}/accept`)
  await server.call(ann, 'POST', '/v1/requests', { kind: 'friend', to: ben.id })
  await server.call(ann, 'POST', '/v1/requests', { kind: 'chat', to: cleo.id })
  for (const query of ['', '?direction=incoming', '?direction=outgoing&status=open', `?after=${id}`])
    await server.call(ann, 'GET', `/v1/requests${query}`)
  const friends = (await server.call(ann, 'GET', '/v1/friends')).body
  await server.call(ann, 'GET', `/v1/friends?after=${'f'.repeat(24)}`)
  await server.call(ann, 'DELETE', `/v1/friends/${friends.friends[0].user.id}`)
  await server.call(ann, 'POST', '/v1/blocks', { userId: ben.id })
  await server.call(ann, 'GET', '/v1/blocks')
  await server.call(ann, 'GET', `/v1/blocks?after=${'f'.repeat(24)}`)
  for (const q of ['+4915112', 'ann', 'a.b', 'x@y.example']) {
    await server.call(ann, 'GET', `/v1/users/search?q=${encodeURIComponent(q)}`)
  }
  await (await server.connect(ann)).ask('sync:pull', { stream: ann.id, since: 0 })
  await server.call(ann, 'DELETE', `/v1/contacts/${cleo.id}`)
  await server.call(ann, 'DELETE', `/v1/blocks/${ben.id}`)
}

async function exportEnds(server: TestServer, ann: Person, id: string): Promise<void> {
  for (;;) {
    const { status } = (await server.call(ann, 'GET', `/v1/exports/${id}`)).body
    if (status === 'done') break
    if (status === 'failed') throw new Error('It was not made')
    await pause(100)
  }
  await server.call(ann, 'DELETE', `/v1/exports/${id}`)
}

async function withPlans(server: TestServer, ann: Person, conversationId: string): Promise<void> {
  const path = `/v1/conversations/${conversationId}`
  await server.call(ann, 'PUT', `${path}/draft`, { text: 'Hel' })
  const { drafts } = (await server.call(ann, 'GET', '/v1/drafts')).body
  const after = `${Date.parse(drafts[0].changedAt)}_${conversationId.slice(-24)}`
  await server.call(ann, 'GET', `/v1/drafts?after=${after}`)
  await server.call(ann, 'DELETE', `${path}/draft`)
  const exported = await server.call(ann, 'POST', `${path}/exports`)
  await server.call(ann, 'GET', '/v1/exports')
  await exportEnds(server, ann, exported.body.id)
  const plan = (ms: number) => ({ text: 'Later', sendAt: new Date(Date.now() + ms).toISOString() })
  const later = { clientId: 'later', ...plan(3_600_000) }
  const { id } = (await server.call(ann, 'POST', `${path}/scheduled-messages`, later)).body
  await server.call(ann, 'PUT', `/v1/scheduled-messages/${id}`, plan(7_200_000))
  await server.call(ann, 'GET', `/v1/scheduled-messages?after=${after}`)
  await server.call(ann, 'DELETE', `/v1/scheduled-messages/${id}`)
  const socket = await server.connect(ann)
  await socket.ask('scheduled:create', { conversationId, clientId: 'soon', ...plan(1_000) })
  await socket.next(it => it.type === 'scheduled:updated' && it.data.status === 'sent')
}

async function withMessages(server: TestServer, ann: Person, ben: Person, cleo: Person): Promise<void> {
  const [conversationId] = await Promise.all([server.group(ann, ben), server.direct(ann, ben)])
  await server.direct(ann, ben)
  const socket = await server.connect(ann)
  const send = { conversationId, clientId: 'm', text: 'Hello' }
  const { id: messageId } = await socket.ask('message:send', send)
  const place = { conversationId, messageId }
  await socket.ask('message:send', { ...send, clientId: 'n', replyTo: messageId })
  const other = await startedAgain(server)
  await (await other.connect(ann)).ask('message:send', send)
  await socket.ask('message:edit', { ...place, text: 'Edited' })
  await socket.ask('reaction:add', { ...place, emoji: '👍' })
  for (const where of [{}, { before: 2 }, { after: 1 }, { around: 1 }])
    await socket.ask('history:get', { conversationId, ...where })
  await withPlans(server, ann, conversationId)
  await socket.ask('member:add', { conversationId, userIds: [cleo.id] })
  await socket.ask('member:role', { conversationId, userId: cleo.id, role: 'admin' })
  await socket.ask('conversation:update', { conversationId, name: 'Name' })
  await server.call(ben, 'GET', '/v1/conversations')
  const { next } = (await server.call(ann, 'GET', '/v1/conversations?limit=1')).body
  await server.call(ann, 'GET', `/v1/conversations?limit=1&after=${next}`)
  await server.call(ann, 'GET', `/v1/conversations/${conversationId}/members?limit=1`)
  await server.call(ann, 'GET', `/v1/conversations/${conversationId}/members?after=${ann.id}`)
  await socket.ask('receipt:read', { conversationId, seq: 1 })
  await socket.ask('typing:start', { conversationId })
  await socket.ask('message:delete', { ...place, scope: 'me' })
  await socket.ask('message:delete', { ...place, scope: 'everyone' })
  await asTheyLike(server, ann, conversationId, messageId)
  await socket.ask('sync:heads', { cursors: { [conversationId]: 1 } })
  for (const stream of [conversationId, ann.id]) await socket.ask('sync:pull', { stream, since: 0 })
  await socket.ask('member:remove', { conversationId, userId: cleo.id })
  await socket.ask('conversation:leave', { conversationId })
}

/** Use of preferences and of the list. */
async function asTheyLike(server: TestServer, who: Person, id: string, messageId: string): Promise<void> {
  const path = `/v1/conversations/${id}`
  for (const tail of ['', '/edits', '/receipts']) await server.call(who, 'GET', `${path}/messages/${messageId}${tail}`)
  await server.call(who, 'PATCH', `${path}/preferences`, { pinned: true, nickname: 'Mine' })
  for (const query of ['pinned=true', 'unread=true', 'type=group', 'q=mine', 'archived=false']) {
    await server.call(who, 'GET', `/v1/conversations?${query}`)
  }
  await server.call(who, 'DELETE', `${path}/messages`)
  await server.call(who, 'DELETE', path)
  await server.call(who, 'GET', '/v1/conversations')
}

/** Set below, so that a second process meets what the first has done. */
let startedAgain: (server: TestServer) => Promise<TestServer>

/** The stages of an execution, from the profiler. */
function stagesOf(profile: Document): string[] {
  const found: string[] = []
  const walk = (stage: unknown): void => {
    if (typeof stage !== 'object' || stage === null) return
    for (const [name, value] of Object.entries(stage)) {
      if (name === 'stage' && typeof value === 'string') found.push(value)
      else walk(value)
    }
  }
  walk(profile['execStats'])
  return found
}

t.test('a start makes the indexes that are missing, and asks no more than needed where none is', async t => {
  const uri = newDatabase(t)
  const client = await openDatabase(t, uri)
  const db = client.db()
  const indexesOf = async (name: string) => (await db.collection(name).listIndexes().toArray()).map(it => it['name'])
  const startAndStop = async () => await (await startServer(t, { uri })).close()
  await startAndStop()
  const [users, messages] = await Promise.all(['users', 'messages'].map(indexesOf))
  await db.collection('users').dropIndex('phone_1')
  await db.dropCollection('messages')
  await startAndStop()
  t.same(new Set(await indexesOf('users')), new Set(users), 'a missing index is back')
  t.same(await indexesOf('messages'), messages, 'and a missing collection')
  await db.command({ profile: 2 })
  await startAndStop()
  await db.command({ profile: 0 })
  const made = { appName: 'parley', $or: [{ 'command.createIndexes': { $exists: true } }, { op: 'insert' }] }
  t.equal(await db.collection('system.profile').countDocuments(made), 0, 'nothing is made that is there')
})

t.test('a start is refused where an index was declared otherwise', async t => {
  const uri = newDatabase(t)
  await (await startServer(t, { uri })).close()
  const users = (await openDatabase(t, uri)).db().collection('users')
  await users.dropIndex('phone_1')
  await users.createIndex({ phone: 1 })
  const error: unknown = await startServer(t, { uri }).catch((thrown: unknown) => thrown)
  t.match(error, { codeName: /^Index(KeySpecs|Options)Conflict$/ })
})

t.test('no query of the server reads a whole collection', async t => {
  const server = await joinServer(t)
  startedAgain = async ({ uri }) => await startServer(t, { uri })
  const client = await openDatabase(t, server.uri)
  const db = client.db()
  await db.command({ profile: 2 })
  await exercise(server)
  // The head poller and the worker of jobs ask every few seconds.
  const later = [
    { ns: `${db.databaseName}.sessions`, 'command.filter.revokedAt.$gt': { $exists: true } },
    { ns: `${db.databaseName}.work` }
  ]
  for (const looked of later)
    while ((await db.collection('system.profile').countDocuments(looked)) === 0)
      await server.call(undefined, 'GET', '/health/ready')
  await db.command({ profile: 0 })
  const profiles = await db
    .collection('system.profile')
    .find({ ns: { $not: /system\.|\$cmd/ }, appName: 'parley' })
    .toArray()
  const queries = profiles.filter(it => ['query', 'update', 'remove', 'command', 'getmore'].includes(it['op']))
  const scans = queries.filter(it => /COLLSCAN/.test(it['planSummary'] ?? '') || stagesOf(it).includes('COLLSCAN'))
  t.same(
    scans.map(it => `${it['ns']} ${JSON.stringify(it['command'])}`.slice(0, 400)),
    []
  )
  t.ok(queries.length > 100, `${queries.length} queries`)
  for (const name of [
    'accounts',
    'accountChanges',
    'blocks',
    'contacts',
    'conversations',
    'exports',
    'friendships',
    'members',
    'messageDrafts',
    'messages',
    'otps',
    'qrLogins',
    'requests',
    'scheduledMessages',
    'sessions',
    'settings',
    'tickets',
    'users',
    'work'
  ]) {
    t.ok(
      queries.some(it => it['ns'] === `${db.databaseName}.${name}`),
      `${name} was asked`
    )
  }
})
