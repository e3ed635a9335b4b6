import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { altered } from '../kit/altered.ts'
import { type Answer, PASSWORD, startServer, type TestServer } from '../kit/helper.ts'
import { StreamClient } from '../kit/stream-client.ts'

const DEVICE = { id: 'desk', platform: 'web', name: 'Firefox' }
/** More than any limit of one network was. */
const PAGES = 160
const POLLS = 60

interface Code {
  readonly token: string
  readonly deviceSecret: string
}

const secretOf = ({ deviceSecret }: Code) => ({ 'device-secret': deviceSecret })
const newCode = async (server: TestServer): Promise<Code> =>
  (await server.call(undefined, 'POST', '/v1/auth/qr', { device: DEVICE })).body
const look = async (server: TestServer, code: Code): Promise<Answer> =>
  await server.call(undefined, 'GET', `/v1/auth/qr/${code.token}`, undefined, secretOf(code))

/** A page of an app of ours: it shows a code, and hears of it or asks again and again. */
async function openPage(t: Test, server: TestServer, index: number): Promise<number[]> {
  const made = await server.call(undefined, 'POST', '/v1/auth/qr', { device: { ...DEVICE, id: `desk-${index}` } })
  const code: Code = made.body
  const path = `/v1/auth/qr/${code.token}`
  const drawn = await server.call(undefined, 'GET', `${path}/image?format=svg`)
  if (index % 4 === 0) {
    const stream = await StreamClient.open(t, `${server.url}${path}/events`, secretOf(code))
    await stream.hear('state')
    return [made.status, drawn.status, stream.response.statusCode ?? 0]
  }
  const login = { deviceId: `desk-${index}`, deviceSecret: code.deviceSecret }
  const asked = await askAgain(async () => await server.call(undefined, 'POST', `${path}/login`, login), index)
  return [made.status, drawn.status, ...asked]
}

/** A page of an app of document 2, which asks again and again. */
async function openOldPage(server: TestServer, index: number): Promise<number[]> {
  const deviceInfo = { deviceId: `old-desk-${index}` }
  const made = await server.call(undefined, 'POST', '/api/auth/qr', { deviceInfo })
  const { qrToken, url } = made.body
  const drawn = await server.call(undefined, 'GET', `/v1/auth/qr/${qrToken}/image?format=svg`)
  const login = { qrToken: url, deviceInfo }
  return [
    ...[made.status, drawn.status],
    ...(await askAgain(async () => await server.call(undefined, 'POST', '/api/auth/login', login), index))
  ]
}

/** Asks as often as a page does in a minute; most pages give up early, to save time. */
async function askAgain(ask: () => Promise<Answer>, index: number): Promise<number[]> {
  const statuses: number[] = []
  for (let count = index % 8 < 2 ? POLLS : 3; count > 0; count--) statuses.push((await ask()).status)
  return statuses
}

t.test('S12: a hall of people behind one address show codes, and nobody is refused', async t => {
  const server = await startServer(t, { env: { LIMITS_ANONYMOUS_REQUESTS_PER_MINUTE: '600' } })
  const { user, accessToken } = await server.signUp({ username: 'ann' })
  const pages = await Promise.all(
    Array.from({ length: PAGES }, async (_, index) =>
      index % 2 === 0 ? await openPage(t, server, index) : await openOldPage(server, index)
    )
  )
  const counts = new Map<number, number>()
  for (const status of pages.flat()) counts.set(status, (counts.get(status) ?? 0) + 1)
  t.same(new Set(counts.keys()), new Set([201, 200, 409]), 'made, drawn or heard, and waiting')
  t.ok((counts.get(409) ?? 0) > 1_200, 'asked more often than one network may')
  const login = await server.call(undefined, 'POST', '/v1/auth/login', { username: 'ann', password: PASSWORD })
  t.equal(login.status, 200, 'a neighbour signs in')
  const { token, deviceSecret, matchCode } = (await server.call(undefined, 'POST', '/v1/auth/qr', { device: DEVICE }))
    .body
  await server.call({ token: accessToken }, 'POST', `/v1/auth/qr/${token}/approve`, { matchCode })
  const byCode = { deviceId: DEVICE.id, deviceSecret }
  const { body } = await server.call(undefined, 'POST', `/v1/auth/qr/${token}/login`, byCode)
  t.equal(body.user.id, user.id, 'another one by a code')
})

