import t, { type Test } from 'tap'
import { startServer, type TestServer } from '../kit/helper.ts'

const FORWARDED = { 'x-forwarded-for': '198.51.100.7' }

/** The warnings of a server from now on. */
function watchWarnings({ app }: TestServer): string[] {
  const warnings: string[] = []
  app.log.warn = (text: string) => void warnings.push(text)
  return warnings
}

async function untrusted(server: TestServer): Promise<number> {
  const { text } = await server.call(undefined, 'GET', '/metrics')
  return Number(/^parley_untrusted_forwarded_total (\d+)$/m.exec(text)?.[1])
}

const ask = async ({ app }: TestServer, remoteAddress: string, headers: Record<string, string> = FORWARDED) =>
  await app.inject({ url: '/health/live', remoteAddress, headers })

async function start(t: Test, TRUST_PROXY = ''): Promise<{ server: TestServer; warnings: string[] }> {
  const server = await startServer(t, { env: { TRUST_PROXY } })
  return { server, warnings: watchWarnings(server) }
}

t.test('S28: a proxy in the own network that is not trusted is warned of, once, and counted', async t => {
  const { server, warnings } = await start(t, '10.9.0.1')
  await ask(server, '10.9.0.1')
  await ask(server, '10.9.0.2', {})
  t.same([warnings, await untrusted(server)], [[], 0], 'not one that is trusted, nor who asks for nobody else')
  await ask(server, '203.0.113.9')
  t.same([warnings, await untrusted(server)], [[], 0], 'nor a stranger who forges the header')
  await ask(server, '::ffff:10.9.0.2')
  t.equal(warnings.length, 1)
  t.match(warnings[0], /TRUST_PROXY=10\.9\.0\.1,10\.9\.0\.2$/, 'it says what to set')
  t.equal(await untrusted(server), 1)
  for (const address of ['10.9.0.2', '192.168.0.9', 'fd00::9', '::1']) await ask(server, address)
  await ask(server, '127.0.0.1', { forwarded: 'for=198.51.100.7' })
  t.equal(warnings.length, 1, 'the others are counted')
  t.equal(await untrusted(server), 6)
})

t.test('S28: it is, whatever face is asked for first', async t => {
  for (const path of ['/socket.io/?EIO=4&transport=polling', '/ws', '/v1/events', '/nowhere']) {
    const { server, warnings } = await start(t)
    await server.call(undefined, 'GET', path, undefined, FORWARDED)
    t.match(warnings, [/TRUST_PROXY=127\.0\.0\.1$/], path)
    t.equal(await untrusted(server), 1)
  }
})

/** Ways in which proxies, and who forges their header, write addresses of one network. */
const ONE_NETWORK: Record<string, (count: number) => string> = {
  'an address': () => '203.0.113.5',
  'with a port': count => `203.0.113.7:${40_000 + count}`,
  'through two proxies, with ports': count => `203.0.113.8:${40_000 + count}, 10.0.0.7:${count}`,
  'no address': count => [`unknown-${count}`, `"203.0.113.11:${4_000 + count}"`][count % 2] ?? '',
  'IPv6 with a port': count => `[2001:db8:0:3::1]:${count}`,
  'many of a /64': count => `2001:db8:0:2::${count.toString(16)}`,
  'IPv4 as IPv6': count => `::ffff:203.0.113.12${count % 2 ? '' : ':1'}`.replace(/^(.*):1$/, '[$1]:1')
}

const BEHIND_TWO = { TRUST_PROXY: 'loopback,10.0.0.7' }

/** Statuses of requests from one network, as proxies write it, one after the other. */
async function repeat(times: number, ask: (count: number) => Promise<{ status: number }>): Promise<number[]> {
  const statuses: number[] = []
  for (let count = 1; count <= times; count++) statuses.push((await ask(count)).status)
  return statuses
}

t.test('U24: tries of passwords and registrations count by network, however a proxy writes it', async t => {
  const limits = { LIMITS_PASSWORD_TRIES_PER_ADDRESS: '3', LIMITS_REGISTRATIONS_PER_HOUR: '3' }
  const env = { ...limits, ...BEHIND_TWO, LIMITS_REGISTRATIONS_BURST: '3', TIMINGS_SLOW_TRY_MS: '250' }
  const server = await startServer(t, { env })
  const ways = Object.entries(ONE_NETWORK).map(async ([name, addressAt], way) => {
    const post = async (path: string, account: object, count: number) =>
      await server.call(undefined, 'POST', path, account, { 'x-forwarded-for': addressAt(count) })
    const register = async (count: number) =>
      await post('/v1/auth/register', { username: `way${way}_${count}`, password: 'long enough' }, count)
    t.same(await repeat(5, register), [201, 201, 201, 429, 429], `registrations: ${name}`)
    const login = async (count: number) =>
      await post('/v1/auth/login', { username: `nobody${way}_${count}`, password: 'wrong' }, count)
    t.same(await repeat(3, login), [401, 401, 401], `passwords: ${name}`)
    // The next ones wait, one after the other, and six may wait.
    const more = await Promise.all(Array.from({ length: 12 }, async (_, index) => (await login(10 + index)).status))
    t.ok(more.includes(429), `passwords: ${name}: ${more}`)
  })
  await Promise.all(ways)
})

t.test('U24: requests of who is not known count by network, however a proxy writes it', async t => {
  const server = await startServer(t, { env: { LIMITS_ANONYMOUS_REQUESTS_PER_MINUTE: '9', ...BEHIND_TWO } })
  for (const [name, addressAt] of Object.entries(ONE_NETWORK)) {
    const ask = async (count: number) =>
      await server.call(undefined, 'GET', '/nowhere', undefined, { 'x-forwarded-for': addressAt(count) })
    t.same(await repeat(5, ask), [404, 404, 404, 429, 429], name)
  }
})

t.test('U24: a program without a device id is the same behind a proxy that adds ports', async t => {
  const server = await startServer(t, { env: BEHIND_TWO })
  const ann = await server.person()
  const from = (port: number) => ({ 'x-forwarded-for': `203.0.113.7:${port}`, 'user-agent': 'Laptop' })
  const { body } = await server.call(undefined, 'POST', '/api/auth/qr', {}, from(40_001))
  await server.call(ann, 'POST', `/api/auth/qr/${body.qrToken}/approve`, {})
  const login = { qrToken: body.qrToken }
  t.equal((await server.call(undefined, 'POST', '/api/auth/login', login, from(40_002))).status, 200)
})
