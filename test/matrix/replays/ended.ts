import type { Test } from 'tap'
import { PASSWORD, type TestServer } from '../../kit/helper.ts'
import { PacketClient, type PacketOptions } from '../../kit/packet-client.ts'
import { SocketClient } from '../../kit/socket-client.ts'
import { StreamClient } from '../../kit/stream-client.ts'
import { codeOf } from '../routes/table.ts'
import { newPhone, type Row } from './row.ts'

const NEW_PASSWORD = 'another long secret'

/** Something in each app that needs a token. */
const PROBES = [
  ['mobile', '/mobile/users/me'],
  ['mobile at /', '/users/me'],
  ['unified', '/unified/auth/me'],
  ['unified at /', '/auth/me'],
  ['chatapp', '/api/conversations'],
  ['reals2chat', '/api/friends'],
  ['taatom', '/api/v1/chat'],
  ['canonical', '/v1/auth/me']
] as const

/** Socket options of each app. */
const SOCKETS: readonly ((token: string) => PacketOptions)[] = [
  token => ({ namespace: '/mobile', auth: { token } }),
  token => ({ auth: { token } }),
  token => ({ namespace: '/chatapp', auth: { token } }),
  token => ({ query: { token } }),
  token => ({ namespace: '/app', auth: { token } })
]
const STREAMS = ['/v1/events', '/api/sse'] as const

/** Devices of one person, by the tokens of each. */
interface Devices {
  readonly phone: string
  readonly one: string
  readonly other: string
}

/** Request that ends sessions: of which of the two devices, and how. Done on the first. */
interface End {
  readonly what: string
  readonly ends: readonly (keyof Omit<Devices, 'phone'>)[]
  run(server: TestServer, devices: Devices): Promise<number>
}

const post = async (server: TestServer, token: string, path: string, body?: object) =>
  (await server.call({ token }, 'POST', path, body)).status

const sessions = async (server: TestServer, token: string) =>
  (await server.call({ token }, 'GET', '/v1/sessions')).body.sessions as { id: string; device?: { id: string } }[]

const ENDS: readonly End[] = [
  {
    what: 'after signing out',
    ends: ['one'],
    run: async (server, { one }) => await post(server, one, '/v1/auth/logout')
  },
  {
    what: 'after signing out everywhere',
    ends: ['one', 'other'],
    run: async (server, { one }) => await post(server, one, '/v1/auth/logout-everywhere')
  },
  {
    what: 'after another device signed it out',
    ends: ['other'],
    run: async (server, { one }) => {
      const other = (await sessions(server, one)).find(({ device }) => device?.id === 'laptop')
      return (await server.call({ token: one }, 'DELETE', `/v1/sessions/${other?.id}`)).status
    }
  },
  {
    what: 'after another device signed the others out',
    ends: ['other'],
    run: async (server, { one }) => (await server.call({ token: one }, 'DELETE', '/v1/sessions')).status
  },
  {
    what: 'after another device changed the password',
    ends: ['other'],
    run: async (server, { one }) =>
      await post(server, one, '/v1/auth/password', { currentPassword: PASSWORD, newPassword: NEW_PASSWORD })
  },
  {
    what: 'after the password was reset',
    ends: ['one', 'other'],
    run: async (server, { phone }) => {
      const { devCode: code } = (await server.call(undefined, 'POST', '/v1/auth/otp', { purpose: 'reset', phone })).body
      const reset = { phone, code, newPassword: NEW_PASSWORD }
      return (await server.call(undefined, 'POST', '/v1/auth/password/reset', reset)).status
    }
  }
]

/**
 * Sign in a person with a password on two devices: through unified, and by a picture through chatapp, which a third
 * one lets in, because a device ends with the one that has let it in.
 */
async function signIn(server: TestServer): Promise<Devices> {
  const phone = newPhone()
  const { accessToken } = await server.signUp({ phone })
  const { token: one } = (await server.call(undefined, 'POST', '/auth/login', { phone, password: PASSWORD })).body.data
  const deviceInfo = { deviceId: 'laptop' }
  const { qrToken } = (await server.call(undefined, 'POST', '/api/auth/qr', { deviceInfo })).body
  await server.call({ token: accessToken }, 'POST', `/api/auth/qr/${qrToken}/approve`)
  const { token: other } = (await server.call(undefined, 'POST', '/api/auth/login', { qrToken, deviceInfo })).body
  return { phone, one, other }
}

/** A token that is good opens everything. @returns what waits until all of it has ended */
async function openAll(t: Test, server: TestServer, token: string): Promise<() => Promise<unknown>> {
  for (const [face, path] of PROBES) t.equal((await server.call({ token }, 'GET', path)).status, 200, face)
  const packets = await Promise.all(
    SOCKETS.map(async optionsFor => await PacketClient.open(t, server.url, optionsFor(token)))
  )
  const streams = await Promise.all(
    STREAMS.map(async path => await StreamClient.open(t, server.url + path, { authorization: `Bearer ${token}` }))
  )
  await Promise.all(streams.map(async stream => await stream.hear('ready')))
  const socket = await server.connect({ token })
  const ends = [
    ...packets.map(({ socket: it }) => new Promise(resolve => it.once('disconnect', resolve))),
    ...streams.map(({ ended }) => ended),
    socket.closed
  ]
  return async () => await Promise.all(ends)
}

/** A token that is over opens nothing. */
async function requireDead(t: Test, server: TestServer, token: string): Promise<void> {
  for (const [face, path] of PROBES) {
    const { status, body } = await server.call({ token }, 'GET', path)
    t.same([status, codeOf(body)], [401, 'session_revoked'], face)
  }
  for (const optionsFor of SOCKETS) {
    const options = optionsFor(token)
    const refusal = await PacketClient.open(t, server.url, options).catch((error: unknown) => error)
    t.match(refusal, { data: { code: 'session_revoked' } }, `a socket of ${options.namespace ?? '/'}`)
  }
  for (const path of STREAMS) {
    const stream = await StreamClient.open(t, server.url + path, { authorization: `Bearer ${token}` })
    t.equal(stream.response.statusCode, 401, path)
  }
  const socket = await SocketClient.open(`${server.url.replace('http', 'ws')}/ws`)
  t.match(await socket.refused('hello', { token }), { code: 'session_revoked' }, '/ws')
  socket.terminate()
}

/** Rows of ended sessions: open connections end, and none opens, in any app; others go on. */
export const ENDED: readonly Row[] = ENDS.map(({ what, ends, run }) => ({
  face: 'every app',
  what: `an access token is dead ${what}`,
  run: async (t, { server }) => {
    const devices = await signIn(server)
    const untilEnded = await Promise.all(ends.map(async name => await openAll(t, server, devices[name])))
    t.equal(await run(server, devices), 204)
    for (const ended of untilEnded) await ended()
    for (const name of ends) await requireDead(t, server, devices[name])
    const left = (['one', 'other'] as const).filter(name => !ends.includes(name))
    for (const name of left) await openAll(t, server, devices[name])
  }
}))
