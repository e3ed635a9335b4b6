import t from 'tap'
import { CLOSE } from '../../protocol/close.ts'
import { openDatabase } from '../kit/databases.ts'
import { type Answer, mintToken, PASSWORD, startServer, type TestServer } from '../kit/helper.ts'

async function login(server: TestServer, account: object): Promise<Answer> {
  return await server.call(undefined, 'POST', '/v1/auth/login', account)
}

async function refresh(server: TestServer, refreshToken: string): Promise<Answer> {
  return await server.call(undefined, 'POST', '/v1/auth/refresh', { refreshToken })
}

t.test('register and sign in by username, phone and email, in any spelling', async t => {
  const server = await startServer(t)
  const body = {
    username: 'Ada.L',
    phone: '030 901820',
    email: 'Ada@Example.org',
    password: PASSWORD,
    displayName: ' Ada '
  }
  const registered = await server.call(undefined, 'POST', '/v1/auth/register', {
    ...body,
    device: { id: 'd1', platform: 'web' }
  })
  t.equal(registered.status, 201)
  t.match(registered.body, {
    user: {
      id: /^user_[0-9a-f]{24}$/,
      username: 'Ada.L',
      unverifiedPhone: '+4930901820',
      unverifiedEmail: 'ada@example.org',
      displayName: 'Ada'
    },
    sessionId: /^ses_[0-9a-f]{24}$/,
    expiresInMs: 604_800_000
  })
  t.notMatch(registered.text, /argon2|passwordHash/)
  await server.prove(registered.body, { phone: body.phone })
  const user = await server.prove(registered.body, { email: body.email })
  for (const name of [
    { username: 'ada.l' },
    { phone: '+49 30 901820' },
    { phone: '004930901820' },
    { email: 'ADA@example.ORG' }
  ]) {
    const { status, body } = await login(server, { ...name, password: PASSWORD })
    t.equal(status, 200, JSON.stringify(name))
    t.equal(body.user.id, registered.body.user.id)
    const me = await server.call({ token: body.accessToken }, 'GET', '/v1/auth/me')
    t.same(me.body, { user, sessionId: body.sessionId })
  }
})

t.test('a username belongs to one person, whoever asks first', async t => {
  const server = await startServer(t)
  const client = await openDatabase(t, server.uri)
  await server.signUp({ username: 'grace' })
  const taken = await server.call(undefined, 'POST', '/v1/auth/register', { username: 'GRACE', password: PASSWORD })
  t.match(taken, { status: 409, body: { error: { code: 'conflict' } } })
  const racing = await Promise.all(
    Array.from({ length: 5 }, () =>
      server.call(undefined, 'POST', '/v1/auth/register', { username: 'race', password: PASSWORD })
    )
  )
  t.same(racing.map(({ status }) => status).sort(), [201, 409, 409, 409, 409])
  t.equal(await client.db().collection('users').countDocuments(), 2)
})

