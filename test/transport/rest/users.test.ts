import { ObjectId } from 'mongodb'
import t from 'tap'
import { accountsApp } from '../../accounts-app.ts'

t.test('profiles: mine, changed, somebody’s', async t => {
  const { call, signUp, bus, client } = await accountsApp(t)
  const { accessToken: token, user } = await signUp({ username: 'ada', email: 'ada@example.org', displayName: 'Ada' })
  const told: unknown[] = []
  bus.on('account', change => told.push(change))
  t.same((await call('GET', '/v1/users/me', { token })).body, user)
  const fields = {
    displayName: 'Ada Lovelace',
    bio: 'Numbers',
    avatarUrl: 'https://example.org/a.png',
    username: 'Countess'
  }
  const changed = await call('PATCH', '/v1/users/me', { token, body: fields })
  t.equal(changed.status, 200)
  t.same(changed.body, { ...user, ...fields })
  const userId = user.id.slice(-24)
  t.same(told, [{ userId, rev: 1, type: 'user:updated', data: changed.body }])
  const row = await client
    .db()
    .collection('accountChanges')
    .findOne({ userId: new ObjectId(userId) })
  t.match(row, { type: 'profile', rev: 1 })
  const cleared = await call('PATCH', '/v1/users/me', { token, body: { bio: '', avatarUrl: '' } })
  t.same(cleared.body, { ...user, displayName: 'Ada Lovelace', username: 'Countess' })
  t.same((await call('PATCH', '/v1/users/me', { token, body: {} })).body, cleared.body)
  t.equal(told.length, 2, 'nothing changed, nobody told')
  const other = await signUp()
  const seen = await call('GET', `/v1/users/${user.id}`, { token: other.accessToken })
  const { email: _email, ...visible } = cleared.body
  t.same(seen.body, visible, 'without what is private')
  t.same((await call('GET', `/v1/users/${userId}`, { token: other.accessToken })).body, visible, 'by the bare id')
})

t.test('a username belongs to one person, also when it changes', async t => {
  const { call, signUp, client, bus } = await accountsApp(t)
  await signUp({ username: 'Taken' })
  const { accessToken: token } = await signUp({ username: 'free' })
  let told = 0
  bus.on('account', () => told++)
  const { status, body } = await call('PATCH', '/v1/users/me', {
    token,
    body: { username: 'taken', displayName: 'Not me' }
  })
  t.match({ status, body }, { status: 409, body: { error: { code: 'conflict' } } })
  t.match(
    (await call('GET', '/v1/users/me', { token })).body,
    { username: 'free', displayName: 'free' },
    'nothing changed'
  )
  t.equal(await client.db().collection('accountChanges').countDocuments(), 0)
  t.equal(told, 0)
  t.equal(
    (await call('PATCH', '/v1/users/me', { token, body: { username: 'FREE' } })).status,
    200,
    'one’s own in capitals'
  )
  const racers = await Promise.all([signUp(), signUp(), signUp()])
  const answers = await Promise.all(
    racers.map(({ accessToken }) => call('PATCH', '/v1/users/me', { token: accessToken, body: { username: 'wanted' } }))
  )
  t.same(answers.map(answer => answer.status).sort(), [200, 409, 409])
})

t.test('search: beginnings of words, folded, literal; whole numbers and emails; nobody who is disabled', async t => {
  const { call, signUp, client } = await accountsApp(t)
  const { accessToken: token } = await signUp({ username: 'ada.byron', displayName: 'Ada Lovelace' })
  await signUp({
    username: 'zoe',
    displayName: 'Zoë Müller-Lüdenscheidt',
    phone: '+49 30 901820',
    email: 'zoe@example.org'
  })
  await signUp({ username: 'emoji', displayName: '日本 太郎' })
  await signUp({ username: 'gone', displayName: 'Ada Gone' })
  await client
    .db()
    .collection('users')
    .updateOne({ username: 'gone' }, { $set: { isDisabled: true } })
  const find = async (q: string, limit = '') => {
    const { body } = await call('GET', `/v1/users/search?q=${encodeURIComponent(q)}${limit}`, { token })
    return body.users?.map(({ username }: { username: string }) => username) ?? body.error.code
  }
  const expected: [string, string[]][] = [
    ['a', ['ada.byron']],
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
    ['ZOE@example.org', ['zoe']],
    ['.*', []],
    ['^a', ['ada.byron']],
    ['$where', []],
    ['(((((', []],
    ['😀', []]
  ]
  for (const [q, usernames] of expected) t.same(await find(q), usernames, q)
  t.notMatch((await call('GET', '/v1/users/search?q=zoe', { token })).text, /\+49|example\.org/, 'nothing private')
  await signUp({ username: 'adam' })
  t.equal((await find('ad', '&limit=1')).length, 1)
  t.equal((await find('ad', '&limit=100')).length, 2)
})

t.test('when people were seen last only moves forward, and is known of who ever was', async t => {
  const { signUp, store } = await accountsApp(t)
  const [ada, bob] = (await Promise.all([signUp(), signUp()])).map(({ user }) => new ObjectId(user.id.slice(-24)))
  if (!ada || !bob) throw new Error('Nobody registered')
  await store.users.setLastSeen(ada, new Date(2000))
  await store.users.setLastSeen(ada, new Date(1000))
  t.same(await store.users.lastSeen([ada, bob, new ObjectId()]), new Map([[ada.toHexString(), new Date(2000)]]))
})

t.test('bad input', async t => {
  const { call, signUp } = await accountsApp(t)
  const { accessToken: token } = await signUp()
  const queries = ['', '?q=', `?q=${'a'.repeat(65)}`, '?q[$ne]=1', '?q=a&q=b', '?q=a&x=1', '?q=a%00', '?q=a&limit=0']
  const more = ['?q=a&limit=101', '?q=a&limit=1.5', '?q=a&limit=x', '?q=a&limit=', '?q=a&limit=1e1']
  for (const query of [...queries, ...more]) {
    const answer = await call('GET', `/v1/users/search${query}`, { token })
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
    const answer = await call('PATCH', '/v1/users/me', { token, body })
    t.match(answer, { status: 400, body: { error: { code: 'invalid' } } }, JSON.stringify(body).slice(0, 60))
  }
  for (const id of ['x', 'conv_64b7f0c2a1d3e4f5a6b7c8d9', '64B7F0C2A1D3E4F5A6B7C8D9', '64b7f0c2a1d3e4f5a6b7c8d9a']) {
    t.equal((await call('GET', `/v1/users/${id}`, { token })).status, 400, id)
  }
  const missing = await call('GET', '/v1/users/user_64b7f0c2a1d3e4f5a6b7c8d9', { token })
  t.match(missing, { status: 404, body: { error: { code: 'not_found' } } })
})
