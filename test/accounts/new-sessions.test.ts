import { ObjectId } from 'mongodb'
import t from 'tap'
import type { SignedIn } from '../../protocol/accounts/entities.ts'
import { openDatabase } from '../kit/databases.ts'
import { type Answer, mintToken, PASSWORD, startServer, type TestServer } from '../kit/helper.ts'

const LAPTOP = { id: 'laptop', name: 'Laptop', platform: 'web' }
const TABLET = { id: 'tablet' }
const NEW_PASSWORD = 'another horse battery'

async function post(server: TestServer, path: string, body: object, token?: string): Promise<Answer> {
  return await server.call(token === undefined ? undefined : { token }, 'POST', path, body)
}

/** Signs a laptop in by a picture that somebody with this token approves. */
async function letIn(server: TestServer, token: string): Promise<SignedIn> {
  const { token: code, matchCode, deviceSecret } = (await post(server, '/v1/auth/qr', { device: LAPTOP })).body
  await post(server, `/v1/auth/qr/${code}/approve`, { matchCode }, token)
  return (await post(server, `/v1/auth/qr/${code}/login`, { deviceId: LAPTOP.id, deviceSecret })).body
}

const statusOf = async (server: TestServer, token: string): Promise<number> =>
  (await server.call({ token }, 'GET', '/v1/users/me')).status

t.test('S19 the other devices of a person hear of a new session, live and when they come back', async t => {
  const server = await startServer(t)
  const ann = await server.signUp({ username: 'ann' })
  const phone = await server.connect({ token: ann.accessToken })
  const login = { username: 'ann', password: PASSWORD, device: TABLET }
  const ways = [
    [TABLET, async () => (await post(server, '/v1/auth/login', login)).body],
    [LAPTOP, async () => await letIn(server, ann.accessToken)]
  ] as const
  const heard: string[] = []
  for (const [device, signIn] of ways) {
    const { sessionId } = await signIn()
    const event = await phone.next('session:added')
    t.match(event, { stream: ann.user.id, data: { id: sessionId, device, createdAt: String } })
    t.notMatch(JSON.stringify(event), /refresh|token|salt/i)
    heard.push(sessionId)
  }
  const { items } = await phone.ask('sync:pull', { stream: ann.user.id, since: 0 })
  const told = items.filter(({ type }: { type: string }) => type === 'session')
  t.same(
    told.map(({ session }: { session: { id: string } }) => session.id),
    heard
  )
  await server.call({ token: ann.accessToken }, 'DELETE', `/v1/sessions/${heard[0]}`)
  const later = (await phone.ask('sync:pull', { stream: ann.user.id, since: 0 })).items
  t.same(
    later
      .filter(({ type }: { type: string }) => type === 'session')
      .map((it: { session: { id: string } }) => it.session.id),
    heard.slice(1),
    'one that has ended is nothing any more'
  )
  const ben = await server.signUp()
  const { rev } = await (await server.connect({ token: ben.accessToken })).ask('sync:pull', {
    stream: ben.user.id,
    since: 0
  })
  t.equal(rev, 0, 'the first session of a person is told to nobody')
})

t.test('S19 a session that another one has let in ends with it within a day, and not later', async t => {
  const server = await startServer(t)
  const db = (await openDatabase(t, server.uri)).db()
  for (const [hours, status] of [
    [23, 401],
    [25, 200]
  ] as const) {
    const phone = await server.signUp()
    const laptop = await letIn(server, phone.accessToken)
    const tablet = await letIn(server, laptop.accessToken)
    t.equal(await statusOf(server, tablet.accessToken), 200)
    const createdAt = new Date(Date.now() - hours * 3_600_000)
    await db.collection('sessions').updateMany({ approvedBy: { $exists: true } }, { $set: { createdAt } })
    await post(server, '/v1/auth/logout', {}, phone.accessToken)
    for (const { accessToken, refreshToken } of [laptop, tablet]) {
      t.equal(await statusOf(server, accessToken), status, `${hours} h`)
      t.equal((await post(server, '/v1/auth/refresh', { refreshToken })).status, status)
    }
  }
})

