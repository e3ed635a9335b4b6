import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { ReachableAddresses } from '../../../src/messages/previews/addresses.ts'
import { GuardedFetch } from '../../../src/messages/previews/guarded-fetch.ts'
import { SELF_SIGNED } from './certificate.ts'
import { html, isOpen, openSite, redirect } from './site.ts'

/** Networks that no page is fetched from, by an address of each. */
const NOT_PUBLIC = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.0.1'],
  ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.88.99.1', '192.168.0.1'],
  ...['198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.9', '224.0.0.1', '239.255.255.255', '240.0.0.1'],
  ...['255.255.255.255', '::', '::1', '::127.0.0.1', '::a00:1', '::ffff:127.0.0.1', '::ffff:8.8.8.8'],
  ...['::ffff:0:10.0.0.1', '64:ff9b::7f00:1', '64:ff9b::8.8.8.8', '64:ff9b:1::a00:1', '100::1', '100:0:0:1::1'],
  ...['2001::1', '2001:0:7f00:1::1', '2001:2::1', '2001:10::1', '2001:20::1', '2001:db8::1', '2002:7f00:1::1'],
  ...['2002:a9fe:a9fe::1', '3fff::1', '4000::1', '5f00::1', 'fc00::1', 'fd00::1', 'fdff:ffff::1', 'fe80::1'],
  ...[
    'febf::1',
    'fec0::1',
    'feff::1',
    'ff02::1',
    'ff0e::1',
    '',
    'localhost',
    '127.1',
    '0x7f.1',
    '1.2.3.4.5',
    'fe80::1%lo'
  ]
]
const PUBLIC = ['1.1.1.1', '8.8.8.8', '172.15.0.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450::5']

t.test('an address is of the Internet, or nobody fetches from it', async t => {
  const reachable = new ReachableAddresses([])
  for (const address of NOT_PUBLIC) t.equal(reachable.has(address), false, address)
  for (const address of PUBLIC) t.equal(reachable.has(address), true, address)
  const named = new ReachableAddresses(['10.1.0.0/16', 'fd00::1', '127.0.0.1'])
  for (const address of ['10.1.2.3', 'fd00::1', '127.0.0.1', '8.8.8.8']) t.equal(named.has(address), true, address)
  for (const address of ['10.2.0.1', 'fd00::2', '127.0.0.2', '::ffff:10.1.2.3'])
    t.equal(named.has(address), false, address)
  t.equal(named.isNamed('8.8.8.8'), false, 'of the Internet, and not named')
})

interface Options {
  readonly allow?: readonly string[]
  readonly names?: Record<string, string[] | (() => string[])>
}

/** Fetches with a resolver that knows some names, and hears of each one that is asked for. */
function openFetch({ allow = [], names = {} }: Options) {
  const resolved: string[] = []
  const fetcher = new GuardedFetch(new ReachableAddresses(allow), async host => {
    resolved.push(host)
    const found = names[host] ?? []
    return typeof found === 'function' ? found() : found
  })
  const get = async (address: string, { ms = 5_000, limit = 1e9 } = {}) => {
    const options = { accept: 'text/html', signal: AbortSignal.timeout(ms) }
    return await fetcher.get(address, options, async ({ url, body }) => {
      let text = ''
      for await (const chunk of body) {
        text += chunk
        if (text.length > limit) break
      }
      return { url, text }
    })
  }
  return { get, resolved }
}

/** Hosts of the inside in every spelling; the port is put behind them. */
const SPELLINGS = [
  ...[
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
    '0x7F.0.0.0x1'
  ],
  ...['127.0.0.1.', '１２７.0.0.1', '127。0。0。1', '%31%32%37.0.0.1', '①②⑦.0.0.1', '0', '0.0.0.0', '00', '0x0'],
  ...['[::1]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]', '[::]', '[0000::1]'],
  ...['[64:ff9b::7f00:1]', '[64:ff9b::127.0.0.1]', '[2002:7f00:1::]', '[fe80::1]', '[fd00::1]', '[fec0::1]'],
  ...[
    '169.254.169.254',
    '2852039166',
    '0xa9fea9fe',
    '[::ffff:a9fe:a9fe]',
    '[fd00:ec2::254]',
    '10.0.0.1',
    '192.168.1.1'
  ],
  ...['localhost', 'LOCALHOST', 'localhost.', 'a.localhost', 'name.of.the.inside', 'both.kinds']
]

