import t from 'tap'
import { openDatabase } from '../kit/databases.ts'
import { type Person, startServer, type TestServer } from '../kit/helper.ts'

type Kind = 'chat' | 'friend'

const ask = async (server: TestServer, from: Person, to: Person, kind: Kind = 'chat', more = {}) =>
  await server.call(from, 'POST', '/v1/requests', { kind, to: to.id, ...more })

t.test('a request is told, accepted once, and makes contacts, friends and a conversation', async t => {
  const server = await startServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const sockets = { ann: await server.connect(ann), ben: await server.connect(ben) }
  const sent = await ask(server, ann, ben, 'friend', { message: 'It is me' })
  t.match(sent, {
    status: 200,
    body: { id: /^req_/, kind: 'friend', from: ann.id, to: ben.id, message: 'It is me', status: 'open' }
  })
  t.strictSame((await ask(server, ann, ben, 'friend', { message: 'Hello?' })).body, sent.body, 'a repeat')
  t.match(await sockets.ben.next('request:new'), { stream: ben.id, rev: 1, data: sent.body })
  t.match(await sockets.ann.next('request:new'), { stream: ann.id, rev: 1, data: sent.body })
  const path = `/v1/requests/${sent.body.id}`
  t.match(await server.call(ann, 'POST', `${path}/accept`), { status: 403 }, 'not by the sender')
  t.match(await server.call(ben, 'POST', `${path}/cancel`), { status: 403 }, 'not by the other')
  const stranger = await server.person()
  for (const verb of ['accept', 'decline', 'cancel']) {
    t.equal((await server.call(stranger, 'POST', `${path}/${verb}`)).status, 404, `${verb} by a stranger`)
  }
  const accepted = await server.call(ben, 'POST', `${path}/accept`)
  t.match(accepted, { status: 200, body: { status: 'accepted', conversationId: /^conv_/, decidedAt: /Z$/ } })
  t.strictSame((await server.call(ben, 'POST', `${path}/accept`)).body, accepted.body, 'a repeat')
  t.strictSame((await ask(server, ann, ben, 'friend')).body, accepted.body, 'asked again, it is accepted still')
  for (const socket of Object.values(sockets)) {
    t.match(await socket.next('request:updated'), { data: accepted.body })
    t.match(await socket.next('conversation:added'), { data: { id: accepted.body.conversationId } })
  }
  for (const verb of ['decline', 'cancel']) {
    const who = verb === 'cancel' ? ann : ben
    t.match(await server.call(who, 'POST', `${path}/${verb}`), { status: 409, body: { error: { code: 'conflict' } } })
  }
  for (const [me, you] of [
    [ann, ben],
    [ben, ann]
  ] as const) {
    const contacts = (await server.call(me, 'GET', '/v1/contacts?source=request')).body.contacts
    t.match(contacts, [{ user: { id: you.id }, source: 'request' }])
    const { friends } = (await server.call(me, 'GET', '/v1/friends')).body
    t.match(friends, [{ user: { id: you.id }, presence: { userId: you.id, status: 'online' }, since: /Z$/ }])
  }
  const { items } = await sockets.ann.ask('sync:pull', { stream: ann.id, since: 0 })
  t.match(
    items.filter(({ type }: { type: string }) => type === 'request'),
    [{ request: accepted.body }]
  )
  t.equal((await server.call(ann, 'DELETE', `/v1/friends/${ben.id}`)).status, 204)
  t.equal((await server.call(ann, 'DELETE', `/v1/friends/${ben.id}`)).status, 204, 'a repeat')
  t.same((await server.call(ben, 'GET', '/v1/friends')).body, { friends: [] })
  t.match(await sockets.ben.next('contacts:updated'), { stream: ben.id })
  t.match((await ask(server, ben, ann, 'friend')).body, { status: 'open', from: ben.id }, 'and may ask anew')
})

