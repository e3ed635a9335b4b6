import t from 'tap'
import { startServer } from '../kit/helper.ts'

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
