import t, { type Test } from 'tap'
import type { SignedIn } from '../../protocol/accounts/entities.ts'
import { openDatabase } from '../kit/databases.ts'
import { joinServer, ownDatabase, startServer, type TestServer } from '../kit/helper.ts'
import { StreamClient } from '../kit/stream-client.ts'

const REFUSED = { status: 401, body: { error: { code: 'session_revoked' } } }

const refresh = async (server: TestServer, { refreshToken }: Pick<SignedIn, 'refreshToken'>, path = '/v1') =>
  await server.call(undefined, 'POST', `${path}/auth/refresh`, { refreshToken })

/** The sessions of a server as if they had been refreshed a day ago. */
async function sessionsOfYesterday(t: Test, { uri }: TestServer) {
  const sessions = (await openDatabase(t, uri)).db().collection('sessions')
  return {
    sessions,
    age: async () => await sessions.updateMany({}, { $set: { rotatedAt: new Date(Date.now() - 86_400_000) } })
  }
}

t.test('U21: a refresh whose answer was lost may be repeated on any server, and nobody is signed out', async t => {
  const uri = ownDatabase(t)
  const [server, other] = [await startServer(t, { uri }), await startServer(t, { uri })]
  const first = await server.signUp()
  const socket = await server.connect({ token: first.accessToken })
  const { body: lost } = await refresh(server, first)
  const { age } = await sessionsOfYesterday(t, server)
  await age()
  t.equal((await server.call({ token: first.accessToken }, 'GET', '/v1/users/me')).status, 200)
  const restarted = await startServer(t, { uri })
  for (const it of [server, other, restarted]) {
    for (const path of ['/v1', '/api']) {
      t.match(await refresh(it, first, path), { status: 200, body: { refreshToken: lost.refreshToken } })
    }
  }
  t.ok(await socket.ask('ping'), 'the socket stays')
  const { body: second } = await refresh(other, first)
  t.equal((await restarted.call({ token: second.accessToken }, 'GET', '/v1/users/me')).status, 200)
  t.match(await refresh(server, first), REFUSED, 'it was used, on another server')
  t.match(await refresh(server, lost), REFUSED)
  t.equal((await server.call({ token: second.accessToken }, 'GET', '/v1/users/me')).status, 401)
})

/** Ways to use an access token. */
const USES: Readonly<Record<string, (t: Test, server: TestServer, token: string) => Promise<unknown>>> = {
  'a request': async (_, server, token) => await server.call({ token }, 'GET', '/v1/users/me'),
  'a request of an app': async (_, server, token) => await server.call({ token }, 'GET', '/mobile/conversations'),
  'a socket': async (_, server, token) => await server.connect({ token }),
  'an event stream': async (t, server, token) => {
    const stream = await StreamClient.open(t, `${server.url}/v1/events`, { authorization: `Bearer ${token}` })
    await stream.hear('ready')
  }
}

t.test('U21: once the access token of the answer has come in, a repeat ends the session', async t => {
  const server = await joinServer(t)
  const { age } = await sessionsOfYesterday(t, server)
  for (const [use, run] of Object.entries(USES)) {
    const first = await server.signUp()
    const { body: second } = await refresh(server, first)
    await age()
    await run(t, server, second.accessToken)
    t.match(await refresh(server, first), REFUSED, use)
    t.match(await refresh(server, second), REFUSED)
  }
})

t.test('U21: moments after the trade two tabs get the same, though one uses it at once', async t => {
  const server = await joinServer(t)
  const first = await server.signUp()
  const { body: second } = await refresh(server, first)
  t.equal((await server.call({ token: second.accessToken }, 'GET', '/v1/users/me')).status, 200)
  t.match(await refresh(server, first), { status: 200, body: { refreshToken: second.refreshToken } })
  await refresh(server, second)
  t.match(await refresh(server, first), REFUSED, 'the successor was traded')
})

t.test('U21: a session of an older version, which noted no use, ends by a repeat as it did', async t => {
  const server = await joinServer(t)
  const { sessions, age } = await sessionsOfYesterday(t, server)
  const first = await server.signUp()
  await refresh(server, first)
  await sessions.updateMany({}, { $unset: { usedGeneration: '' } })
  t.equal((await refresh(server, first)).status, 200, 'for ten seconds it may be repeated')
  await age()
  t.match(await refresh(server, first), REFUSED)
})