t.test('wrong password, unknown person, person without a password: the same bytes', async t => {
  const server = await startServer(t, { env: { AUTH_AUTOPROVISION: 'true' } })
  const client = await openDatabase(t, server.uri)
  await server.signUp({ username: 'known' })
  const token = await mintToken('legacy', { name: 'Legacy' })
  t.equal((await server.call({ token }, 'GET', '/v1/auth/me')).status, 200)
  await client
    .db()
    .collection('users')
    .updateOne({ displayName: 'Legacy' }, { $set: { usernameKey: 'legacy' } })
  const answers = []
  for (const username of ['known', 'unknown', 'legacy']) {
    const { status, text, headers } = await login(server, { username, password: 'wrong password' })
    answers.push({ status, text: text.replace(/"requestId":"[^"]+"/, ''), challenge: headers.get('www-authenticate') })
  }
  t.equal(answers[0]?.status, 401)
  t.match(answers[0]?.text, /"unauthenticated"/)
  t.same(answers[1], answers[0])
  t.same(answers[2], answers[0])
})

t.test('bad input is refused with 400 in our own words, and nothing is written', async t => {
  const server = await startServer(t)
  const client = await openDatabase(t, server.uri)
  const bad: [string, unknown][] = [
    ['register', {}],
    ['register', []],
    ['register', { password: PASSWORD }],
    ['register', { username: 'ada' }],
    ['register', { username: { $ne: null }, password: PASSWORD }],
    ['register', { username: ['ada'], password: PASSWORD }],
    ['register', { username: 'ada', password: { $gt: '' } }],
    ['register', { username: 5, password: PASSWORD }],
    ['register', { username: null, password: PASSWORD }],
    ['register', { username: 'ada', password: 'short77' }],
    ['register', { username: 'ada', password: 'x'.repeat(257) }],
    ['register', { username: 'adalovelace', password: 'AdaLovelace' }],
    ['register', { phone: '+4930901820', password: '+4930901820' }],
    ['register', { username: 'a', password: PASSWORD }],
    ['register', { username: '.*', password: PASSWORD }],
    ['register', { username: 'ada', password: PASSWORD, role: 'admin' }],
    ['register', { username: 'ada', password: PASSWORD, displayName: '   ' }],
    ['register', { username: 'ada', password: PASSWORD, displayName: '\ud800' }],
    ['register', { username: 'ada', password: PASSWORD, displayName: 'a\u0000' }],
    ['register', { username: 'ada', password: PASSWORD, device: { id: '$where' } }],
    ['register', { phone: '+1', password: PASSWORD }],
    ['register', { phone: 'call me', password: PASSWORD }],
    ['register', { phone: '0'.repeat(33), password: PASSWORD }],
    ['register', { email: 'not an email', password: PASSWORD }],
    ['login', { username: 'ada', phone: '+4930901820', password: PASSWORD }],
    ['login', { password: PASSWORD }],
    ['login', { username: { $ne: null }, password: { $ne: null } }],
    ['login', { username: 'ada', password: ['x'] }],
    ['refresh', { refreshToken: { $ne: null } }],
    ['refresh', { refreshToken: 'x'.repeat(257) }],
    ['refresh', {}]
  ]
  for (const [route, body] of bad) {
    const answer = await server.call(undefined, 'POST', `/v1/auth/${route}`, body)
    t.match(
      answer,
      { status: 400, body: { error: { code: 'invalid', retry: 'no' } } },
      JSON.stringify(body).slice(0, 80)
    )
    t.notMatch(answer.text, /schema|FST_|ajv/i)
  }
  t.equal(await client.db().collection('users').countDocuments(), 0)
  const { body } = await server.call(undefined, 'POST', '/v1/auth/register', { username: 5, password: PASSWORD })
  t.equal(body.error.message, 'body/username must be text')
})

t.test('sessions: listed, revoked one by one, all others, and their tokens dead at once', async t => {
  const server = await startServer(t)
  const username = 'ada'
  const first = await server.signUp({ username })
  const loginFrom = async (id: string) =>
    (await login(server, { username, password: PASSWORD, device: { id, name: 'My phone' } })).body
  const [phone, tablet, laptop] = [await loginFrom('phone'), await loginFrom('tablet'), await loginFrom('laptop')]
  const status = async ({ accessToken }: { accessToken: string }) =>
    (await server.call({ token: accessToken }, 'GET', '/v1/users/me')).body.error?.code ?? 'ok'
  t.same(await Promise.all([first, phone, tablet, laptop].map(status)), ['ok', 'ok', 'ok', 'ok'])
  const { body } = await server.call({ token: phone.accessToken }, 'GET', '/v1/sessions')
  t.same(
    body.sessions.map((session: { device?: { id: string }; isCurrent: boolean }) => [
      session.device?.id,
      session.isCurrent
    ]),
    [
      ['laptop', false],
      ['tablet', false],
      ['phone', true],
      [undefined, false]
    ]
  )
  const token = phone.accessToken
  const [stays, ends] = [await server.connect({ token }), await server.connect({ token: tablet.accessToken })]
  t.equal((await server.call({ token }, 'DELETE', `/v1/sessions/${tablet.sessionId}`)).status, 204)
  t.equal((await ends.closed).code, CLOSE.session_revoked)
  t.match(await stays.ask('ping'), { serverTime: String }, 'no other session is told to go')
  t.equal(await status(tablet), 'session_revoked')
  t.match(await refresh(server, tablet.refreshToken), { status: 401 })
  t.equal((await server.call({ token }, 'DELETE', `/v1/sessions/${tablet.sessionId}`)).status, 404, 'it is gone')
  const stranger = await server.signUp()
  const foreign = await server.call({ token: stranger.accessToken }, 'DELETE', `/v1/sessions/${phone.sessionId}`)
  t.match(foreign, { status: 404, body: { error: { code: 'not_found' } } })
  t.equal((await server.call({ token }, 'DELETE', '/v1/sessions')).status, 204)
  t.same(await Promise.all([first, phone, laptop, stranger].map(status)), [
    'session_revoked',
    'ok',
    'session_revoked',
    'ok'
  ])
  t.equal((await server.call({ token }, 'POST', '/v1/auth/logout')).status, 204)
  t.equal(await status(phone), 'session_revoked')
})

t.test('refresh over HTTP: rotation, one successor for twenty at once, reuse ends everything', async t => {
  const server = await startServer(t)
  const { refreshToken, accessToken } = await server.signUp()
  const all = await Promise.all(Array.from({ length: 20 }, () => refresh(server, refreshToken)))
  t.same(new Set(all.map(({ status }) => status)), new Set([200]))
  t.equal(new Set(all.map(({ body }) => body.refreshToken)).size, 1)
  const second = all[0]?.body
  t.equal((await server.call({ token: second.accessToken }, 'GET', '/v1/auth/me')).status, 200)
  const third = await refresh(server, second.refreshToken)
  t.equal(third.status, 200)
  t.match(await refresh(server, refreshToken), {
    status: 401,
    body: { error: { code: 'session_revoked', retry: 'auth' } }
  })
  t.match(await refresh(server, third.body.refreshToken), { status: 401, body: { error: { code: 'session_revoked' } } })
  for (const token of [accessToken, second.accessToken, third.body.accessToken]) {
    const me = await server.call({ token }, 'GET', '/v1/auth/me')
    t.match(me, { status: 401, body: { error: { code: 'session_revoked' } } })
  }
  t.match(await refresh(server, accessToken.slice(0, 256)), {
    status: 401,
    body: { error: { code: 'unauthenticated' } }
  })
})

t.test('a disabled account is told only to who knows the password', async t => {
  const server = await startServer(t)
  const client = await openDatabase(t, server.uri)
  await server.signUp({ username: 'gone' })
  const { refreshToken } = (await login(server, { username: 'gone', password: PASSWORD })).body
  await client
    .db()
    .collection('users')
    .updateMany({}, { $set: { isDisabled: true } })
  const loginWith = async (password: string) => await login(server, { username: 'gone', password })
  t.match(await loginWith(PASSWORD), { status: 403, body: { error: { code: 'account_disabled' } } })
  t.match(await loginWith('wrong password'), { status: 401, body: { error: { code: 'unauthenticated' } } })
  t.match(await refresh(server, refreshToken), { status: 403 })
})

t.test('too many registrations of one address wait for their time', async t => {
  const server = await startServer(t, { env: { LIMITS_REGISTRATIONS_PER_HOUR: '1', LIMITS_REGISTRATIONS_BURST: '2' } })
  await server.signUp({ username: 'ada' })
  await server.signUp({ username: 'bob' })
  const third = await server.call(undefined, 'POST', '/v1/auth/register', { username: 'eve', password: PASSWORD })
  t.match(third, { status: 429, body: { error: { code: 'rate_limited', retry: 'later' } } })
  t.ok(Number(third.headers.get('retry-after')) > 3_500)
})

t.test('a ticket is got with a token', async t => {
  const server = await startServer(t)
  const { accessToken, user } = await server.signUp()
  t.equal((await server.call(undefined, 'POST', '/v1/auth/tickets')).status, 401)
  const { status, body } = await server.call({ token: accessToken }, 'POST', '/v1/auth/tickets')
  t.equal(status, 201)
  t.ok(Math.abs(Date.parse(body.expiresAt) - Date.now() - 30_000) < 2000)
  const socket = await server.socket()
  t.match(await socket.ask('hello', { ticket: body.ticket }), { user: { id: user.id } })
})
