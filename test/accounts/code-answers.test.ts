import t from 'tap'
import { createDelivery } from '../../src/accounts/delivery/index.ts'
import { readConfig } from '../../src/config/config.ts'
import { joinServer, PASSWORD, startServer, type TestServer } from '../kit/helper.ts'

const PLACES = ['/v1/auth/otp', '/auth/send-otp', '/auth/send-otp-login', '/unified/auth/send-otp']
const FORWARDED = [
  { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' },
  { forwarded: 'for=203.0.113.9' },
  { 'x-real-ip': '203.0.113.9' },
  { via: '1.1 proxy' }
]
let asked = 0

async function ask(server: TestServer, path: string, headers: object = {}) {
  asked += 1
  const phone = `+49151${String(50_000_000 + asked)}`
  const purpose = path.startsWith('/v1') ? { purpose: 'register' } : {}
  const { status, text } = await server.call(undefined, 'POST', path, { ...purpose, phone }, headers)
  return { status, text }
}

t.test('S04 a code is in the answer only for who asks from the same machine, through no proxy', async t => {
  const server = await joinServer(t)
  const { accessToken: token } = await server.signUp()
  for (const path of PLACES) {
    t.match((await ask(server, path)).text, /"devCode":"\d{6}"/, path)
    for (const headers of FORWARDED) {
      const { status, text } = await ask(server, path, headers)
      t.ok(status < 300, `${path} ${status}`)
      t.notMatch(text, /devCode|\d{6}"/, `${path} ${Object.keys(headers)}`)
    }
  }
  const address = { email: 'ann@example.org' }
  const [, headers = {}] = FORWARDED
  const noted = await server.call({ token }, 'POST', '/v1/users/me/addresses', address, headers)
  t.same(Object.keys(noted.body), ['requestId', 'expiresInMs'])
})

t.test(
  'S04 a server that others can reach makes no codes until its operator says how, and goes on without',
  async t => {
    const server = await startServer(t, { env: { HOST: '0.0.0.0' } })
    for (const path of PLACES) {
      const { status, text } = await ask(server, path)
      t.equal(status, 409, path)
      t.match(text, /not_configured/, path)
    }
    const { user } = await server.signUp({ username: 'ann' })
    const login = await server.call(undefined, 'POST', '/v1/auth/login', { username: 'ann', password: PASSWORD })
    t.equal(login.body.user.id, user.id, 'by password')
    const person = await server.person()
    t.equal((await server.call(person, 'GET', '/v1/auth/me')).status, 200, 'by a token of another system')
    const device = { id: 'laptop', platform: 'web' }
    t.equal((await server.call(undefined, 'POST', '/v1/auth/qr', { device })).status, 201, 'by a QR code')
  }
)

t.test(
  'S04 codes that are printed by hand where others reach the server are in the log alone, with a warning',
  async t => {
    const server = await startServer(t, { env: { HOST: '0.0.0.0', OTP_DELIVERY: 'log' } })
    for (const path of PLACES) t.notMatch((await ask(server, path)).text, /devCode|\d{6}"/, path)
    const said: [string, object][] = []
    const log = {
      info: (fields: object, message: string) => said.push([message, fields]),
      warn: (fields: object, message: string) => said.push([message, fields])
    }
    const delivery = await createDelivery(readConfig({ HOST: '0.0.0.0', OTP_DELIVERY: 'log' }), log)
    await delivery.deliver({ channel: 'sms', to: '+4915112345678', code: '123456', purpose: 'login' })
    t.match(said, [[/sign in as anybody/], [/printed/, { oneTimeCode: '123456' }]])
    t.match(await createDelivery(readConfig({ HOST: '0.0.0.0' }), log), { channels: [] })
    t.match(said[2], [/nobody gets one-time codes/])
  }
)
