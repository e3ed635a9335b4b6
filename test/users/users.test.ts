import { ObjectId } from 'mongodb'
import t from 'tap'
import { openDatabase } from '../kit/databases.ts'
import { openServices, startServer } from '../kit/helper.ts'

/** Without the time of the last change, which every change sets. */
/** Without the times that move by themselves. */
const lasting = ({ updatedAt: _updatedAt, lastSeenAt: _lastSeenAt, ...rest }: Record<string, unknown>) => rest

t.test('profiles: mine, changed, somebody’s', async t => {
  const server = await startServer(t)
  const client = await openDatabase(t, server.uri)
  const { accessToken: token, user } = await server.signUp({
    username: 'ada',
    email: 'ada@example.org',
    displayName: 'Ada'
  })
  const socket = await server.connect({ token })
  t.same(lasting((await server.call({ token }, 'GET', '/v1/users/me')).body), lasting(user))
  const fields = {
    displayName: 'Ada Lovelace',
    bio: 'Numbers',
    avatarUrl: 'https://example.org/a.png',
    username: 'Countess'
  }
  const changed = await server.call({ token }, 'PATCH', '/v1/users/me', fields)
  t.equal(changed.status, 200)
  t.same(lasting(changed.body), lasting({ ...user, ...fields }))
  t.ok(changed.body.updatedAt > user.createdAt, 'a later time of change')
  const userId = user.id.slice(-24)
  t.match(await socket.next('user:updated'), { stream: user.id, rev: 1, data: changed.body })
  const row = await client
    .db()
    .collection('accountChanges')
    .findOne({ userId: new ObjectId(userId) })
  t.match(row, { type: 'profile', rev: 1 })
  const cleared = await server.call({ token }, 'PATCH', '/v1/users/me', { bio: '', avatarUrl: '' })
  t.same(lasting(cleared.body), lasting({ ...user, displayName: 'Ada Lovelace', username: 'Countess' }))
  t.same((await server.call({ token }, 'PATCH', '/v1/users/me', {})).body, cleared.body)
  t.match(await socket.next('user:updated'), { rev: 2, data: cleared.body })
  const { heads } = await socket.ask('sync:heads', { cursors: {} })
  t.same(heads, [{ stream: user.id, rev: 2 }], 'nothing changed, nobody told')
  t.same(socket.frames, [])
  const other = await server.signUp()
  const seen = await server.call({ token: other.accessToken }, 'GET', `/v1/users/${user.id}`)
  const { email: _email, updatedAt: _updatedAt, ...visible } = cleared.body
  t.same(lasting(seen.body), lasting(visible), 'without what is private')
  const byBareId = await server.call({ token: other.accessToken }, 'GET', `/v1/users/${userId}`)
  t.same(lasting(byBareId.body), lasting(visible), 'by the bare id')
})

t.test('a username belongs to one person, also when it changes', async t => {
  const server = await startServer(t)
  const client = await openDatabase(t, server.uri)
  await server.signUp({ username: 'Taken' })
  const { accessToken: token } = await server.signUp({ username: 'free' })
  const socket = await server.connect({ token })
  const { status, body } = await server.call({ token }, 'PATCH', '/v1/users/me', {
    username: 'taken',
    displayName: 'Not me'
  })
  t.match({ status, body }, { status: 409, body: { error: { code: 'conflict' } } })
  t.match(
    (await server.call({ token }, 'GET', '/v1/users/me')).body,
    { username: 'free', displayName: 'free' },
    'nothing changed'
  )
  t.equal(await client.db().collection('accountChanges').countDocuments(), 0)
  t.match(await socket.ask('ping'), { serverTime: String })
  t.same(socket.frames, [], 'nobody told')
  t.equal(
    (await server.call({ token }, 'PATCH', '/v1/users/me', { username: 'FREE' })).status,
    200,
    'one’s own in capitals'
  )
  const racers = await Promise.all([server.signUp(), server.signUp(), server.signUp()])
  const answers = await Promise.all(
    racers.map(({ accessToken }) =>
      server.call({ token: accessToken }, 'PATCH', '/v1/users/me', { username: 'wanted' })
    )
  )
  t.same(answers.map(answer => answer.status).sort(), [200, 409, 409])
})

