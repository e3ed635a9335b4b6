import { execFile } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { CLOSE } from '../../protocol/close.ts'
import { openDatabase } from '../kit/databases.ts'
import { mintToken, ownDatabase, PASSWORD, startServer, type TestServer, TOGETHER, testEnv } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'
import { StreamClient } from '../kit/stream-client.ts'

const run = promisify(execFile)

/** Runs `parley` on a database. */
async function parley(uri: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env['PATH'] ?? '', ...testEnv(uri) }
  try {
    return { code: 0, ...(await run(process.execPath, ['dist/server/main.js', ...args], { env, timeout: 60_000 })) }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, stdout, stderr }
  }
}

/** An admin, and somebody else who has signed in. */
async function startWithAdmin(t: Test, uri = ownDatabase(t)) {
  const server = await startServer(t, { uri, ...TOGETHER })
  const [admin, ben] = [await server.signUp({ username: 'admin' }), await server.signUp({ username: 'ben' })]
  t.match(await parley(uri, 'admin', 'role', 'admin', 'admin'), { code: 0, stdout: /^admin \(user_\w+\) / })
  return { server, uri, admin: { token: admin.accessToken }, ben: { ...ben, token: ben.accessToken } }
}

/** A connection of each kind. @returns what closes each */
async function connectAll(t: Test, server: TestServer, token: string): Promise<(() => Promise<unknown>)[]> {
  const socket = await server.connect({ token })
  const stream = await StreamClient.open(t, `${server.url}/v1/events`, { authorization: `Bearer ${token}` })
  await stream.hear('ready')
  const packets = await PacketClient.open(t, server.url, { namespace: '/unified', auth: { token } })
  const left = new Promise(resolve => packets.socket.once('disconnect', resolve))
  return [async () => await socket.closed, async () => await stream.ended, async () => await left]
}

t.test('S25: who is disabled is cut off on every face and every server, and comes in nowhere', async t => {
  const { server, uri, admin, ben } = await startWithAdmin(t)
  const elsewhere = await startServer(t, { uri, ...TOGETHER })
  const foreign = await mintToken(ben.user.id.slice('user_'.length))
  const closings = [
    ...(await connectAll(t, server, ben.token)),
    ...(await connectAll(t, elsewhere, ben.token)),
    ...(await connectAll(t, elsewhere, foreign))
  ]
  const [here, there] = [await server.connect({ token: ben.token }), await elsewhere.connect({ token: foreign })]
  const neighbour = await elsewhere.connect(admin)
  t.equal((await server.call(admin, 'POST', `/v1/admin/users/${ben.user.id}/disable`)).status, 204)
  for (const { closed } of [here, there]) {
    t.same(await closed, { code: CLOSE.account_disabled, reason: 'account_disabled' })
  }
  for (const closing of closings) await closing()
  for (const [place, token] of [
    [server, ben.token],
    [server, foreign],
    [elsewhere, ben.token],
    [elsewhere, foreign]
  ] as const) {
    const answer = await place.call({ token }, 'GET', '/v1/users/me')
    t.match(answer.body.error.code, /^(account_disabled|session_revoked)$/)
    await t.rejects(place.connect({ token }))
  }
  const login = { username: 'ben', password: PASSWORD }
  t.match(await server.call(undefined, 'POST', '/v1/auth/login', login), { status: 403 })
  const { refreshToken } = ben
  t.match(await elsewhere.call(undefined, 'POST', '/v1/auth/refresh', { refreshToken }), { status: 401 })
  t.match(await neighbour.ask('ping'), { serverTime: String }, 'others stay connected')

  t.equal((await elsewhere.call(admin, 'POST', `/v1/admin/users/${ben.user.id}/enable`)).status, 204)
  t.match(await server.call(undefined, 'POST', '/v1/auth/login', login), { status: 200 })
  t.match(await server.call({ token: foreign }, 'GET', '/v1/users/me'), { status: 200 })
  t.match(await server.call({ token: ben.token }, 'GET', '/v1/users/me'), { status: 401 }, 'old sessions stay ended')
})

