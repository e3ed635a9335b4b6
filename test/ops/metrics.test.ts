import t from 'tap'
import { joinServer, type Person, startServer } from '../kit/helper.ts'

t.test('S27 in production figures are for who has the token, or for the same machine', async t => {
  const server = await startServer(t, { env: { NODE_ENV: 'production' } })
  const ask = async (remoteAddress: string, headers: Record<string, string> = {}) =>
    await server.app.inject({ url: '/metrics', remoteAddress, headers })
  t.match((await ask('127.0.0.1')).body, /parley_connections/)
  const refused = [
    await ask('203.0.113.9'),
    await ask('10.0.0.7'),
    await ask('127.0.0.1', { 'x-forwarded-for': '203.0.113.9' }),
    await ask('127.0.0.1', { forwarded: 'for=203.0.113.9' })
  ]
  for (const { statusCode, body } of refused) {
    t.equal(statusCode, 403)
    t.match(JSON.parse(body), { error: { code: 'forbidden', message: /METRICS_TOKEN/ } })
    t.notMatch(body, /parley_/)
  }
  const token = 'figures-for-prometheus'
  const guarded = await startServer(t, { env: { NODE_ENV: 'production', METRICS_TOKEN: token } })
  const by = async (authorization: string) =>
    (await guarded.app.inject({ url: '/metrics', remoteAddress: '203.0.113.9', headers: { authorization } })).statusCode
  t.same([await by(`Bearer ${token}`), await by('Bearer another')], [200, 401])
})

/** A figure by its name and labels; 0 where there is none yet. */
const figure = (text: string, name: string): number =>
  Number(
    text
      .split('\n')
      .find(line => line.startsWith(`${name} `))
      ?.split(' ')
      .at(-1) ?? 0
  )

t.test(
  'U75: requests, refusals, sign-ins, messages, connections and their ends are counted, by few labels',
  async t => {
    const server = await joinServer(t)
    const read = async () => (await server.call(undefined, 'GET', '/metrics')).text
    const [ann, ben] = (await server.people(2)) as [Person, Person]
    const id = await server.direct(ann, ben)
    const path = `/v1/conversations/${id}/messages`
    for (const clientId of ['a', 'a', 'b']) await server.call(ann, 'POST', path, { clientId, text: 'Hi' })
    for (const made of ['one', 'two', 'three']) await server.call(ann, 'GET', `/nothing/${made}`)
    await server.call(undefined, 'POST', '/v1/auth/login', { username: 'nobody', password: 'wrong password' })
    await server.call(undefined, 'GET', '/health/live')
    const socket = await server.connect(ben)
    await socket.refused('nonsense', {})
    const open = await read()
    const route = 'method="POST",route="/v1/conversations/:conversationId/messages"'
    for (const [name, count] of Object.entries({
      [`parley_http_requests_total{${route},status="201"}`]: 2,
      [`parley_http_requests_total{${route},status="200"}`]: 1,
      [`parley_http_request_seconds_count{${route}}`]: 3,
      'parley_http_requests_total{method="none",route="none",status="404"}': 3,
      'parley_http_refusals_total{code="not_found"}': 3,
      'parley_sign_ins_refused_total{way="password",code="unauthenticated"}': 1,
      'parley_command_refusals_total{framing="frames",code="unknown_type"}': 1,
      parley_messages_sent_total: 2,
      'parley_connections_by_framing{framing="frames"}': 1,
      'parley_connections_by_framing{framing="stream"}': 0
    })) {
      t.equal(figure(open, name), count, name)
    }
    t.notMatch(open, /health\/live|nothing|(user|conv)_[0-9a-f]{24}/, 'no path that somebody made up, and no id')
    t.match(open, /^parley_info\{version="\d+\.\d+\.\d+",node="v\d+/m)
    for (const name of ['parley_database_connections_in_use', 'parley_database_waiting']) {
      t.match(open, new RegExp(`^${name} \\d+$`, 'm'), name)
    }
    const two = await server.connect(ben)
    two.terminate()
    socket.ws.close(1000)
    for (const name of [
      'parley_closes_total{framing="frames",code="1006"}',
      'parley_closes_total{framing="frames",code="1000"}'
    ]) {
      while (figure(await read(), name) === 0) await new Promise(resolve => setTimeout(resolve, 20))
      t.equal(figure(await read(), name), 1, name)
    }
  }
)