t.test('S19 a token of another system makes only a session that ends with it', async t => {
  const server = await startServer(t)
  const db = (await openDatabase(t, server.uri)).db()
  const token = await mintToken('a'.repeat(24), {}, 120)
  const laptop = await letIn(server, token)
  t.ok(laptop.expiresInMs <= 120_000 && laptop.expiresInMs > 100_000)
  const claims = JSON.parse(Buffer.from(laptop.accessToken.split('.')[1] ?? '', 'base64url').toString())
  t.ok(claims.exp * 1_000 <= Date.now() + 120_000, 'so do its access tokens')
  const sessions = db.collection('sessions')
  const before = (await sessions.findOne({}))?.['expiresAt']
  const refreshed = await post(server, '/v1/auth/refresh', { refreshToken: laptop.refreshToken })
  t.equal(refreshed.status, 200)
  t.same((await sessions.findOne({}))?.['expiresAt'], before, 'a refresh makes it no longer')
  t.ok(refreshed.body.expiresInMs <= 120_000)
  await sessions.updateMany({}, { $set: { expiresAt: new Date() } })
  t.equal((await post(server, '/v1/auth/refresh', { refreshToken: refreshed.body.refreshToken })).status, 401)
})

t.test('S19 a first password is set only by who has signed in within ten minutes', async t => {
  const server = await startServer(t)
  const db = (await openDatabase(t, server.uri)).db()
  const phone = '+4915144455566'
  const signIn = async (): Promise<SignedIn> => {
    const { devCode: code } = (await post(server, '/v1/auth/otp', { purpose: 'register', phone })).body
    return (await post(server, '/v1/auth/otp/verify', { purpose: 'register', phone, code })).body
  }
  const setPassword = async (token: string) =>
    await post(server, '/v1/auth/password', { newPassword: NEW_PASSWORD }, token)
  const old = await signIn()
  await db.collection('sessions').updateMany({}, { $set: { createdAt: new Date(Date.now() - 601_000) } })
  const refused = { status: 403, body: { error: { code: 'proof_required', message: /Sign in anew/ } } }
  t.match(await setPassword(old.accessToken), refused, 'too long ago')
  const laptop = await letIn(server, old.accessToken)
  t.match(await setPassword(laptop.accessToken), refused, 'let in by another device')
  t.match(await setPassword(await mintToken('b'.repeat(24))), refused, 'a token of another system')
  t.equal((await post(server, '/v1/auth/login', { phone, password: NEW_PASSWORD })).status, 401)
  const fresh = await signIn()
  t.equal((await setPassword(fresh.accessToken)).status, 204)
  t.equal((await post(server, '/v1/auth/login', { phone, password: NEW_PASSWORD })).status, 200)
  t.equal(await statusOf(server, old.accessToken), 401, 'and the other sessions end')
})

/** Ids of the devices of somebody's sessions, the newest first. */
async function devicesOf(server: TestServer, token: string): Promise<string[]> {
  const { sessions } = (await server.call({ token }, 'GET', '/v1/sessions')).body
  return sessions.map(({ device }: { device?: { id: string } }) => device?.id)
}