t.test('search: beginnings of words, folded, literal; whole numbers and emails; nobody who is disabled', async t => {
  const server = await startServer(t)
  const client = await openDatabase(t, server.uri)
  const { accessToken: token } = await server.signUp({ username: 'searcher', displayName: 'Ada Zoe Searcher' })
  await server.signUp({ username: 'ada.byron', displayName: 'Ada Lovelace' })
  await server.signUp({
    username: 'zoe',
    displayName: 'Zoë Müller-Lüdenscheidt',
    phone: '+49 30 901820',
    email: 'zoe@example.org'
  })
  await server.signUp({ username: 'emoji', displayName: '日本 太郎' })
  await server.signUp({ username: 'gone', displayName: 'Ada Gone' })
  await server.signUp({ username: 'single', displayName: 'Malcolm X' })
  await client
    .db()
    .collection('users')
    .updateOne({ username: 'gone' }, { $set: { isDisabled: true } })
  const find = async (q: string, limit = '') => {
    const { body } = await server.call({ token }, 'GET', `/v1/users/search?q=${encodeURIComponent(q)}${limit}`)
    return body.users?.map(({ username }: { username: string }) => username) ?? body.error.code
  }
  const expected: [string, string[]][] = [
    ['a', []],
    ['é', []],
    ['x', ['single']],
    ['ADA', ['ada.byron']],
    ['love', ['ada.byron']],
    ['lov ad', ['ada.byron']],
    ['ada.by', ['ada.byron']],
    ['ovelace', []],
    ['ada zoe', []],
    ['zoe', ['zoe']],
    ['muller', ['zoe']],
    ['Ludenscheidt', ['zoe']],
    ['日', ['emoji']],
    ['030 901820', ['zoe']],
    ['030 90182', []],
    ['+49 30 9', []],
    ['0049309', []],
    ['0309', []],
    ['90182', []],
    ['3090182.*', []],
    ['ZOE@example.org', ['zoe']],
    ['.*', []],
    ['^a', []],
    ['$where', []],
    ['(((((', []],
    ['searcher', []],
    ['😀', []]
  ]
  for (const [q, usernames] of expected) t.same(await find(q), usernames, q)
  t.notMatch(
    (await server.call({ token }, 'GET', '/v1/users/search?q=zoe')).text,
    /\+49|example\.org/,
    'nothing private'
  )
  await server.signUp({ username: 'adam' })
  t.equal((await find('ad', '&limit=1')).length, 1)
  t.equal((await find('ad', '&limit=100')).length, 2)
})

t.test('the best come first: a whole username, its beginning, then words of names', async t => {
  const server = await startServer(t)
  const { accessToken: token } = await server.signUp()
  await server.signUp({ username: 'one', displayName: 'Mara Somebody' })
  await server.signUp({ username: 'marathon', displayName: 'Runner' })
  await server.signUp({ username: 'mara', displayName: 'Another' })
  await server.signUp({ username: 'two', displayName: 'Somebody Mara' })
  const { users } = (await server.call({ token }, 'GET', '/v1/users/search?q=Mara')).body
  const names = users.map(({ username }: { username: string }) => username)
  t.same(names.slice(0, 2), ['mara', 'marathon'])
  t.same(names.slice(2).sort(), ['one', 'two'])
})

t.test('everybody is listed in pages, but oneself, the disabled and the blocked', async t => {
  const { store, directory, blocks } = await openServices(t)
  const ids = Array.from({ length: 7 }, () => new ObjectId())
  for (const [index, _id] of ids.entries()) {
    const isDisabled = index === 4 ? { isDisabled: true } : {}
    await store.users.insert({ _id, displayName: `Person ${index}`, createdAt: new Date(), ...isDisabled })
  }
  const hex = (index: number): string => ids[index]?.toHexString() ?? ''
  const actor = { userId: hex(0), expiresAt: 0 }
  await blocks.add({ userId: hex(2), expiresAt: 0 }, hex(0))
  const found: string[] = []
  let after: string | undefined
  do {
    const page = await directory.list(actor, { limit: 2, ...(after === undefined ? {} : { after }) })
    found.push(...page.users.map(({ id }) => id.slice(-24)))
    after = page.next
  } while (after !== undefined)
  t.same(found, [1, 3, 5, 6].map(hex))
})