t.test('S25: only an admin disables, not themself, and only who is there', async t => {
  const { server, uri, admin, ben } = await startWithAdmin(t)
  const { id } = (await server.call(admin, 'GET', '/v1/users/me')).body
  const disable = async (who: { token: string } | undefined, userId: string) => {
    const { status, body } = await server.call(who, 'POST', `/v1/admin/users/${userId}/disable`)
    return [status, body?.error.code]
  }
  t.same(await disable(undefined, ben.user.id), [401, 'unauthenticated'])
  t.same(await disable(ben, id), [403, 'forbidden'])
  t.same(await disable(admin, id), [400, 'invalid'])
  t.same(await disable(admin, `user_${'0'.repeat(24)}`), [404, 'not_found'])
  t.same(await disable(admin, 'user_nobody'), [400, 'invalid'])
  t.match(await server.call(ben, 'GET', '/v1/users/me'), { status: 200 }, 'nothing has happened')
  t.match(await parley(uri, 'admin', 'role', 'admin', 'user'), { code: 0 })
  t.same(await disable(admin, ben.user.id), [403, 'forbidden'], 'a role that was taken away counts at once')
})

t.test('S25: `parley disable` works beside running servers, by any name, and says what it did', async t => {
  const { server, uri, ben } = await startWithAdmin(t)
  const [ann, socket] = [await server.signUp({ username: 'ann', phone: '+4915112345678' }), await server.connect(ben)]
  t.same(await parley(uri, 'disable', 'Ben'), {
    code: 0,
    stdout: `ben (${ben.user.id}) is disabled\n`,
    stderr: ''
  })
  t.same(await socket.closed, { code: CLOSE.account_disabled, reason: 'account_disabled' })
  const answered = await parley(uri, 'disable', '+49 151 12345678', '--json')
  t.same(JSON.parse(answered.stdout), { id: ann.user.id, isDisabled: true })
  t.same(JSON.parse((await parley(uri, 'enable', ann.user.id, '--json')).stdout), {
    id: ann.user.id,
    isDisabled: false
  })
  t.match(await server.call(undefined, 'POST', '/v1/auth/login', { username: 'ann', password: PASSWORD }), {
    status: 200
  })
  t.match(await parley(uri, 'disable', 'nobody'), { code: 1, stdout: '', stderr: 'There is no such user\n' })
  t.match(await parley(uri, 'disable'), { code: 2, stdout: '', stderr: /missing required argument 'person'/ })
  t.match(await parley(uri, 'admin', 'role', 'ann', 'king'), { code: 2, stderr: /Allowed choices are user, admin/ })
  t.match(await parley(uri, 'dance'), { code: 2, stderr: /unknown command 'dance'/ })
  t.match(await parley(uri, '--help'), { code: 0, stdout: /disable .*enable .*admin/s })
})

t.test('what somebody has scheduled is not sent while they are disabled, and they find it refused', async t => {
  const { server, admin, ben } = await startWithAdmin(t)
  const open = { type: 'direct', userId: ben.user.id }
  const { id } = (await server.call(admin, 'POST', '/v1/conversations', open)).body
  const plan = { clientId: 'c', text: 'Later', sendAt: new Date(Date.now() + 2_500).toISOString() }
  const path = `/v1/conversations/${id}`
  t.equal((await server.call(ben, 'POST', `${path}/scheduled-messages`, plan)).status, 201)
  t.equal((await server.call(admin, 'POST', `/v1/admin/users/${ben.user.id}/disable`)).status, 204)
  const client = await openDatabase(t, server.uri)
  const refused = { status: 'refused', 'refusal.code': 'account_disabled' }
  while ((await client.db().collection('scheduledMessages').countDocuments(refused)) === 0) await pause(50)
  t.same((await server.call(admin, 'GET', `${path}/messages`)).body.messages, [])
})