t.test('a declined sender may not ask again for a week; the other may, and so may who cancelled', async t => {
  const server = await startServer(t)
  const client = await openDatabase(t, server.uri)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const first = (await ask(server, ann, ben)).body
  t.match((await server.call(ann, 'POST', `/v1/requests/${first.id}/cancel`)).body, { status: 'cancelled' })
  const second = (await ask(server, ann, ben)).body
  t.not(second.id, first.id)
  const declined = await server.call(ben, 'POST', `/v1/requests/${second.id}/decline`)
  t.match(declined.body, { status: 'declined' })
  t.strictSame((await server.call(ben, 'POST', `/v1/requests/${second.id}/decline`)).body, declined.body, 'a repeat')
  const refused = await ask(server, ann, ben)
  t.match(refused, { status: 429, body: { error: { code: 'rate_limited' } } })
  t.ok(refused.body.error.retryAfterMs > 6 * 86_400_000)
  t.equal((await ask(server, ann, ben, 'friend')).status, 200, 'the other kind is another question')
  t.match((await ask(server, ben, ann)).body, { status: 'open', from: ben.id })
  const longAgo = new Date(Date.now() - 8 * 86_400_000)
  await client.db().collection('requests').deleteMany({ status: 'open' })
  await client
    .db()
    .collection('requests')
    .updateMany({}, { $set: { decidedAt: longAgo } })
  t.match((await ask(server, ann, ben)).body, { status: 'open', from: ann.id })
})

t.test('crossed requests join, and a hundred at once have one outcome', async t => {
  const server = await startServer(t, { env: { LIMITS_REQUESTS_PER_DAY: '100000' } })
  const client = await openDatabase(t, server.uri)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const answers = await Promise.all(
    Array.from({ length: 100 }, async (_, index) =>
      index % 2 === 0 ? await ask(server, ann, ben, 'friend') : await ask(server, ben, ann, 'friend')
    )
  )
  t.same([...new Set(answers.map(({ status }) => status))], [200])
  t.equal(new Set(answers.map(({ body }) => body.id)).size, 1, 'one request')
  const db = client.db()
  const stored = await db.collection('requests').find().toArray()
  t.same(
    stored.map(({ status }) => status),
    ['accepted']
  )
  t.equal(await db.collection('friendships').countDocuments(), 1)
  t.equal(await db.collection('contacts').countDocuments(), 2)
  t.equal(await db.collection('conversations').countDocuments(), 1)
  t.equal(new Set(answers.map(({ body }) => body.conversationId).filter(id => id !== undefined)).size, 1)
})

t.test('a hundred decisions at once have one outcome, which everybody is told', async t => {
  const server = await startServer(t)
  const client = await openDatabase(t, server.uri)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const { id } = (await ask(server, ann, ben)).body
  const answers = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      const [who, verb] = (
        [
          [ben, 'accept'],
          [ben, 'decline'],
          [ann, 'cancel']
        ] as const
      )[index % 3] ?? [ben, 'accept']
      return await server.call(who, 'POST', `/v1/requests/${id}/${verb}`)
    })
  )
  const granted = answers.filter(({ status }) => status === 200)
  t.equal(new Set(granted.map(({ body }) => body.status)).size, 1)
  t.ok(answers.every(({ status }) => status === 200 || status === 409))
  const row = await client.db().collection('requests').findOne({})
  t.equal(row?.['status'], granted[0]?.body.status)
  const isAccepted = row?.['status'] === 'accepted'
  t.equal(await client.db().collection('conversations').countDocuments(), isAccepted ? 1 : 0)
  t.equal(await client.db().collection('contacts').countDocuments(), isAccepted ? 2 : 0)
})

