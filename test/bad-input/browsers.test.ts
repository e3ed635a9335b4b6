import t, { type Test } from 'tap'
import { joinServer, type Person, startServer, type TestServer } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'
import { StreamClient } from '../kit/stream-client.ts'

const ORIGIN = 'https://app.example'
const SOMEBODY = 'a'.repeat(24)

/** Routes of the contract and of each dialect, one for each method. */
const ROUTES = [
  ['GET', '/v1/users/me'],
  ['POST', '/v1/conversations'],
  ['PUT', '/v1/presence'],
  ['PATCH', '/v1/users/me'],
  ['DELETE', `/v1/blocks/${SOMEBODY}`],
  ['PATCH', '/mobile/users/me'],
  ['DELETE', `/conversations/${SOMEBODY}`],
  ['PATCH', `/messages/${SOMEBODY}`],
  ['POST', '/api/messages'],
  ['GET', '/api/friends'],
  ['DELETE', `/api/v1/chat/${SOMEBODY}/messages`]
] as const

async function start(t: Test, CORS_ORIGINS: string, env: Record<string, string> = {}): Promise<TestServer> {
  return await startServer(t, { env: { CORS_ORIGINS, ...env } })
}

/** Asks, as a browser does before a request, whether a page may. */
async function preflight(server: TestServer, origin: string, method: string, path: string) {
  return await server.call(undefined, 'OPTIONS', path, undefined, {
    origin,
    'access-control-request-method': method,
    'access-control-request-headers': 'authorization,content-type'
  })
}