t.test('no spelling of an address of the inside is connected to', async t => {
  const sites = await Promise.all(['127.0.0.1', '::1'].map(async host => await openSite(t, { '/': 'SECRET' }, host)))
  const inside = { localhost: ['127.0.0.1', '::1'], 'localhost.': ['127.0.0.1'], 'a.localhost': ['::1'] }
  const names = { ...inside, 'name.of.the.inside': ['127.0.0.1'], 'both.kinds': ['8.8.8.8', '127.0.0.1'] }
  const { get } = openFetch({ names })
  for (const host of SPELLINGS)
    for (const { port } of sites) {
      for (const address of [`http://${host}:${port}/`, `https://${host}:${port}/`, `http://${host}/`])
        await t.rejects(get(address), address)
    }
  for (const host of ['both.kinds', 'name.of.the.inside', 'localhost', '[::1]', '127.1']) {
    await t.rejects(get(`http://${host}/`), /not on the Internet/, `${host} is refused, and not only away`)
  }
  t.equal(sites.flatMap(({ asked }) => asked).length, 0, 'nobody was asked')
  t.same(await Promise.all(sites.map(async ({ port }, at) => await isOpen(['127.0.0.1', '::1'][at] ?? '', port))), [
    true,
    true
  ])
})

t.test('only addresses of the web are fetched, without a name and a password, and on their ports', async t => {
  const site = await openSite(t, { '/': 'Here' })
  const { get } = openFetch({ allow: ['127.0.0.0/8'], names: { inside: ['127.0.0.1'], 'on.the.net': ['8.8.8.8'] } })
  t.match(await get(`http://inside:${site.port}/`), { text: 'Here' })
  const { port } = site
  const bad = [
    'file:///etc/passwd',
    `ftp://127.0.0.1:${port}/`,
    `gopher://127.0.0.1:${port}/`,
    `ws://127.0.0.1:${port}/`
  ]
  const worse = [
    'data:text/html,x',
    'javascript:1',
    `http:127.0.0.1:${port}x`,
    'http://',
    '//127.0.0.1/',
    'blob:http://a/b',
    ''
  ]
  const named = [`http://ann:pw@127.0.0.1:${port}/`, `http://ann@127.0.0.1:${port}/`, `http://:pw@127.0.0.1:${port}/`]
  for (const address of [...bad, ...worse, ...named, 'http://127.0.0.1:0/']) await t.rejects(get(address), address)
  for (const other of [8080, 22, 25, 6379, 27017, 443]) {
    await t.rejects(get(`http://on.the.net:${other}/`), /ports/, `a page of the Internet on port ${other}`)
  }
  t.equal(site.asked.length, 1)
})

t.test(
  'a name that changes its address is asked once for each request, and connected to where it was looked at',
  async t => {
    const site = await openSite(t, { '/': 'SECRET', '/go': redirect('http://moves:1/') })
    let count = 0
    const moves = () => {
      count += 1
      // The address of a test network first, to which nobody answers.
      return count === 1 ? ['127.0.0.9'] : ['127.0.0.1']
    }
    const { get, resolved } = openFetch({ allow: ['127.0.0.9'], names: { moves } })
    await t.rejects(get(`http://moves:${site.port}/`), 'it goes to the address that it had')
    t.same(resolved, ['moves'], 'and is not resolved again')
    await t.rejects(get(`http://moves:${site.port}/`), /not on the Internet/, 'the next one is looked at anew')
    t.equal(site.asked.length, 0)
  }
)

t.test('each redirect is looked at, and there are three of them at most', async t => {
  const secret = await openSite(t, { '/': 'SECRET' }, '127.0.0.2')
  const site = await openSite(t, {
    '/inside': redirect(`${secret.url}/`),
    '/name': redirect(`http://inside:${secret.port}/`, 307),
    '/file': redirect('file:///etc/passwd'),
    '/named': (response, request) => redirect(`http://ann:pw@${request.headers.host}/end`)(response, request),
    '/loop': redirect('/loop'),
    '/1': redirect('/2', 301),
    '/2': redirect('3', 303),
    '/3': redirect('//127.0.0.1:0/end'),
    '/4': redirect('/2', 308),
    '/end': 'End',
    '/nowhere': response => void response.writeHead(302).end(),
    '/bad': redirect('http://[')
  })
  const { get } = openFetch({ allow: ['127.0.0.1'], names: { inside: ['127.0.0.2'] } })
  for (const path of ['/inside', '/name', '/file', '/named', '/nowhere', '/bad', '/none']) {
    await t.rejects(get(`${site.url}${path}`), path)
  }
  t.equal(secret.asked.length, 0)
  const before = site.asked.length
  await t.rejects(get(`${site.url}/loop`), /Too many redirects/)
  t.equal(site.asked.length - before, 4)
  const three = await openSite(t, { '/a': redirect('/b'), '/b': redirect('c'), '/c': redirect('?d'), '/d': 'no' })
  await t.rejects(get(`${three.url}/a`), /Too many/, 'a relative one stays on the page')
  const fine = await openSite(t, {
    '/a': redirect('/b', 301),
    '/b': redirect('c', 307),
    '/c': redirect('/d', 308),
    '/d': 'D'
  })
  t.same(await get(`${fine.url}/a`), { url: `${fine.url}/d`, text: 'D' })
})

