import t from 'tap'
import { DEFAULT_LIMITS } from '../../protocol/limits.ts'
import { setClock } from '../kit/clock.ts'
import { PASSWORD, startServer, type TestServer } from '../kit/helper.ts'

const SCHOOL = '203.0.113.1'
let names = 0

async function register({ app }: TestServer, remoteAddress: string) {
  names += 1
  const payload = { username: `pupil${names}`, password: PASSWORD }
  const response = await app.inject({ method: 'POST', url: '/v1/auth/register', payload, remoteAddress })
  return { status: response.statusCode, body: response.json(), retryAfter: Number(response.headers['retry-after']) }
}

t.test('S13: a class of 61 behind one address makes its accounts at once', async t => {
  const env = { LIMITS_REGISTRATIONS_BURST: String(DEFAULT_LIMITS.registrationsBurst) }
  const server = await startServer(t, { env })
  const answers = await Promise.all(Array.from({ length: 61 }, async () => await register(server, SCHOOL)))
  t.same(new Set(answers.map(({ status }) => status)), new Set([201]))
})

t.test('S13: a flood of accounts is refused, and only where it comes from', async t => {
  const server = await startServer(t, { env: { LIMITS_REGISTRATIONS_BURST: '3' } })
  const pass = setClock(t, { isStopped: true })
  for (let made = 0; made < 3; made++) t.equal((await register(server, SCHOOL)).status, 201)
  t.match(await register(server, SCHOOL), { status: 429, retryAfter: 60, body: { error: { code: 'rate_limited' } } })
  t.equal((await register(server, '203.0.113.2')).status, 201, 'the neighbour')
  pass(60_000)
  t.equal((await register(server, SCHOOL)).status, 201, 'the moment after')
  t.equal((await register(server, SCHOOL)).status, 429)
})

t.test('S13: the first address that somebody proves gives the place of their account back', async t => {
  const server = await startServer(t, { env: { LIMITS_REGISTRATIONS_BURST: '2' } })
  setClock(t, { isStopped: true })
  const local = '127.0.0.1'
  for (let made = 0; made < 10; made++) {
    const { status, body } = await register(server, local)
    t.equal(status, 201)
    await server.prove(body, { email: `pupil${made}@school.example` })
  }
  const { body } = await register(server, local)
  await server.prove(body, { email: 'first@school.example' })
  await server.prove(body, { email: 'second@school.example' })
  const statuses = []
  for (let made = 0; made < 3; made++) statuses.push((await register(server, local)).status)
  t.same(statuses, [201, 201, 429], 'one place for one account')
})