/** Opens an event stream. @throws {Error} when it is refused */
async function stream(t: Test, { url }: TestServer, path: string, headers: Record<string, string>): Promise<void> {
  const { response } = await StreamClient.open(t, url + path, headers)
  if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}`)
}

/** Ways in that a page of an origin finds open. */
async function openTo(t: Test, server: TestServer, origin: string): Promise<string[]> {
  const { token } = await server.person()
  const headers = { origin, authorization: `Bearer ${token}` }
  const packets = async (version: 2 | 4, transport: string) =>
    void (await PacketClient.open(t, server.url, {
      ...{ version, namespace: '/mobile', transports: [transport], extraHeaders: { origin } },
      ...(version === 2 ? { query: { token } } : { auth: { token } })
    }))
  const ways: Record<string, () => Promise<unknown>> = {
    REST: async () => {
      const answer = await server.call({ token }, 'GET', '/v1/users/me', undefined, { origin })
      if (![origin, '*'].includes(answer.headers.get('access-control-allow-origin') ?? '')) throw new Error('closed')
    },
    '/ws': async () => await server.socket('/ws', { origin }),
    '/v1/events': async () => await stream(t, server, '/v1/events', headers),
    '/api/sse': async () => await stream(t, server, '/api/sse', headers),
    'socket.io 4 polling': async () => await packets(4, 'polling'),
    'socket.io 4 websocket': async () => await packets(4, 'websocket'),
    'socket.io 2 polling': async () => await packets(2, 'polling'),
    'socket.io 2 websocket': async () => await packets(2, 'websocket')
  }
  const found = await Promise.all(
    Object.entries(ways).map(async ([name, enter]) =>
      enter().then(
        () => [name],
        () => []
      )
    )
  )
  return found.flat()
}

const EVERY_WAY = [
  ...['REST', '/ws', '/v1/events', '/api/sse'],
  ...['socket.io 4 polling', 'socket.io 4 websocket', 'socket.io 2 polling', 'socket.io 2 websocket']
]

t.test('S42 no answer is taken by a browser for something else than it is', async t => {
  const server = await joinServer(t)
  const person = await server.person()
  for (const path of ['/v1/users/me', '/v1/nothing', '/mobile/users/me', '/health/live', '/openapi.json']) {
    const { headers } = await server.call(person, 'GET', path)
    t.equal(headers.get('x-content-type-options'), 'nosniff', path)
  }
})

t.test('U01: a page of a listed origin may use every method, with credentials, and see how long to wait', async t => {
  const server = await start(t, ORIGIN, { LIMITS_ANONYMOUS_REQUESTS_PER_MINUTE: '12' })
  for (const [method, path] of ROUTES) {
    const { status, headers, text } = await preflight(server, ORIGIN, method, path)
    t.same([status, text], [204, ''], path)
    t.ok(headers.get('access-control-allow-methods')?.split(', ').includes(method), `${method} ${path}`)
    t.equal(headers.get('access-control-allow-origin'), ORIGIN)
    t.equal(headers.get('access-control-allow-credentials'), 'true')
    t.equal(headers.get('access-control-allow-headers'), 'authorization,content-type')
    t.match(headers.get('vary'), /origin/i)
  }
  const elsewhere = await preflight(server, 'https://elsewhere.example', 'PATCH', '/v1/users/me')
  for (const name of ['origin', 'credentials', 'methods']) {
    t.equal(elsewhere.headers.get(`access-control-allow-${name}`), null, `no ${name} for a page that is not listed`)
  }
  await t.test('what an answer says in its headers, it may read', async t => {
    const said: string[] = []
    const ask = async (method: string, path: string) => {
      const { headers } = await server.call(undefined, method, path, undefined, { origin: ORIGIN })
      const exposed = headers.get('access-control-expose-headers')?.toLowerCase().split(', ') ?? []
      for (const name of ['retry-after', 'www-authenticate', 'allow'].filter(it => headers.has(it))) {
        t.ok(exposed.includes(name), `${method} ${path}: ${name}`)
        said.push(name)
      }
    }
    await ask('PUT', '/api/friends')
    for (const [method, path] of ROUTES) await ask(method, path)
    t.same(new Set(said), new Set(['www-authenticate', 'allow', 'retry-after']))
    const polling = '/socket.io/?EIO=4&transport=polling'
    const { headers } = await server.call(undefined, 'GET', polling, undefined, { origin: ORIGIN })
    t.match(headers.get('access-control-expose-headers'), /retry-after/i, 'socket.io too')
  })
})

t.test('U06: where every origin is allowed, every face lets it in', async t => {
  const server = await start(t, '*')
  // U07: those of packaged apps too.
  for (const origin of ['https://elsewhere.example', 'file://', 'null']) {
    t.same(await openTo(t, server, origin), EVERY_WAY, origin)
  }
  const { headers } = await preflight(server, ORIGIN, 'PATCH', '/v1/users/me')
  t.equal(headers.get('access-control-allow-origin'), '*')
  t.match(headers.get('access-control-allow-methods'), 'PATCH')
  t.equal(headers.get('access-control-allow-credentials'), null, 'U01: credentials are never beside *')
})

t.test('U06: origins are listed as people write them, and meant as browsers send them', async t => {
  const server = await start(t, 'https://App.Example:443,https://other.example')
  t.same(await openTo(t, server, ORIGIN), EVERY_WAY)
  t.same(await openTo(t, server, 'https://elsewhere.example'), [])
  t.same(await openTo(t, server, 'https://app.example:444'), [])
})

t.test('U07: packaged apps whose page has no address are let in where they are named, and else not', async t => {
  const named = await start(t, 'file://,null')
  for (const origin of ['file://', 'null']) t.same(await openTo(t, named, origin), EVERY_WAY, origin)
  t.same(await openTo(t, named, ORIGIN), [])
  const without = await start(t, 'capacitor://localhost,ionic://localhost,app://.')
  for (const origin of ['file://', 'null']) t.same(await openTo(t, without, origin), [], origin)
  for (const origin of ['capacitor://localhost', 'app://.']) t.same(await openTo(t, without, origin), EVERY_WAY, origin)
})

t.test('U23: OPTIONS that is no question of a browser tells what a path takes', async t => {
  const server = await joinServer(t)
  for (const [path, allow] of [
    ['/v1/users/me', /^GET, HEAD, PATCH$/],
    ['/health/live', /^GET, HEAD$/],
    ['/api/friends', /^GET, HEAD$/],
    [`/mobile/users/${SOMEBODY}`, /GET, HEAD/]
  ] as const) {
    const { status, headers, text } = await server.call(undefined, 'OPTIONS', path)
    t.same([status, text], [204, ''], path)
    t.match(headers.get('allow'), allow)
  }
  t.match(await server.call(undefined, 'OPTIONS', '/nowhere'), { status: 404, body: { error: { code: 'not_found' } } })
})

/** How an upgrade of /ws with these headers is answered. */
async function upgrade(server: TestServer, headers: Record<string, string>): Promise<string> {
  return await server.socket('/ws', headers).then(
    () => 'open',
    (error: Error) => error.message
  )
}

t.test('U27: the own page is known behind a proxy, and with the port of its scheme', async t => {
  const origin = 'https://chat.example'
  const behind = { origin, host: '127.0.0.1:3000', 'x-forwarded-host': 'chat.example', 'x-forwarded-proto': 'https' }
  const plain = await joinServer(t)
  const refused = 'Unexpected server response: 403'
  for (const host of ['chat.example', 'chat.example:443', 'Chat.Example']) {
    t.equal(await upgrade(plain, { origin, host }), 'open', host)
  }
  t.equal(await upgrade(plain, { origin: 'http://chat.example', host: 'chat.example:80' }), 'open')
  t.equal(await upgrade(plain, { origin, host: 'chat.example:444' }), refused)
  t.equal(await upgrade(plain, { origin: 'https://chat.example:80', host: 'chat.example' }), refused)
  t.equal(await upgrade(plain, { origin, host: '127.0.0.1:3000' }), refused, 'a proxy that does not pass Host')
  t.equal(await upgrade(plain, behind), refused, 'nobody is believed who is not named')
  const server = await startServer(t, { env: { TRUST_PROXY: 'loopback' } })
  t.equal(await upgrade(server, behind), 'open')
  t.equal(await upgrade(server, { ...behind, 'x-forwarded-host': 'chat.example:443, inner.example' }), 'open')
  t.equal(await upgrade(server, { ...behind, 'x-forwarded-host': 'other.example' }), refused)
  const [ann] = (await server.people(1)) as [Person]
  const headers = { ...behind, authorization: `Bearer ${ann.token}` }
  await t.resolves(stream(t, server, '/v1/events', headers))
  const polling = await server.call(undefined, 'GET', '/socket.io/?EIO=4&transport=polling', undefined, behind)
  t.equal(polling.status, 200)
})