/** Asks until it is refused. @returns the refusal, how many came before it, and how many these may be at most */
async function askUntilRefused(ask: () => Promise<Answer>, perSecond: number) {
  const startedAt = performance.now()
  for (let served = 0; ; served++) {
    const refusal = await ask()
    if (refusal.status === 429) {
      return { refusal, served, added: (perSecond * (performance.now() - startedAt)) / 1_000 + 1 }
    }
  }
}

t.test('S12: requests are counted by code, whatever the way, and who waits as told is served', async t => {
  const limit = 60
  const server = await startServer(t, { env: { LIMITS_QR_REQUESTS_PER_MINUTE: `${limit}` } })
  const phone = await server.person()
  const deviceInfo = { deviceId: 'old-desk' }
  const shown: Code = await newCode(server)
  const old = (await server.call(undefined, 'POST', '/api/auth/qr', { deviceInfo })).body
  const path = `/v1/auth/qr/${shown.token}`
  const login = { deviceId: DEVICE.id, deviceSecret: shown.deviceSecret }
  const ways: (() => Promise<Answer>)[][] = [
    [
      async () => await look(server, shown),
      async () => await server.call(undefined, 'POST', `${path}/login`, login),
      async () => await server.call(undefined, 'GET', `${path}/image?format=svg`),
      async () => await server.call(undefined, 'POST', '/chatapp/api/auth/login', { qrToken: shown.token, deviceInfo })
    ],
    [
      async () => await server.call(undefined, 'POST', '/api/auth/login', { qrToken: old.qrToken, deviceInfo }),
      async () => await server.call(undefined, 'POST', '/api/auth/login', { qrToken: old.url, deviceInfo }),
      async () => await server.call(undefined, 'GET', `/api/auth/qr/${old.qrToken}`),
      async () => await server.call(undefined, 'GET', `/chatapp/api/auth/qr/${old.url}`)
    ]
  ]
  for (const [index, asks] of ways.entries()) {
    let turn = 0
    const next = async () => await (asks[turn++ % asks.length] ?? look.bind(undefined, server, shown))()
    const { refusal, served, added } = await askUntilRefused(next, limit / 60)
    t.ok(served >= limit && served <= limit + added, `${served} of ${limit}`)
    const waitMs = Number(refusal.headers.get('retry-after')) * 1_000
    t.ok(waitMs > 0 && waitMs <= 1_000, 'a second, and not the rest of a minute')
    t.not((await look(server, await newCode(server))).status, 429, 'the code of a neighbour')
    if (index === 0) t.equal((await server.call(phone, 'GET', path)).status, 200, 'who is known by a token')
    await sleep(waitMs)
    t.not((await next()).status, 429)
  }
})

t.test('S12: what is no code is counted by network, and takes nothing from codes', async t => {
  const limit = 30
  const server = await startServer(t, { env: { LIMITS_ANONYMOUS_REQUESTS_PER_MINUTE: `${3 * limit}` } })
  const shown = await newCode(server)
  const { qrToken } = (await server.call(undefined, 'POST', '/api/auth/qr', { deviceInfo: { deviceId: 'd' } })).body
  const other = altered(shown.token)
  const rubbish: unknown[] = ['A'.repeat(43), other, `${shown.token}A`, '', 7, null, [shown.token], { toString: 1 }]
  const asks = [
    ...rubbish.map(it => async () => await server.call(undefined, 'POST', '/api/auth/login', { qrToken: it })),
    async () => await server.call(undefined, 'GET', `/v1/auth/qr/${other}/image`),
    async () => await server.call(undefined, 'GET', `/api/auth/qr/${other}`),
    async () => await server.call(undefined, 'POST', `/v1/auth/qr/${other}/login`, {})
  ]
  const statuses: number[] = []
  // A third of a minute's are let in at once; while they are made some come back.
  while (statuses.length < 2 * limit) for (const ask of asks) statuses.push((await ask()).status)
  const first = statuses.indexOf(429)
  t.ok(first >= limit - 2, `${first} were answered at once: two of the limit have made the codes`)
  t.ok(statuses.slice(0, first).every(status => [400, 401, 404].includes(status)))
  t.equal((await look(server, shown)).status, 200, 'a code is asked about')
  const login = { qrToken, deviceInfo: { deviceId: 'd' } }
  t.equal((await server.call(undefined, 'POST', '/api/auth/login', login)).status, 409, 'and waited for')
})