t.test('of a person’s push tokens the newest ten are kept, each once', async t => {
  const { store, users, uri } = await openServices(t)
  const client = await openDatabase(t, uri)
  const _id = new ObjectId()
  await store.users.insert({ _id, displayName: 'Somebody', createdAt: new Date() })
  const actor = { userId: _id.toHexString(), expiresAt: 0 }
  for (let index = 0; index < 12; index++) await users.addPushToken(actor, `$token-number-${index}`)
  await users.addPushToken(actor, '$token-number-5')
  const row = await client.db().collection('users').findOne({ _id })
  t.same(
    row?.['pushTokens'].map(({ token }: { token: string }) => token),
    [2, 3, 4, 6, 7, 8, 9, 10, 11, 5].map(index => `$token-number-${index}`)
  )
  t.notOk('pushTokens' in ((await store.users.find(_id)) ?? {}), 'and no reader gets them by accident')
  for (const token of ['', 'short', 'with blank inside', 'x'.repeat(4_097)])
    await t.rejects(users.addPushToken(actor, token), { code: 'invalid' })
})

t.test('when people were seen last only moves forward, and is known of who ever was', async t => {
  const { store } = await openServices(t)
  const [ada, bob, never] = [new ObjectId(), new ObjectId(), new ObjectId()]
  for (const _id of [ada, bob]) await store.users.insert({ _id, displayName: 'Somebody', createdAt: new Date() })
  await store.lastSeen.set(ada, new Date(2000))
  await store.lastSeen.set(ada, new Date(1000))
  t.same(await store.lastSeen.findByUsers([ada, bob, never]), new Map([[ada.toHexString(), new Date(2000)]]))
})

t.test('bad input', async t => {
  const server = await startServer(t)
  const { accessToken: token } = await server.signUp()
  const queries = ['', '?q=', `?q=${'a'.repeat(65)}`, '?q[$ne]=1', '?q=a&q=b', '?q=a&x=1', '?q=a%00', '?q=a&limit=0']
  const more = ['?q=a&limit=101', '?q=a&limit=1.5', '?q=a&limit=x', '?q=a&limit=', '?q=a&limit=1e1']
  for (const query of [...queries, ...more]) {
    const answer = await server.call({ token }, 'GET', `/v1/users/search${query}`)
    t.match(answer, { status: 400, body: { error: { code: 'invalid' } } }, query.slice(0, 40))
  }
  const changes: unknown[] = [
    { displayName: '' },
    { displayName: '  ' },
    { displayName: 'x'.repeat(65) },
    { displayName: { $set: 1 } },
    { displayName: null },
    { username: '' },
    { username: 'a b' },
    { avatarUrl: 'javascript:alert(1)' },
    { bio: 'x'.repeat(501) },
    { email: 'new@example.org' },
    { isDisabled: false },
    { $set: { displayName: 'x' } }
  ]
  for (const body of changes) {
    const answer = await server.call({ token }, 'PATCH', '/v1/users/me', body)
    t.match(answer, { status: 400, body: { error: { code: 'invalid' } } }, JSON.stringify(body).slice(0, 60))
  }
  for (const id of ['x', 'conv_64b7f0c2a1d3e4f5a6b7c8d9', '64B7F0C2A1D3E4F5A6B7C8D9', '64b7f0c2a1d3e4f5a6b7c8d9a']) {
    t.equal((await server.call({ token }, 'GET', `/v1/users/${id}`)).status, 400, id)
  }
  const missing = await server.call({ token }, 'GET', '/v1/users/user_64b7f0c2a1d3e4f5a6b7c8d9')
  t.match(missing, { status: 404, body: { error: { code: 'not_found' } } })
})
