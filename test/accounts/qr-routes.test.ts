import t from 'tap'
import { joinServer, type TestServer } from '../kit/helper.ts'

const LAPTOP = { id: 'laptop-1', platform: 'web', name: 'Firefox' }
/** Secret that a device makes up for a code of somebody. */
const SECRET = 's'.repeat(43)
const withSecret = (deviceSecret: string) => ({ 'device-secret': deviceSecret })

/** A code of a device that is signed out. */
async function newCode(server: TestServer): Promise<{ token: string; matchCode: string; deviceSecret: string }> {
  return (await server.call(undefined, 'POST', '/v1/auth/qr', { device: LAPTOP })).body
}

/** The states that a stream of events tells, until it ends. */
async function* statesOf(response: Response): AsyncGenerator<{ status: string; matchCode?: string }> {
  let rest = ''
  for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    const events = `${rest}${chunk}`.split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) {
      const [, data] = /^event: state\ndata: (.*)$/s.exec(event) ?? []
      if (data !== undefined) yield JSON.parse(data)
    }
  }
}

t.test('both ways round over REST', async t => {
  const server = await joinServer(t)
  const phone = { token: (await server.signUp()).accessToken }
  const shown = await server.call(undefined, 'POST', '/v1/auth/qr', { device: LAPTOP })
  t.match(shown, { status: 201, body: { id: /^qr_[0-9a-f]{24}$/, status: 'pending', matchCode: /^\d\d$/ } })
  const { token, matchCode, deviceSecret } = shown.body
  const login = { deviceId: LAPTOP.id, deviceSecret, device: LAPTOP }
  t.match(await server.call(undefined, 'POST', `/v1/auth/qr/${token}/login`, login), {
    status: 409,
    body: { error: { code: 'approval_pending', retry: 'later', retryAfterMs: Number } }
  })
  const wrong = await server.call(phone, 'POST', `/v1/auth/qr/${token}/approve`, {})
  t.equal(wrong.status, 400, 'the match code has to be confirmed')
  t.match(await server.call(phone, 'POST', `/v1/auth/qr/${token}/approve`, { matchCode }), {
    status: 200,
    body: { status: 'approved' }
  })
  const signedIn = await server.call(undefined, 'POST', `/v1/auth/qr/${token}/login`, login)
  t.match(signedIn, { status: 200, body: { accessToken: String, refreshToken: String } })
  const laptop = { token: signedIn.body.accessToken }

  const own = (await server.call(laptop, 'POST', '/v1/auth/qr', {})).body
  t.equal(own.deviceSecret, undefined)
  const presentation = { deviceId: 'd2', deviceSecret: SECRET }
  const present = async () => await server.call(undefined, 'POST', `/v1/auth/qr/${own.token}/login`, presentation)
  t.equal((await present()).status, 409)
  const { body: seen } = await server.call(
    ...([undefined, 'GET', `/v1/auth/qr/${own.token}`, undefined, withSecret(SECRET)] as const)
  )
  t.match(seen, { status: 'scanned', matchCode: /^\d\d$/ })
  const approved = await server.call(laptop, 'POST', `/v1/auth/qr/${own.token}/approve`, { matchCode: seen.matchCode })
  t.equal(approved.status, 200)
  t.match(await present(), { status: 200, body: { user: { id: signedIn.body.user.id } } })
  t.match(await present(), { status: 401, body: { error: { code: 'unauthenticated' } } })
})

t.test('a token that comes along must be valid; without one a device must be named', async t => {
  const server = await joinServer(t)
  t.equal((await server.call({ token: 'nonsense' }, 'POST', '/v1/auth/qr', { device: LAPTOP })).status, 401)
  t.equal((await server.call(undefined, 'POST', '/v1/auth/qr', {})).status, 400)
  const { token, matchCode } = await newCode(server)
  for (const path of ['approve', 'refuse']) {
    t.equal((await server.call(undefined, 'POST', `/v1/auth/qr/${token}/${path}`, { matchCode })).status, 401, path)
  }
})

