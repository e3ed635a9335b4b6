import t from 'tap'
import { openDatabase } from '../../kit/databases.ts'
import { joinServer, startServer, type TestServer } from '../../kit/helper.ts'

const login = async (server: TestServer, qrToken: string, deviceInfo?: object, headers = {}) =>
  await server.call(undefined, 'POST', '/api/auth/login', { qrToken, ...(deviceInfo && { deviceInfo }) }, headers)
const phoneOf = async (server: TestServer) => {
  const { accessToken, user } = await server.signUp()
  return { token: accessToken, id: user.id }
}
const approve = async (server: TestServer, who: { token: string }, qrToken: string, body = {}) =>
  await server.call(who, 'POST', `/api/auth/qr/${qrToken}/approve`, body)

t.test('2.1 a new device shows a code, the phone approves it, and the device logs in once', async t => {
  const server = await joinServer(t)
  const phone = await phoneOf(server)
  const deviceInfo = { platform: 'web', deviceId: 'browser-1', userAgent: 'Mozilla/5.0' }
  const { status, body } = await server.call(undefined, 'POST', '/api/auth/qr', { deviceInfo })
  t.equal(status, 201)
  t.match(body, { success: true, qrId: /^qr_[0-9a-f]{24}$/, qrToken: String, expiresAt: String, matchCode: /^\d\d$/ })
  t.ok(body.expiresIn > 290_000 && body.expiresIn <= 300_000, 'five minutes')
  t.match(await login(server, body.qrToken, deviceInfo), {
    ...{ status: 409, body: { success: false, code: 'approval_pending', message: String } }
  })
  t.match((await server.call(undefined, 'GET', `/api/auth/qr/${body.qrToken}`)).body, {
    status: 'pending',
    isUsed: false
  })
  t.match(await approve(server, phone, body.qrToken), { status: 200, body: { success: true, status: 'approved' } })
  const answers = await Promise.all([1, 2].map(() => login(server, body.qrToken, deviceInfo)))
  t.same(answers.map(it => it.status).sort(), [200, 401])
  const signedIn = answers.find(it => it.status === 200)
  t.same(new Set(Object.keys(signedIn?.body)), new Set(['message', 'refreshToken', 'success', 'token', 'userId']))
  t.match(signedIn?.body, { success: true, userId: phone.id, message: 'Logged in via QR' })
  t.equal((await server.call(signedIn?.body, 'GET', `/api/users/${phone.id}`)).status, 200)
})

t.test('2.1 the phone shows a code, a device scans it and waits until the phone approves', async t => {
  const server = await joinServer(t)
  const phone = await phoneOf(server)
  const { body } = await server.call(phone, 'POST', '/api/auth/qr')
  t.equal((await approve(server, phone, body.qrToken)).status, 409, 'nobody has scanned it')
  const deviceInfo = { platform: 'ios', deviceId: 'tablet 1/ü' }
  t.match(await login(server, body.url, deviceInfo), { status: 409, body: { code: 'approval_pending' } })
  const stranger = await phoneOf(server)
  t.equal((await approve(server, stranger, body.qrToken)).status, 404, 'only its maker approves')
  t.equal((await approve(server, phone, body.qrToken, { matchCode: 'x' })).status, 400)
  t.equal((await approve(server, phone, body.qrToken)).status, 200)
  t.match(await login(server, body.qrToken, deviceInfo), { status: 200, body: { userId: phone.id } })
})

t.test('2.1 a device that does not name itself is told by its program and its address', async t => {
  const server = await joinServer(t)
  const phone = await phoneOf(server)
  const { body } = await server.call(undefined, 'POST', '/api/auth/qr', undefined, { 'user-agent': 'one' })
  await approve(server, phone, body.qrToken)
  t.equal((await login(server, body.qrToken, undefined, { 'user-agent': 'one' })).status, 200)
})

