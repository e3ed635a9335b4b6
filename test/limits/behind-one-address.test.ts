import t from 'tap'
import { mintToken, PASSWORD, startServer } from '../kit/helper.ts'
import { StreamClient } from '../kit/stream-client.ts'

const LIMIT = 40
const env = {
  LIMITS_ANONYMOUS_REQUESTS_PER_MINUTE: String(LIMIT),
  LIMITS_PASSWORD_TRIES: '3',
  TIMINGS_SLOW_TRY_MS: '5'
}
const MANY = Array.from({ length: LIMIT + 10 }, (_, index) => index)

t.test('S12 who is known is counted by who they are, and a neighbour still signs in', async t => {
  const server = await startServer(t, { env })
  const ann = await server.signUp({ username: 'ann' })
  const people = await Promise.all(MANY.map(async index => await mintToken(index.toString(16).padStart(24, 'a'))))
  for (const path of ['/v1/events', '/api/sse']) {
    const streams = await Promise.all(
      people.map(async (token, index) =>
        index % 2 === 0
          ? await StreamClient.open(t, server.url + path, { authorization: `Bearer ${token}` })
          : await StreamClient.open(t, `${server.url}${path}?token=${token}`)
      )
    )
    t.same(new Set(streams.map(({ response }) => response.statusCode)), new Set([200]), path)
    for (const stream of streams) stream.cut()
  }
  const statuses = async (ask: (index: number) => Promise<{ status: number }>) =>
    new Set(await Promise.all(MANY.map(async index => (await ask(index)).status)))
  const token = people[0] ?? ''
  t.same(await statuses(async () => await server.call({ token }, 'GET', '/v1/not/there/yet')), new Set([404]))
  const expired = await mintToken('b'.repeat(24), {}, -10)
  t.same(await statuses(async () => await server.call({ token: expired }, 'GET', '/v1/users/me')), new Set([401]))
  const gone = await server.signUp({ username: 'gone' })
  await server.call({ token: gone.accessToken }, 'POST', '/v1/auth/logout')
  t.same(
    await statuses(async () => await server.call({ token: gone.accessToken }, 'GET', '/v1/users/me')),
    new Set([401])
  )
  let { refreshToken } = ann
  for (const index of MANY) {
    const path = index % 2 === 0 ? '/v1/auth/refresh' : '/api/auth/refresh'
    const { status, body } = await server.call(undefined, 'POST', path, { refreshToken })
    t.equal(status, 200, path)
    refreshToken = body.refreshToken
  }
  for (const wrong of MANY.slice(0, 6)) {
    const answer = await server.call(undefined, 'POST', '/v1/auth/refresh', { refreshToken: `wrong ${wrong}` })
    t.equal(answer.status, 401)
  }
  t.equal(
    (await server.call(undefined, 'POST', '/v1/auth/refresh', { refreshToken })).status,
    200,
    'wrong ones of others'
  )
  const login = await server.call(undefined, 'POST', '/v1/auth/login', { username: 'ann', password: PASSWORD })
  t.equal(login.status, 200, 'a neighbour signs in')
})

t.test('S12 S22 where nobody is known a network is counted, and no other', async t => {
  const server = await startServer(t, { env })
  const ask = async (remoteAddress: string, headers: Record<string, string> = {}) =>
    (await server.app.inject({ url: '/v1/auth/qr/x', remoteAddress, headers })).statusCode
  const addresses = (index: number) => [`2001:db8:1:2::${index.toString(16)}`, '198.51.100.7']
  for (const which of [0, 1]) {
    const answers = []
    for (const index of MANY) answers.push(await ask(addresses(index)[which] ?? ''))
    t.equal(answers.indexOf(429), LIMIT, 'the first one beyond the limit')
    t.ok(answers.slice(LIMIT).every(status => status === 429))
  }
  for (const other of ['2001:db8:1:3::1', '198.51.100.8']) t.not(await ask(other), 429, other)
  const person = await server.person()
  const headers = { authorization: `Bearer ${person.token}` }
  t.not(await ask('198.51.100.7', headers), 429, 'who is known goes on')
  t.equal(await ask('198.51.100.7', { authorization: 'Bearer rubbish' }), 429)
})