t.test('refusing', async t => {
  const server = await joinServer(t)
  const phone = { token: (await server.signUp()).accessToken }
  const { token, deviceSecret } = await newCode(server)
  t.match(await server.call(phone, 'POST', `/v1/auth/qr/${token}/refuse`), { status: 200, body: { status: 'refused' } })
  const login = { deviceId: LAPTOP.id, deviceSecret }
  const { status, body } = await server.call(undefined, 'POST', `/v1/auth/qr/${token}/login`, login)
  t.match({ status, body }, { status: 403, body: { error: { code: 'forbidden' } } })
})

t.test('unknown tokens are not found, and what is no token is invalid', async t => {
  const server = await joinServer(t)
  const phone = await server.person()
  for (const path of ['', '/image', '/events']) {
    const answer = await server.call(phone, 'GET', `/v1/auth/qr/${'A'.repeat(43)}${path}`)
    t.match(answer, { status: 404, body: { error: { code: 'not_found' } } }, path)
    t.equal((await server.call(phone, 'GET', `/v1/auth/qr/short${path}`)).status, 400, path)
  }
  const approve = await server.call(phone, 'POST', `/v1/auth/qr/${'A'.repeat(43)}/approve`, { matchCode: '00' })
  t.equal(approve.status, 404)
  t.equal((await server.call(undefined, 'GET', `/v1/auth/qr/${'A'.repeat(43)}/image?format=gif`)).status, 400)
})

t.test('pictures have their types, are not kept by anybody, and run nothing', async t => {
  const server = await joinServer(t)
  const { token } = await newCode(server)
  for (const [format, type] of [
    ['png', 'image/png'],
    ['svg', 'image/svg+xml; charset=utf-8'],
    ['terminal', 'text/plain; charset=utf-8']
  ]) {
    const { status, headers } = await server.call(undefined, 'GET', `/v1/auth/qr/${token}/image?format=${format}`)
    t.equal(status, 200)
    t.equal(headers.get('content-type'), type)
    t.equal(headers.get('cache-control'), 'no-store')
    t.equal(headers.get('x-content-type-options'), 'nosniff')
    t.equal(headers.get('content-security-policy'), "default-src 'none'")
  }
  const png = await fetch(`${server.url}/v1/auth/qr/${token}/image`)
  t.same([...new Uint8Array(await png.arrayBuffer())].slice(0, 4), [0x89, 0x50, 0x4e, 0x47])
})

t.test('the events tell each state and end with the decision', async t => {
  const server = await joinServer(t)
  const phone = { token: (await server.signUp()).accessToken }
  const { token } = (await server.call(phone, 'POST', '/v1/auth/qr', {})).body
  const headers = { authorization: `Bearer ${phone.token}` }
  const response = await fetch(`${server.url}/v1/auth/qr/${token}/events`, { headers })
  t.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  t.equal(response.headers.get('x-accel-buffering'), 'no')
  const told: string[] = []
  for await (const { status, matchCode } of statesOf(response)) {
    told.push(status)
    if (status === 'pending') {
      const login = { deviceId: LAPTOP.id, deviceSecret: SECRET }
      await server.call(undefined, 'POST', `/v1/auth/qr/${token}/login`, login)
    } else if (status === 'scanned') {
      await server.call(phone, 'POST', `/v1/auth/qr/${token}/approve`, { matchCode })
    }
  }
  t.same(told, ['pending', 'scanned', 'approved'])
})

t.test('two streams at once for each code; they end with the server', async t => {
  const server = await joinServer(t)
  const { token, deviceSecret } = await newCode(server)
  const headers = withSecret(deviceSecret)
  const open = async (signal?: AbortSignal) =>
    await fetch(`${server.url}/v1/auth/qr/${token}/events`, signal ? { headers, signal } : { headers })
  const leaving = new AbortController()
  const [first, second] = [await open(), await open(leaving.signal)]
  t.equal((await open()).status, 429)
  leaving.abort()
  await second.text().catch(() => undefined)
  let third = await open()
  while (third.status === 429) third = await open()
  t.equal(third.status, 200, 'whoever leaves makes room')
  await server.close()
  for (const stream of [first, third]) t.match(await stream.text(), /^event: state\ndata: .*\n\nretry: 5000\n\n$/)
})