t.test('S20: a code of an app without secrets is refused once a second device or program asks for it', async t => {
  const server = await joinServer(t)
  const phone = await phoneOf(server)
  const one = { 'user-agent': 'one' }
  const deviceInfo = { deviceId: 'browser-1' }
  const seconds: [string, object | undefined, object][] = [
    ['another device', { deviceId: 'browser-2' }, one],
    ['another program that has guessed the id', deviceInfo, { 'user-agent': 'two' }],
    ['one without an id', undefined, one]
  ]
  const makers: [string, () => Promise<string>][] = [
    [
      'of the device',
      async () => (await server.call(undefined, 'POST', '/api/auth/qr', { deviceInfo }, one)).body.qrToken
    ],
    [
      'of the phone',
      async () => {
        const { qrToken } = (await server.call(phone, 'POST', '/api/auth/qr')).body
        t.equal((await login(server, qrToken, deviceInfo, one)).status, 409, 'the first program is bound')
        return qrToken
      }
    ]
  ]
  for (const [whose, make] of makers) {
    for (const [who, info, headers] of seconds) {
      for (const isApproved of [false, true]) {
        const qrToken = await make()
        if (isApproved) await approve(server, phone, qrToken)
        t.equal((await login(server, qrToken, info, headers)).status, 401, `${who} asks for a code ${whose}`)
        t.match((await server.call(phone, 'GET', `/api/auth/qr/${qrToken}`)).body, { status: 'refused' })
        t.equal((await approve(server, phone, qrToken)).status, 409, 'it is approved no more')
        t.match(await login(server, qrToken, deviceInfo, one), { status: 403, body: { code: 'forbidden' } })
        t.equal((await login(server, qrToken, info, headers)).status, 401)
      }
    }
  }
  const without = (await server.call(undefined, 'POST', '/api/auth/qr', undefined, one)).body.qrToken
  await approve(server, phone, without)
  t.equal((await login(server, without, undefined, { 'user-agent': 'two' })).status, 401)
  t.equal((await login(server, without, undefined, one)).status, 403, 'without an id the program tells')
  const { sessions } = (await server.call(phone, 'GET', '/v1/sessions')).body
  t.equal(sessions.length, 1, 'nobody was let in')
  const next = (await server.call(undefined, 'POST', '/api/auth/qr', { deviceInfo }, one)).body.qrToken
  await approve(server, phone, next)
  t.equal((await login(server, next, deviceInfo, one)).status, 200, 'the next code works')
})

t.test('S20: asking where a code is binds and ends nothing, and says nothing of a device with a secret', async t => {
  const server = await joinServer(t)
  const phone = await phoneOf(server)
  const look = async (who: { token: string } | undefined, qrToken: string) =>
    await server.call(who, 'GET', `/api/auth/qr/${qrToken}`, undefined, { 'user-agent': 'another' })
  const { qrToken } = (await server.call(phone, 'POST', '/api/auth/qr')).body
  for (const who of [undefined, phone]) t.match(await look(who, qrToken), { status: 200, body: { status: 'pending' } })
  t.equal((await login(server, qrToken, { deviceId: 'd' })).status, 409)
  await approve(server, phone, qrToken)
  t.match(await look(undefined, qrToken), { status: 200, body: { status: 'approved' } })
  t.equal((await login(server, qrToken, { deviceId: 'd' })).status, 200)
  const { token } = (await server.call(undefined, 'POST', '/v1/auth/qr', { device: { id: 'd' } })).body
  t.equal((await look(undefined, token)).status, 404)
})

t.test('2.1 a code ends with its time, and what is no code opens nothing', async t => {
  const server = await startServer(t, { env: { QR_TOKEN_EXPIRES_IN: '1000' } })
  const phone = await phoneOf(server)
  const { body } = await server.call(undefined, 'POST', '/api/auth/qr', { deviceInfo: { deviceId: 'd' } })
  t.ok(body.expiresIn <= 1_000)
  const db = (await openDatabase(t, server.uri)).db()
  await db.collection('qrLogins').updateMany({}, { $set: { expiresAt: new Date(Date.now() - 1) } })
  t.equal((await approve(server, phone, body.qrToken)).status, 404)
  t.equal((await login(server, body.qrToken, { deviceId: 'd' })).status, 401)
  t.match(await login(server, 'x'.repeat(43)), { status: 401, body: { success: false, code: 'unauthenticated' } })
  t.equal((await login(server, '')).status, 400)
})

t.test('2.2 refreshing gives the next tokens, and a reused token ends the whole family', async t => {
  const server = await joinServer(t)
  const { refreshToken, user } = await server.signUp()
  const refresh = async (token: string) =>
    await server.call(undefined, 'POST', '/api/auth/refresh', { refreshToken: token })
  const second = await refresh(refreshToken)
  t.match(second, { status: 200, body: { success: true, userId: user.id, token: String, refreshToken: String } })
  const third = await refresh(second.body.refreshToken)
  t.equal(third.status, 200)
  t.equal((await server.call(third.body, 'GET', '/api/conversations')).status, 200)
  t.match(await refresh(refreshToken), { status: 401, body: { success: false, code: 'session_revoked' } })
  t.equal((await refresh(third.body.refreshToken)).status, 401, 'the newest too')
  t.equal((await server.call(third.body, 'GET', '/api/conversations')).status, 401)
  t.equal((await refresh('nothing')).status, 401)
})
