import t from 'tap'
import { startServer } from '../kit/helper.ts'

const ORIGIN = 'https://app.example'

t.test('S42 no answer is taken by a browser for something else than it is', async t => {
  const server = await startServer(t)
  const person = await server.person()
  for (const path of ['/v1/users/me', '/v1/nothing', '/mobile/users/me', '/health/live', '/openapi.json']) {
    const { headers } = await server.call(person, 'GET', path)
    t.equal(headers.get('x-content-type-options'), 'nosniff', path)
  }
})

t.test('S43 a page of an allowed origin may use every method, and see how long to wait', async t => {
  const server = await startServer(t, { env: { CORS_ORIGINS: ORIGIN, NODE_ENV: 'production' } })
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
    const { headers } = await server.call(undefined, 'OPTIONS', '/v1/users/me', undefined, {
      origin: ORIGIN,
      'access-control-request-method': method,
      'access-control-request-headers': 'authorization,content-type'
    })
    t.match(headers.get('access-control-allow-methods'), method)
    t.equal(headers.get('access-control-allow-origin'), ORIGIN)
  }
  const { headers } = await server.call(undefined, 'GET', '/health/live', undefined, { origin: ORIGIN })
  t.match(headers.get('access-control-expose-headers'), /retry-after/i)
})

t.test('S43 where every origin is allowed, every face lets it in; else none of another site', async t => {
  for (const [origins, isAllowed] of [
    ['*', true],
    ['https://other.example', false]
  ] as const) {
    const server = await startServer(t, { env: { CORS_ORIGINS: origins, NODE_ENV: 'production' } })
    const { accessToken: token } = await server.signUp()
    const headers = { origin: ORIGIN, authorization: `Bearer ${token}` }
    const polling = await server.call(undefined, 'GET', '/socket.io/?EIO=4&transport=polling', undefined, headers)
    t.equal(polling.status === 200, isAllowed, `socket.io, ${origins}`)
    const socket = await server.socket('/ws', { origin: ORIGIN }).then(
      () => true,
      () => false
    )
    t.equal(socket, isAllowed, `/ws, ${origins}`)
    const ended = new AbortController()
    const stream = await fetch(`${server.url}/v1/events`, { headers, signal: ended.signal })
    t.equal(stream.status === 200, isAllowed, `/v1/events, ${origins}`)
    ended.abort()
  }
})
