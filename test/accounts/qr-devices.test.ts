import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { openDatabase } from '../kit/databases.ts'
import { startServer, type TestServer } from '../kit/helper.ts'

const LAPTOP = { id: 'browser-1', platform: 'web', name: 'Firefox' }
const NOT_VALID = { status: 401, body: { error: { code: 'unauthenticated' } } }
const NO_CODE = { status: 404, body: { error: { code: 'not_found' } } }

const newSecret = () => randomBytes(32).toString('base64url')
const login = async (server: TestServer, token: string, deviceSecret: unknown, deviceId = LAPTOP.id) =>
  await server.call(undefined, 'POST', `/v1/auth/qr/${token}/login`, { deviceId, deviceSecret })
const look = async (server: TestServer, token: string, deviceSecret?: string) =>
  await server.call(
    ...([undefined, 'GET', `/v1/auth/qr/${token}`, undefined] as const),
    deviceSecret === undefined ? {} : { 'device-secret': deviceSecret }
  )
const watch = async (server: TestServer, token: string, headers: Record<string, string>) => {
  const response = await fetch(`${server.url}/v1/auth/qr/${token}/events`, { headers })
  await response.body?.cancel()
  return response.status
}

async function scene(t: Test) {
  const server = await startServer(t)
  return { server, phone: { token: (await server.signUp()).accessToken } }
}

t.test('S20: who has the picture and the id of its device gets nothing without the secret', async t => {
  const { server, phone } = await scene(t)
  const { body } = await server.call(undefined, 'POST', '/v1/auth/qr', { device: LAPTOP })
  const { token, url, matchCode, deviceSecret } = body
  t.match(deviceSecret, /^[A-Za-z0-9_-]{43}$/)
  t.equal(url, `parley:qr:${token}`, 'the secret is not in the picture')
  const tryAll = async () => {
    for (const secret of [newSecret(), token, `${deviceSecret.slice(0, -1)}!`, undefined, '', 7, null, {}]) {
      t.match((await login(server, token, secret)).status, /400|401/)
    }
    t.match(await login(server, token, newSecret()), NOT_VALID)
    t.match(await login(server, token, deviceSecret, 'browser-2'), NOT_VALID, 'nor with another id')
    const old = { qrToken: token, deviceInfo: { deviceId: LAPTOP.id } }
    t.equal((await server.call(undefined, 'POST', '/api/auth/login', old)).status, 401, 'nor by an app without one')
    t.match(await look(server, token, newSecret()), NO_CODE)
    t.match(await look(server, token), NOT_VALID, 'nor the moment of the approval')
    t.equal((await server.call(undefined, 'GET', `/api/auth/qr/${token}`)).status, 404)
    t.equal(await watch(server, token, {}), 401)
    t.equal(await watch(server, token, { 'device-secret': newSecret() }), 404)
  }
  await tryAll()
  t.match(await look(server, token, deviceSecret), { status: 200, body: { status: 'pending', matchCode } })
  t.match((await login(server, token, deviceSecret)).body, { error: { code: 'approval_pending' } })
  t.equal((await server.call(phone, 'POST', `/v1/auth/qr/${token}/approve`, { matchCode })).status, 200)
  await tryAll()
  t.match(await look(server, token, deviceSecret), { status: 200, body: { status: 'approved' } })
  t.equal(await watch(server, token, { 'device-secret': deviceSecret }), 200)
  t.equal(await watch(server, token, { authorization: `Bearer ${phone.token}` }), 200, 'who is signed in may ask')
  t.equal((await login(server, token, deviceSecret)).status, 200)
  t.match(await login(server, token, deviceSecret), NOT_VALID, 'once')
})

t.test('S20: a code of somebody is bound to the secret that its first device has made up', async t => {
  const { server, phone } = await scene(t)
  const stranger = await server.person()
  const { token, deviceSecret } = (await server.call(phone, 'POST', '/v1/auth/qr', {})).body
  t.equal(deviceSecret, undefined, 'it is not of the phone')
  const secret = newSecret()
  t.match((await login(server, token, secret)).body, { error: { code: 'approval_pending' } })
  t.match(await login(server, token, newSecret()), NOT_VALID, 'another device that says the same id')
  t.match(await look(server, token, newSecret()), NO_CODE)
  t.match(await server.call(stranger, 'GET', `/v1/auth/qr/${token}`), NO_CODE)
  const old = { qrToken: token, deviceInfo: { deviceId: LAPTOP.id } }
  t.equal((await server.call(undefined, 'POST', '/api/auth/login', old)).status, 401)
  const { matchCode } = (await look(server, token, secret)).body
  t.match((await server.call(phone, 'GET', `/v1/auth/qr/${token}`)).body, { status: 'scanned', matchCode })
  t.equal((await server.call(phone, 'POST', `/v1/auth/qr/${token}/approve`, { matchCode })).status, 200)
  t.match(await login(server, token, newSecret()), NOT_VALID)
  t.equal((await login(server, token, secret)).status, 200)
})

t.test('S20: without the match code nobody is approved', async t => {
  const { server, phone } = await scene(t)
  const { token, deviceSecret } = (await server.call(undefined, 'POST', '/v1/auth/qr', { device: LAPTOP })).body
  for (const body of [{}, { matchCode: '' }, { matchCode: 42 }, { matchCode: null }]) {
    const answer = await server.call(phone, 'POST', `/v1/auth/qr/${token}/approve`, body)
    t.match(answer, { status: 400, body: { error: { code: 'invalid' } } })
  }
  t.match(await look(server, token, deviceSecret), { status: 200, body: { status: 'pending' } })
})

t.test('S20: the secrets of devices are not in the database', async t => {
  const { server, phone } = await scene(t)
  const shown = (await server.call(undefined, 'POST', '/v1/auth/qr', { device: LAPTOP })).body
  const own = (await server.call(phone, 'POST', '/v1/auth/qr', {})).body
  const secret = newSecret()
  await login(server, own.token, secret)
  const stored = await (await openDatabase(t, server.uri)).db().collection('qrLogins').find().toArray()
  t.equal(stored.filter(({ proof }) => proof?.kind === 'secret' && proof.hash.length === 43).length, 2)
  for (const it of [shown.deviceSecret, secret]) t.notMatch(JSON.stringify(stored), it)
})