t.test('lists by direction, status and kind, in pages; and limits', async t => {
  const server = await startServer(t, { env: { LIMITS_OPEN_REQUESTS: '2', LIMITS_REQUESTS_PER_DAY: '3' } })
  const [ann, ben, cleo, dan, eve] = (await server.people(5)) as [Person, Person, Person, Person, Person]
  const toBen = (await ask(server, ann, ben)).body
  const toCleo = (await ask(server, ann, cleo, 'friend')).body
  t.match(await ask(server, ann, dan), { status: 409, body: { error: { code: 'quota_reached' } } })
  const fromDan = (await ask(server, dan, ann)).body
  await server.call(ben, 'POST', `/v1/requests/${toBen.id}/accept`)
  const list = async (query: string): Promise<string[]> =>
    (await server.call(ann, 'GET', `/v1/requests${query}`)).body.requests.map(({ id }: { id: string }) => id)
  t.same(await list(''), [fromDan.id, toCleo.id, toBen.id])
  t.same(await list('?direction=incoming'), [fromDan.id])
  t.same(await list('?direction=outgoing'), [toCleo.id, toBen.id])
  t.same(await list('?status=accepted'), [toBen.id])
  t.same(await list('?kind=friend&direction=outgoing&status=open'), [toCleo.id])
  const { next } = (await server.call(ann, 'GET', '/v1/requests?limit=2')).body
  t.same(await list(`?limit=2&after=${next}`), [toBen.id])
  t.equal((await ask(server, ann, dan)).body.status, 'accepted', 'asked already')
  t.equal((await ask(server, ann, eve)).status, 200)
  await server.call(ann, 'POST', `/v1/requests/${toCleo.id}/cancel`)
  t.match(
    await ask(server, ann, cleo),
    { status: 429, body: { error: { code: 'rate_limited' } } },
    'the fourth of a day'
  )
})

t.test('a request whose sender is gone or blocked cannot be accepted, and stays as it is', async t => {
  const server = await startServer(t)
  const client = await openDatabase(t, server.uri)
  const { accessToken: token, user } = await server.signUp({ username: 'leaver' })
  const leaver: Person = { token, id: user.id, hex: user.id.slice(-24) }
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const first = (await ask(server, leaver, ben)).body
  const second = (await ask(server, ann, ben)).body
  await client
    .db()
    .collection('users')
    .updateOne({ username: 'leaver' }, { $set: { isDisabled: true } })
  await server.call(ben, 'POST', '/v1/blocks', { userId: ann.id })
  t.match(await server.call(ben, 'POST', `/v1/requests/${first.id}/accept`), { status: 404 })
  t.match(await server.call(ben, 'POST', `/v1/requests/${second.id}/accept`), { status: 403 })
  const { requests } = (await server.call(ben, 'GET', '/v1/requests?status=open')).body
  t.equal(requests.length, 2)
  t.equal(await client.db().collection('contacts').countDocuments(), 0)
})

t.test('bad input, oneself, strangers and the disabled', async t => {
  const server = await startServer(t)
  const client = await openDatabase(t, server.uri)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  await client
    .db()
    .collection('users')
    .updateMany({ displayName: { $regex: `${ben.hex.slice(-4)}$` } }, { $set: { isDisabled: true } })
  t.equal((await ask(server, ann, ben)).status, 404, 'disabled')
  t.equal((await ask(server, ann, ann)).status, 400)
  for (const body of [
    {},
    { kind: 'chat' },
    { kind: 'love', to: ben.id },
    { kind: 'chat', to: { $ne: null } },
    { kind: 'chat', to: ben.id, message: '' },
    { kind: 'chat', to: ben.id, from: ben.id },
    { kind: 'chat', to: ben.id, message: 'x'.repeat(501) }
  ]) {
    t.equal((await server.call(ann, 'POST', '/v1/requests', body)).status, 400, JSON.stringify(body).slice(0, 60))
  }
  for (const verb of ['accept', 'decline', 'cancel']) {
    t.equal((await server.call(ann, 'POST', `/v1/requests/req_${'a'.repeat(24)}/${verb}`)).status, 404)
    t.equal((await server.call(ann, 'POST', `/v1/requests/x/${verb}`)).status, 400)
  }
})
