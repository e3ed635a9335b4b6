import t from 'tap'
import { setClock } from '../kit/clock.ts'
import { mintToken, PASSWORD, startServer, type TestServer } from '../kit/helper.ts'
import { StreamClient } from '../kit/stream-client.ts'

const LIMIT = 60
/** A third may come at once. */
const BURST = 20
/** A proxy that says where a request comes from, with the port too. */
const PROXY = '10.200.0.1'
const env = {
  TRUST_PROXY: PROXY,
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
  const pass = setClock(t, { isStopped: true })
  const ask = asker(server)
  const addresses = (index: number) => [`2001:db8:1:2::${index.toString(16)}`, `198.51.100.7:${10_000 + index}`]
  for (const which of [0, 1]) {
    const answers = []
    for (const index of MANY) answers.push((await ask(addresses(index)[which] ?? '')).status)
    t.equal(answers.indexOf(429), BURST, 'the first one beyond the limit')
    t.ok(answers.slice(BURST).every(status => status === 429))
  }
  for (const other of ['2001:db8:1:3::1', '198.51.100.8']) t.not((await ask(other)).status, 429, other)
  const headers = { authorization: `Bearer ${await mintToken('c'.repeat(24))}` }
  t.not((await ask('198.51.100.7', headers)).status, 429, 'who is known goes on')
  const refused = await ask('::ffff:198.51.100.7', { authorization: 'Bearer rubbish' })
  t.match(refused, { status: 429, retryAfter: 1 }, 'until there is one again')
  pass(1_000)
  t.not((await ask('198.51.100.7')).status, 429, 'the moment after')
})

t.test('S22: wider networks of an IPv6 address allow four and sixteen times as much, and no more', async t => {
  const limit = 3
  const env = { TRUST_PROXY: PROXY, LIMITS_ANONYMOUS_REQUESTS_PER_MINUTE: String(3 * limit) }
  const server = await startServer(t, { env })
  setClock(t, { isStopped: true })
  const ask = asker(server)
  const grantedTo = async (address: (index: number) => string) => {
    let granted = 0
    for (const index of MANY) if ((await ask(address(index))).status !== 429) granted += 1
    return granted
  }
  t.equal(await grantedTo(index => `2001:db8:1:${index.toString(16)}::1`), 4 * limit, 'one each of networks of a /56')
  t.equal(await grantedTo(index => `2001:db8:1:${(index + 1).toString(16)}00::1`), 12 * limit, 'the rest of the /48')
  t.not((await ask('2001:db8:2::1')).status, 429, 'the neighbour')
})

t.test('S22: thousands of other addresses make nobody forget who has used up their requests', async t => {
  const server = await startServer(t, { env: { ...env, LIMITS_ANONYMOUS_REQUESTS_PER_MINUTE: '1' } })
  setClock(t, { isStopped: true })
  const ask = asker(server)
  const first = '198.51.100.7'
  await ask(first)
  t.equal((await ask(first)).status, 429)
  for (let index = 0; index < 5_200; index++) await ask(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`)
  t.equal((await ask(first)).status, 429)
})

/** Requests of nobody from an address. */
function asker({ app }: TestServer) {
  return async (address: string, headers: Record<string, string> = {}) => {
    const { statusCode, headers: answered } = await app.inject({
      url: '/v1/auth/qr/x',
      remoteAddress: PROXY,
      headers: { ...headers, 'x-forwarded-for': address }
    })
    return { status: statusCode, retryAfter: Number(answered['retry-after']) }
  }
}