t.test('S12: codes are made so many a minute, by network or by person', async t => {
  const limit = 60
  const server = await startServer(t, { env: { LIMITS_QR_CODES_PER_MINUTE: `${limit}` } })
  const [ann, ben] = [await server.person(), await server.person()]
  const makeFrom = async (remoteAddress: string) =>
    await server.app.inject({ method: 'POST', url: '/v1/auth/qr', payload: { device: DEVICE }, remoteAddress })
  const here = async () => await server.call(undefined, 'POST', '/v1/auth/qr', { device: DEVICE })
  const old = async () => await server.call(undefined, 'POST', '/api/auth/qr', { deviceInfo: { deviceId: 'd' } })
  const byAnn = async () => await server.call(ann, 'POST', '/v1/auth/qr', {})
  for (const make of [here, byAnn]) {
    const { refusal, served, added } = await askUntilRefused(make, limit / 60)
    t.ok(served >= limit && served <= limit + added, `${served} of ${limit}`)
    t.match(refusal.body, { error: { code: 'rate_limited', retryAfterMs: Number } })
    t.ok(refusal.body.error.retryAfterMs <= 1_000)
    if (make === here) {
      t.equal((await old()).status, 429, 'by an app of a document as well')
      t.equal((await server.call(ben, 'POST', '/api/auth/qr')).status, 201, 'who is signed in is another')
      t.equal((await makeFrom('198.51.100.7')).statusCode, 201, 'another network')
    }
    await sleep(refusal.body.error.retryAfterMs)
    t.equal((await make()).status, 201, 'the moment after')
  }
  t.equal((await server.call(ben, 'POST', '/v1/auth/qr', {})).status, 201, 'another person')
})

t.test('S12: streams are counted by code, by network and in all', async t => {
  const env = { LIMITS_QR_STREAMS_PER_ADDRESS: '5', LIMITS_QR_STREAMS: '6' }
  const server = await startServer(t, { env })
  const codes = await Promise.all(Array.from({ length: 4 }, async () => await newCode(server)))
  const [one, two, three, four] = codes as [Code, Code, Code, Code]
  const open = async (code: Code) =>
    await StreamClient.open(t, `${server.url}/v1/auth/qr/${code.token}/events`, secretOf(code))
  const statusOf = async (code: Code) => (await open(code)).response.statusCode
  const opened = [await open(one), await open(one)]
  t.same(
    opened.map(({ response }) => response.statusCode),
    [200, 200]
  )
  t.equal(await statusOf(one), 429, 'the third of a code')
  t.equal(await statusOf(two), 200, 'the code of a neighbour')
  t.equal(await statusOf(two), 200)
  t.equal(await statusOf(three), 200)
  t.equal(await statusOf(four), 429, 'the sixth of a network')
  const elsewhere = async () => {
    const { token } = four
    const url = `/v1/auth/qr/${token}/events`
    const stream = await server.app.inject({
      ...{ url, remoteAddress: '198.51.100.7', headers: secretOf(four), payloadAsStream: true }
    })
    return stream.statusCode
  }
  t.equal(await elsewhere(), 200, 'another network')
  t.equal(await elsewhere(), 429, 'the seventh of the server')
  opened[0]?.cut()
  while ((await statusOf(one)) === 429);
  t.pass('whoever leaves makes room')
})