t.test('a request says nothing of who it is for, and goes through no proxy of the environment', async t => {
  const site = await openSite(t, {
    '/': response => void response.writeHead(200, { 'set-cookie': 'a=b', 'content-type': 'text/html' }).end('Here')
  })
  const proxy = await openSite(t, {})
  const names = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'ALL_PROXY', 'NODE_USE_ENV_PROXY']
  const before = names.map(name => process.env[name])
  t.teardown(() => {
    for (const [at, name] of names.entries()) {
      if (before[at] === undefined) delete process.env[name]
      else process.env[name] = before[at]
    }
  })
  for (const name of names) process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : proxy.url
  const { get } = openFetch({ allow: ['127.0.0.1'] })
  await get(`${site.url}/`)
  await get(`${site.url}/?again`)
  t.equal(proxy.asked.length, 0)
  const [, again] = site.asked
  t.match(again?.headers, { 'user-agent': /Parley/, host: /^127\.0\.0\.1:\d+$/, connection: 'close' })
  for (const name of ['cookie', 'referer', 'origin', 'authorization', 'x-forwarded-for'])
    t.notOk(again?.headers[name], name)
})

t.test('TLS is verified, whatever the environment says', async t => {
  const asked: unknown[] = []
  const server = createServer(SELF_SIGNED, (request, response) => {
    asked.push(request.url)
    response.end('SECRET')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  t.teardown(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
  })
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  const { port } = server.address() as AddressInfo
  await t.rejects(openFetch({ allow: ['127.0.0.1'] }).get(`https://127.0.0.1:${port}/`), { code: /SELF_SIGNED/ })
  t.equal(asked.length, 0)
})

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const at = performance.now()
  await work().catch(() => undefined)
  return performance.now() - at
}

t.test('what is slow, endless or packed too well ends in its time, and its connection too', async t => {
  const bomb = gzipSync(Buffer.alloc(50_000_000))
  const drip = (response: Parameters<ReturnType<typeof html>>[0]) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    const timer = setInterval(() => response.write('x'), 20)
    response.on('close', () => clearInterval(timer))
  }
  const site = await openSite(t, {
    '/silent': () => undefined,
    '/headers': response => void response.writeProcessing(),
    '/drip': drip,
    '/endless': response => {
      response.writeHead(200, { 'content-type': 'text/html' })
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      }
      response.on('drain', more)
      more()
    },
    '/bomb': html(bomb, { 'content-encoding': 'gzip' }),
    '/broken': html('no gzip', { 'content-encoding': 'gzip' }),
    '/other': html('x', { 'content-encoding': 'compress' }),
    '/twice': html('x', { 'content-encoding': 'gzip, gzip' }),
    '/short': response => {
      response.writeHead(200, { 'content-type': 'text/html', 'content-length': '100' }).write('x')
      setTimeout(() => response.destroy(), 20)
    },
    '/heads': response => void response.writeHead(200, { 'x-much': 'x'.repeat(20_000) }).end()
  })
  const { get } = openFetch({ allow: ['127.0.0.1'] })
  for (const path of ['/silent', '/headers', '/drip']) {
    const ms = await timeOf(async () => await get(`${site.url}${path}`, { ms: 300 }))
    t.ok(ms >= 290 && ms < 2_000, `${path} ${ms}`)
  }
  for (const path of ['/broken', '/other', '/twice', '/short', '/heads'])
    await t.rejects(get(`${site.url}${path}`), path)
  for (const path of ['/endless', '/bomb']) {
    const { text } = await get(`${site.url}${path}`, { limit: 100_000 })
    t.ok(text.length < 300_000, path)
  }
  await waitUntil(t, () => site.open() === 0)
})

t.test('one address is asked for four things at once', async t => {
  let most = 0
  let count = 0
  const site = await openSite(t, {
    '/': response => {
      count += 1
      most = Math.max(most, count)
      setTimeout(() => {
        count -= 1
        response.writeHead(200).end('x')
      }, 30)
    }
  })
  const { get } = openFetch({ allow: ['127.0.0.1'], names: { one: ['127.0.0.1'], other: ['127.0.0.1'] } })
  const addresses = Array.from(
    { length: 20 },
    (_, at) => `http://${at % 2 === 0 ? 'one' : 'other'}:${site.port}/?${at}`
  )
  await Promise.all(addresses.map(async address => await get(address)))
  t.equal(site.asked.length, 20)
  t.equal(most, 4, 'by whichever name')
})

async function waitUntil(t: Test, isSo: () => boolean): Promise<void> {
  for (let count = 0; count < 100 && !isSo(); count += 1) await new Promise(resolve => setTimeout(resolve, 20))
  t.ok(isSo())
}
