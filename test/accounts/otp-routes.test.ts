import t from 'tap'
import { PASSWORD, startServer, type TestServer } from '../kit/helper.ts'
import { Writes } from '../kit/writes.ts'
import { startMailServer } from './delivery/smtp-gateway.ts'

const PHONE = '+4915112345678'
const NEW = 'another horse battery'

async function askFor(server: TestServer, body: object): Promise<string> {
  return (await server.call(undefined, 'POST', '/v1/auth/otp', body)).body.devCode
}

t.test('registering, signing in and resetting by codes', async t => {
  const server = await startServer(t)
  const post = async (path: string, body: object, token?: string) =>
    await server.call(token === undefined ? undefined : { token }, 'POST', `/v1/auth/${path}`, body)
  const asked = await post('otp', { purpose: 'register', phone: '0151 12345678' })
  t.match(asked, { status: 202, body: { expiresInMs: 600_000, devCode: /^\d{6}$/ } })
  const account = {
    phone: PHONE,
    code: asked.body.devCode,
    displayName: 'Ada',
    password: PASSWORD,
    device: { id: 'd' }
  }
  const made = await post('otp/verify', { purpose: 'register', ...account })
  t.match(made, { status: 200, body: { user: { displayName: 'Ada', phone: PHONE }, sessionId: /^ses_/ } })
  t.match(await server.call({ token: made.body.accessToken }, 'GET', '/v1/auth/me'), { status: 200 })
  const code = await askFor(server, { purpose: 'login', phone: PHONE })
  const login = { purpose: 'login', phone: PHONE, code }
  const signedIn = await post('otp/verify', login)
  t.match(signedIn, { status: 200, body: { user: { id: made.body.user.id } } })
  t.match(await post('otp/verify', login), { status: 401, body: { error: { code: 'unauthenticated' } } }, 'a replay')

  const change = { currentPassword: PASSWORD, newPassword: NEW }
  t.equal((await post('password', change, signedIn.body.accessToken)).status, 204)
  t.match(await server.call({ token: made.body.accessToken }, 'GET', '/v1/auth/me'), {
    status: 401,
    body: { error: { code: 'session_revoked' } }
  })
  const reset = { phone: PHONE, newPassword: PASSWORD }
  const resetCode = await askFor(server, { purpose: 'reset', phone: PHONE })
  t.equal((await post('password/reset', { ...reset, code: resetCode })).status, 204)
  t.equal((await server.call({ token: signedIn.body.accessToken }, 'GET', '/v1/auth/me')).status, 401)
  const last = await post('login', { phone: PHONE, password: PASSWORD })
  t.equal(last.status, 200)
})

t.test('a code comes by mail and nowhere else, also when the mail server fails at first', async t => {
  const mails = await startMailServer(t)
  mails.failNext(1)
  const env = { OTP_DELIVERY: 'smtp', SMTP_URL: mails.url, MAIL_FROM: 'chat@parley.example' }
  const server = await startServer(t, { env })
  const email = 'Ada@parley.example'
  const asked = await server.call(undefined, 'POST', '/v1/auth/otp', { purpose: 'register', email })
  t.same(asked.body, { requestId: asked.body.requestId, expiresInMs: 600_000 }, 'the answer does not hold it')
  const { code, to } = await mails.arrived
  t.equal(to, 'ada@parley.example')
  const answer = await server.call(undefined, 'POST', '/v1/auth/otp/verify', { purpose: 'register', email, code })
  t.match(answer, { status: 200, body: { user: { email: 'ada@parley.example' } } })
})

t.test('signing out everywhere ends this session too, closes its sockets, and kills its tokens', async t => {
  const server = await startServer(t)
  const account = { username: 'ada', password: PASSWORD }
  const first = await server.signUp(account)
  const second = (await server.call(undefined, 'POST', '/v1/auth/login', account)).body
  const socket = await server.connect({ token: first.accessToken })
  const { status } = await server.call({ token: second.accessToken }, 'POST', '/v1/auth/logout-everywhere')
  t.equal(status, 204)
  t.equal((await socket.closed).code, 4102)
  for (const { accessToken, refreshToken } of [first, second]) {
    t.equal((await server.call({ token: accessToken }, 'GET', '/v1/auth/me')).status, 401)
    const answer = await server.call(undefined, 'POST', '/v1/auth/refresh', { refreshToken })
    t.match(answer, { status: 401, body: { error: { code: 'session_revoked' } } })
  }
})