t.test('U40: a sign-in takes the place of the session of the same device, whatever way it comes in', async t => {
  const server = await startServer(t)
  const ann = await server.signUp({ username: 'ann', phone: '+4915144455577' })
  const phone = await server.connect({ token: ann.accessToken })
  const code = { purpose: 'login', phone: '+4915144455577' }
  const unified = { username: 'ann', password: PASSWORD, device: LAPTOP }
  const ways: (() => Promise<string>)[] = [
    async () => (await post(server, '/v1/auth/login', unified)).body.accessToken,
    async () => (await post(server, '/unified/auth/login', unified)).body.data.token,
    async () => {
      const { devCode } = (await post(server, '/v1/auth/otp', code)).body
      const claim = { ...code, code: devCode, device: LAPTOP }
      return (await post(server, '/v1/auth/otp/verify', claim)).body.accessToken
    },
    async () => (await letIn(server, ann.accessToken)).accessToken,
    async () => {
      const deviceInfo = { deviceId: LAPTOP.id }
      const { qrToken } = (await post(server, '/api/auth/qr', { deviceInfo })).body
      await post(server, `/api/auth/qr/${qrToken}/approve`, {}, ann.accessToken)
      return (await post(server, '/api/auth/login', { qrToken, deviceInfo })).body.token
    }
  ]
  let last: string | undefined
  for (const [index, signIn] of ways.entries()) {
    const token = await signIn()
    t.same(await devicesOf(server, token), [LAPTOP.id, undefined], `way ${index}`)
    if (last !== undefined) t.equal(await statusOf(server, last), 401, `the one before way ${index} is over`)
    await phone.next('session:added')
    last = token
  }
  const ben = await server.signUp()
  const others = (
    await post(server, '/v1/auth/login', { username: ben.user.username, password: PASSWORD, device: LAPTOP })
  ).body
  t.same(await devicesOf(server, last ?? ''), [LAPTOP.id, undefined], 'the same device of somebody else')
  t.equal(await statusOf(server, others.accessToken), 200)
})

t.test('U40: what a device has approved stays when it signs in anew, and no approval ends the approver', async t => {
  const server = await startServer(t)
  const PHONE = { id: 'phone' }
  const signIn = async () =>
    (await post(server, '/v1/auth/login', { username: 'ann', password: PASSWORD, device: PHONE })).body
  await server.signUp({ username: 'ann' })
  const phone = await signIn()
  const laptop = await letIn(server, phone.accessToken)
  const again = await signIn()
  t.equal(await statusOf(server, phone.accessToken), 401)
  t.equal(await statusOf(server, laptop.accessToken), 200)
  const { qrToken } = (await post(server, '/api/auth/qr', { deviceInfo: { deviceId: PHONE.id } })).body
  await post(server, `/api/auth/qr/${qrToken}/approve`, {}, again.accessToken)
  const body = { qrToken, deviceInfo: { deviceId: PHONE.id } }
  const other = (await post(server, '/api/auth/login', body)).body.token
  t.equal(await statusOf(server, other), 200)
  t.equal(await statusOf(server, again.accessToken), 200, 'a device with its id does not put it out')
  for (const n of [1, 2]) {
    const { qrToken } = (await post(server, '/api/auth/qr', {})).body
    await post(server, `/api/auth/qr/${qrToken}/approve`, {}, again.accessToken)
    t.equal((await post(server, '/api/auth/login', { qrToken })).status, 200, `device ${n} without a name`)
  }
  const unnamed = (await devicesOf(server, again.accessToken)).filter(id => id?.startsWith('unnamed-'))
  t.equal(unnamed.length, 2, 'two that do not name themselves may be two')
  await post(server, '/v1/auth/logout', {}, again.accessToken)
  for (const { accessToken } of [laptop, { accessToken: other }]) t.equal(await statusOf(server, accessToken), 401)
})

t.test('U40: of more than a hundred sessions the one that was unused the longest ends', async t => {
  const server = await startServer(t)
  const sessions = (await openDatabase(t, server.uri)).db().collection('sessions')
  const bot = await server.signUp({ username: 'bot' })
  const [own] = await sessions.find().toArray()
  await sessions.updateMany({}, { $set: { createdAt: new Date(Date.now() - 30 * 86_400_000) } })
  const seen = (minutes: number) => ({ lastSeenAt: new Date(Date.now() - minutes * 60_000) })
  const rows = Array.from({ length: 99 }, (_, n) => ({ ...own, _id: new ObjectId(), ...seen(n + 1) }))
  await sessions.insertMany(rows)
  t.equal((await post(server, '/v1/auth/login', { username: 'bot', password: PASSWORD })).status, 200)
  const ended = await sessions.find({ revokedAt: { $exists: true } }).toArray()
  t.same(
    ended.map(({ _id }) => _id),
    [rows.at(-1)?._id]
  )
  t.equal(await statusOf(server, bot.accessToken), 200, 'the oldest one, which is used, stays')
  t.equal((await devicesOf(server, bot.accessToken)).length, 100)
})
