import t from 'tap'
import { PASSWORD, startServer, type TestServer } from '../kit/helper.ts'

const WRONG = 'a wrong password'
const HOME = '203.0.113.1'
const env = { LIMITS_PASSWORD_TRIES: '3', LIMITS_PASSWORD_TRIES_PER_ADDRESS: '10', TIMINGS_SLOW_TRY_MS: '20' }

async function login(server: TestServer, username: string, password: string, remoteAddress: string) {
  const payload = { username, password }
  const response = await server.app.inject({ method: 'POST', url: '/v1/auth/login', payload, remoteAddress })
  return { status: response.statusCode, body: response.json(), headers: response.headers }
}

t.test('S13 a stranger’s wrong passwords keep nobody out, on another network or on the same', async t => {
  const server = await startServer(t, { env })
  await server.signUp({ username: 'ada' })
  const stranger = '198.51.100.7'
  for (let tried = 0; tried < 8; tried++) t.equal((await login(server, 'ada', WRONG, stranger)).status, 401)
  t.equal((await login(server, 'ada', PASSWORD, HOME)).status, 200, 'from elsewhere')
  t.equal((await login(server, 'ADA', PASSWORD, stranger)).status, 200, 'from the same network, in any spelling')
  t.equal((await login(server, 'ada', WRONG, stranger)).status, 401)
})

t.test(
  'S13 strangers of many networks are refused at last, and networks that the name signed in from are not',
  async t => {
    const server = await startServer(t, { env })
    await server.signUp({ username: 'ada' })
    t.equal((await login(server, 'ada', PASSWORD, HOME)).status, 200)
    for (let network = 0; network < 10; network++) {
      for (let tried = 0; tried < 3; tried++) {
        t.equal((await login(server, 'ada', WRONG, `198.51.100.${network}`)).status, 401)
      }
    }
    const refused = await login(server, 'ada', PASSWORD, '198.51.100.200')
    t.match(refused, { status: 429, body: { error: { code: 'rate_limited', retry: 'later' } } })
    t.ok(Number(refused.headers['retry-after']) > 800)
    for (let tried = 0; tried < 5; tried++) t.equal((await login(server, 'ada', WRONG, HOME)).status, 401)
    t.equal((await login(server, 'ada', PASSWORD, HOME)).status, 200, 'at home one is let try')
    await server.signUp({ username: 'bob' })
    t.equal((await login(server, 'bob', PASSWORD, '198.51.100.200')).status, 200, 'another name is not concerned')
  }
)

t.test('S13 S22 one stranger, whatever networks of a site they have, closes a name to no other', async t => {
  const server = await startServer(t, { env: { ...env, TIMINGS_SLOW_TRY_MS: '1' } })
  await server.signUp({ username: 'ada' })
  for (const address of [() => '198.51.100.7', (tried: number) => `2001:db8:1:${tried.toString(16)}::1`]) {
    const statuses = []
    for (let tried = 0; tried < 32; tried++) statuses.push((await login(server, 'ada', WRONG, address(tried))).status)
    t.same(statuses, [...Array(30).fill(401), 429, 429], 'the first one beyond')
  }
  t.equal((await login(server, 'ada', PASSWORD, '198.51.100.8')).status, 200, 'the neighbour')
  t.equal((await login(server, 'ada', PASSWORD, '2001:db8:2::1')).status, 200)
})

t.test('S13 wrong passwords for many names slow a network down, and close it to nobody', async t => {
  const server = await startServer(t, { env })
  for (const username of ['ada', 'bob']) await server.signUp({ username })
  const school = '198.51.100.9'
  t.equal((await login(server, 'ada', PASSWORD, school)).status, 200)
  for (let name = 0; name < 12; name++) t.equal((await login(server, `nobody-${name}`, WRONG, school)).status, 401)
  for (const username of ['ada', 'bob'])
    t.equal((await login(server, username, PASSWORD, school)).status, 200, username)
})

t.test('S13 tries that wait are few, and who comes when too many wait is told when to come again', async t => {
  const server = await startServer(t, { env: { ...env, TIMINGS_SLOW_TRY_MS: '150' } })
  await server.signUp({ username: 'ada' })
  const stranger = '198.51.100.7'
  const tries = Array.from({ length: 30 }, async () => await login(server, 'ada', WRONG, stranger))
  const answers = await Promise.all(tries)
  const statuses = answers.map(({ status }) => status)
  t.ok(statuses.filter(status => status === 401).length >= 3 + 1 + 5, 'at once, at its turn, in the line')
  t.same(new Set(statuses), new Set([401, 429]))
  t.match(answers.find(({ status }) => status === 429)?.body, { error: { code: 'rate_limited', retryAfterMs: 150 } })
  t.equal((await login(server, 'ada', PASSWORD, stranger)).status, 200, 'the moment after')
})

t.test('S23 right passwords that are under way are no wrong ones', async t => {
  const server = await startServer(t, { env })
  const names = Array.from({ length: 24 }, (_, index) => `person${index}`)
  for (const username of names) await server.signUp({ username })
  const answers = await Promise.all(names.map(async name => await login(server, name, PASSWORD, HOME)))
  t.same(new Set(answers.map(({ status }) => status)), new Set([200]))
})
