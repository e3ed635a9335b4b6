import t from 'tap'
import { startScene } from './scene.ts'

t.test(
  '1.18 whatever is wrong with a request is said in the app’s body, with the canonical status and code',
  async t => {
    const { server, ann } = await startScene(t)
    const cases = [
      [ann, 'POST', '/messages', '{"to": ', 400, 'bad_frame'],
      [ann, 'POST', '/messages', JSON.stringify({ to: ann.hex, text: 'x'.repeat(200_000) }), 413, 'too_large'],
      [ann, 'GET', '/messages?conversationId=me', undefined, 400, 'invalid'],
      [ann, 'POST', '/groups', { name: 7 }, 400, 'invalid'],
      [ann, 'GET', `/groups/${'f'.repeat(24)}`, undefined, 404, 'not_found'],
      [undefined, 'GET', '/groups', undefined, 401, 'unauthenticated'],
      [{ token: 'forged' }, 'GET', '/groups', undefined, 401, 'unauthenticated']
    ] as const
    for (const root of ['', '/unified']) {
      for (const [who, method, path, body, status, code] of cases) {
        const answer = await server.call(who, method, `${root}${path}`, body)
        t.equal(answer.status, status, `${method} ${root}${path}`)
        const { message } = answer.body
        t.match(answer.body, { success: false, data: null, error: { code, message } })
        t.match(message, /\w/)
      }
    }
  }
)

t.test('1.18 every route is under the app’s own name too, and fields it does not know are ignored', async t => {
  const { server, ann, ben } = await startScene(t)
  const sent = await server.call(ann, 'POST', '/unified/messages', { to: ben.hex, text: 'Hello', _v: { a: [1] } })
  t.equal(sent.status, 201)
  const read = await server.call(ben, 'GET', `/unified/messages?with=${ann.hex}&theme=dark`)
  t.match(read.body, { success: true, error: null, data: [{ id: sent.body.data.id, type: 'text' }] })
})

t.test('1.18 too many requests are refused with the time to wait', async t => {
  const { server, ann } = await startScene(t, { LIMITS_COMMANDS_PER_SECOND: '1', LIMITS_COMMANDS_BURST: '60' })
  const answers = []
  for (let count = 0; count < 10; count++) answers.push(await server.call(ann, 'GET', '/groups'))
  const refused = answers.find(({ status }) => status === 429)
  t.match(refused?.body, { success: false, data: null, error: { code: 'rate_limited', retryAfterMs: Number } })
  t.ok(Number(refused?.headers.get('retry-after')) > 0)
})

t.test('1.18 pages of the origins that are let in may ask', async t => {
  const { server } = await startScene(t, { CORS_ORIGINS: 'https://chat.example.com' })
  const ask = async (origin: string) => {
    const headers = { origin, 'access-control-request-method': 'PATCH' }
    return (await server.call(undefined, 'OPTIONS', '/users/me', undefined, headers)).headers
  }
  t.equal((await ask('https://chat.example.com')).get('access-control-allow-origin'), 'https://chat.example.com')
  t.equal((await ask('https://evil.example')).get('access-control-allow-origin'), null)
})