t.test('the answers about somebody known and somebody unknown are the same', async t => {
  const server = await startServer(t, { env: { LIMITS_CODES_PER_MINUTE: '10' } })
  await server.signUp({ email: 'ada@parley.example' })
  const masked = (text: string) => text.replace(/\d{6}"/, 'code"').replace(/"requestId":"[^"]+"/, '')
  const answers = []
  for (const email of ['ada@parley.example', 'eve@parley.example']) {
    for (const purpose of ['login', 'reset', 'register']) {
      const { status, text } = await server.call(undefined, 'POST', '/v1/auth/otp', { purpose, email })
      answers.push(`${status} ${masked(text)}`)
    }
    const wrong = { purpose: 'login', email, code: '000000' }
    const { status, text } = await server.call(undefined, 'POST', '/v1/auth/otp/verify', wrong)
    answers.push(`${status} ${masked(text)}`)
  }
  t.same(answers.slice(0, 4), answers.slice(4))
  t.match(answers[0], /^202 /)
  t.match(answers[3], /^401 /)
})

t.test('too many codes are refused with the time to wait', async t => {
  const server = await startServer(t)
  const body = { purpose: 'login', email: 'ada@parley.example' }
  for (let asked = 0; asked < 3; asked++) await askFor(server, body)
  const { status, headers, body: answer } = await server.call(undefined, 'POST', '/v1/auth/otp', body)
  t.equal(status, 429)
  t.match(answer, { error: { code: 'rate_limited', retry: 'later', retryAfterMs: Number } })
  t.match(headers.get('retry-after'), /^\d+$/)
  await server.signUp({ email: 'eve@parley.example' })
  const { text } = await server.call(undefined, 'GET', '/metrics')
  for (const line of ['sent_total 1', 'used_total 1', 'refused_total{limit="recipient"} 1']) {
    t.ok(text.split('\n').includes(`parley_codes_${line}`), line)
  }
})

t.test('bad input is refused with 400, and nothing is written', async t => {
  const server = await startServer(t)
  const writes = await Writes.watch(t, server.uri)
  const code = '123456'
  const bad: [string, object][] = [
    ['otp', {}],
    ['otp', { purpose: 'login' }],
    ['otp', { purpose: 'login', phone: PHONE, email: 'a@parley.example' }],
    ['otp', { purpose: 'delete', phone: PHONE }],
    ['otp', { purpose: 'login', phone: 'call me' }],
    ['otp', { purpose: 'login', phone: { $ne: null } }],
    ['otp', { purpose: 'login', email: 'a@b\r\nRCPT TO:<c@d>' }],
    ['otp/verify', { purpose: 'reset', phone: PHONE, code }],
    ['otp/verify', { purpose: 'login', phone: PHONE, code: 123456 }],
    ['otp/verify', { purpose: 'login', phone: PHONE, code: '12345' }],
    ['otp/verify', { purpose: 'login', phone: PHONE, code: { $gt: '' } }],
    ['otp/verify', { purpose: 'login', code }],
    ['otp/verify', { purpose: 'register', phone: PHONE, code, password: 'short' }],
    ['otp/verify', { purpose: 'register', phone: PHONE, code, password: PHONE }],
    ['otp/verify', { purpose: 'register', phone: PHONE, code, displayName: '   ' }],
    ['otp/verify', { purpose: 'register', phone: PHONE, code, role: 'admin' }],
    ['password/reset', { phone: PHONE, code, newPassword: 'short' }],
    ['password/reset', { phone: PHONE, newPassword: NEW }]
  ]
  for (const [path, body] of bad) {
    const { status, body: answer } = await server.call(undefined, 'POST', `/v1/auth/${path}`, body)
    t.match({ status, answer }, { status: 400, answer: { error: { code: 'invalid' } } }, JSON.stringify(body))
  }
  t.same(await writes.take(), [])
})
