import t from 'tap'
import { joinServer, startServer } from '../../kit/helper.ts'
import { newPhone, registerPhone } from './scene.ts'

const REFUSED = { success: false, data: null }

t.test('1.1 a code sent to a number makes an account and signs in', async t => {
  const server = await joinServer(t)
  const phone = newPhone()
  const sent = await server.call(undefined, 'POST', '/auth/send-otp', { phone })
  t.equal(sent.status, 200)
  t.match(sent.body, { success: true, error: null, message: 'Code sent', data: { expiresInMs: Number } })
  const otp = sent.body.data.devCode
  t.match(otp, /^\d{6}$/)
  const input = { phone, otp, name: 'Ann', password: 'correct horse battery', appVersion: '7.1' }
  const { status, body } = await server.call(undefined, 'POST', '/auth/verify-otp-register', input)
  t.equal(status, 200)
  t.match(body, { success: true, error: null, data: { token: String, refreshToken: String } })
  const { user, token } = body.data
  t.match(user, { name: 'Ann', displayName: 'Ann', phone, avatar: null, avatarUrl: null, isVerified: true })
  t.match(user.id, /^[0-9a-f]{24}$/)
  for (const name of ['_id', 'uid', 'userId']) t.equal(user[name], user.id, name)
  const me = await server.call({ token }, 'GET', '/auth/me')
  t.match(me.body, { success: true, data: { id: user.id, phone } })
})

t.test('1.1 a code works once, and a wrong one is refused', async t => {
  const server = await joinServer(t)
  const phone = newPhone()
  const verify = async (otp: string) =>
    await server.call(undefined, 'POST', '/auth/verify-otp-register', { phone, otp })
  const sent = await server.call(undefined, 'POST', '/auth/send-otp', { phone })
  const otp: string = sent.body.data.devCode
  const wrong = await verify(otp === '111111' ? '222222' : '111111')
  t.equal(wrong.status, 401)
  t.match(wrong.body, { ...REFUSED, error: { code: 'unauthenticated', message: wrong.body.message } })
  t.equal((await verify(otp)).status, 200)
  t.equal((await verify(otp)).status, 401)
})

t.test('1.1 a number that has an account signs in with a right code of either kind', async t => {
  const server = await joinServer(t)
  const phone = newPhone()
  const first = await registerPhone(server, phone, { name: 'Ann' })
  const again = await registerPhone(server, phone, { name: 'Somebody else' })
  t.equal(again.hex, first.hex)
  t.equal(again.answer.body.data.user.name, 'Ann')
})

t.test('1.1 too many codes for one number are refused with the time to wait', async t => {
  const server = await startServer(t, { env: { LIMITS_CODES_PER_HOUR: '1' } })
  const phone = newPhone()
  const send = async () => await server.call(undefined, 'POST', '/auth/send-otp', { phone })
  t.equal((await send()).status, 200)
  const refused = await send()
  t.equal(refused.status, 429)
  t.match(refused.body, { ...REFUSED, error: { code: 'rate_limited' } })
  t.ok(Number(refused.headers.get('retry-after')) > 0)
})

t.test('1.2 a known number signs in by a code; an unknown one is answered the same and opens nothing', async t => {
  const server = await joinServer(t)
  const [known, unknown] = [newPhone(), newPhone()]
  const ann = await registerPhone(server, known)
  const send = async (phone: string) => await server.call(undefined, 'POST', '/auth/send-otp-login', { phone })
  const [one, other] = [await send(known), await send(unknown)]
  t.equal(one.status, 200)
  t.equal(other.status, 200)
  t.strictSame(Object.keys(other.body.data), Object.keys(one.body.data))
  const verify = async (phone: string, otp: string) =>
    await server.call(undefined, 'POST', '/auth/verify-otp-login', { phone, otp })
  const signedIn = await verify(known, one.body.data.devCode)
  t.match(signedIn.body, { success: true, data: { token: String, refreshToken: String, user: { id: ann.hex } } })
  const refused = await verify(unknown, other.body.data.devCode)
  t.equal(refused.status, 401)
  t.match(refused.body, { ...REFUSED, error: { code: 'unauthenticated' } })
})

t.test('1.2 phone, email and username sign in with the password, and each device has its session', async t => {
  const server = await joinServer(t)
  const phone = newPhone()
  const name = `ann${phone.slice(-6)}`
  const account = { username: name, email: `${name}@example.com`, phone, password: 'correct horse battery' }
  const { user } = await server.signUp(account)
  const { password } = account
  const login = async (fields: object) => await server.call(undefined, 'POST', '/auth/login', fields)
  for (const [key, value] of Object.entries({ phone, email: account.email, username: name })) {
    const device = { id: `device-${key}`, name: 'Laptop', appVersion: '1' }
    const { status, body } = await login({ [key]: value, password, device })
    t.equal(status, 200, key)
    t.equal(`user_${body.data.user.id}`, user.id, key)
    t.equal((await server.call(body.data, 'GET', '/auth/me')).body.data.id, body.data.user.id)
  }
  const last = (await login({ phone, password })).body.data
  const { body } = await server.call(last, 'GET', '/v1/sessions')
  const devices = body.sessions.map((session: { device?: { id: string } }) => session.device?.id)
  for (const id of ['device-phone', 'device-email', 'device-username']) t.ok(devices.includes(id), id)
  const wrong = await login({ phone, password: 'another one' })
  const nobody = await login({ phone: newPhone(), password })
  t.equal(wrong.status, 401)
  t.strictSame(nobody.body, wrong.body, 'the same for who is not known')
})

t.test('1.2 without a token nobody is told who they are', async t => {
  const server = await joinServer(t)
  const { status, body } = await server.call(undefined, 'GET', '/auth/me')
  t.equal(status, 401)
  t.match(body, { ...REFUSED, error: { code: 'unauthenticated' }, message: String })
})

t.test('1.3 every spelling of one number is one person', async t => {
  const server = await startServer(t, { env: { LIMITS_CODES_PER_MINUTE: '100', LIMITS_CODES_PER_HOUR: '100' } })
  const first = await registerPhone(server, '0151 23456789', { password: 'correct horse battery' })
  t.equal(first.answer.body.data.user.phone, '+4915123456789')
  for (const phone of ['+49 151 23456789', '0049 (151) 2345-6789', '+4915123456789']) {
    t.equal((await registerPhone(server, phone)).hex, first.hex, phone)
    const login = { phone, password: 'correct horse battery' }
    t.equal((await server.call(undefined, 'POST', '/auth/login', login)).body.data.user.id, first.hex, phone)
  }
})

t.test('1.3 a number that cannot be one is refused clearly', async t => {
  const server = await joinServer(t)
  for (const phone of ['12', '+49 1', '0151 abc', '+999 1234567', 'call me maybe']) {
    for (const path of ['/auth/send-otp', '/auth/send-otp-login']) {
      const { status, body } = await server.call(undefined, 'POST', path, { phone })
      t.equal(status, 400, `${path} ${phone}`)
      t.match(body, { ...REFUSED, error: { code: 'invalid', message: /phone/ } })
    }
  }
})
