import t from 'tap'
import { PASSWORD } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'
import { SocketClient } from '../kit/socket-client.ts'
import { MongodProcess, ServerProcess } from './rig.ts'

/** More than anybody waits for a database that does not come back, ms. */
const BOUND_MS = 15_000

interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: each app has bodies of its own
  readonly body: any
}

async function call(url: string, token: string, method: string, path: string, body?: object): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    signal: AbortSignal.timeout(BOUND_MS),
    ...(body && { body: JSON.stringify(body) })
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json')
  return { status: response.status, headers: response.headers, body: isJson && text !== '' ? JSON.parse(text) : text }
}

/** Lines of the log about the database, and about failures. */
function outageLines({ output }: ServerProcess): string[] {
  return output.flatMap(line => (/"level":(40|50|60)|database is back/.test(line) ? [JSON.parse(line).msg] : []))
}

t.test('a database that goes away and comes back', async t => {
  const mongod = await MongodProcess.run(t)
  const server = await ServerProcess.run(t, mongod.uri, { OTP_DELIVERY: 'log' })
  const { url } = server
  const ws = url.replace('http', 'ws')
  const [ann, ben] = await server.people(2)
  if (ann === undefined || ben === undefined) throw new Error('There are two people')
  const account = { username: 'carl', password: PASSWORD }
  await call(url, '', 'POST', '/v1/auth/register', account)
  const { body: chat } = await call(url, ann.token, 'POST', '/v1/conversations', { type: 'direct', userId: ben.id })
  const conversationId: string = chat.id
  const socket = await SocketClient.open(`${ws}/ws`)
  t.teardown(() => socket.terminate())
  await socket.ask('hello', { token: ann.token })
  const packets = await PacketClient.open(t, url, { namespace: '/mobile', auth: { token: ben.token } })
  // It is let in fully once it is answered.
  await packets.ask('no:such', {})
  t.strictSame(outageLines(server), [], 'nothing is wrong at first')

  await t.test('U57: whatever is asked meanwhile is answered busy, in the shape of each app', async t => {
    await mongod.freeze()
    const written = call(url, ann.token, 'PATCH', '/v1/users/me', { displayName: 'Anna' })
    const read = call(url, ann.token, 'GET', '/v1/users/me')
    await call(url, '', 'GET', '/health/live')
    await mongod.kill()
    const late = await SocketClient.open(`${ws}/ws`)
    t.teardown(() => late.terminate())
    const asked: [string, string, object?][] = [
      ['GET', '/v1/conversations'],
      ['GET', '/v1/users/me'],
      ['PATCH', '/v1/users/me', { displayName: 'Ann' }],
      ['POST', '/v1/conversations', { type: 'group', name: 'Group', memberIds: [ben.id] }],
      ['POST', `/v1/conversations/${conversationId}/messages`, { clientId: 'x', text: 'Hello' }],
      ['GET', `/v1/conversations/${conversationId}/messages`],
      ['POST', '/v1/auth/login', account],
      ['POST', '/v1/auth/tickets', {}],
      ['GET', '/v1/events'],
      ['GET', '/api/sse'],
      ['GET', '/unified/conversations'],
      ['GET', '/mobile/users/me'],
      ['GET', '/api/friends'],
      ['GET', '/api/v1/chat']
    ]
    const said: [string, object][] = [
      ['history:get', { conversationId }],
      ['sync:pull', { stream: conversationId, since: 0 }],
      ['receipt:read', { conversationId, seq: 1 }],
      ['message:send', { conversationId, clientId: 'y', text: 'Hello' }]
    ]
    const [answers, refusals, hello, packet] = await Promise.all([
      Promise.all(asked.map(async ([method, path, body]) => await call(url, ann.token, method, path, body))),
      Promise.all(said.map(async ([type, data]) => await socket.refused(type, data))),
      late.refused('hello', { token: ben.token }),
      packets.ask('message:send', { conversationId: conversationId.slice(5), content: 'Hello' })
    ])
    for (const [index, { status, headers, body }] of answers.entries()) {
      const name = asked[index]?.slice(0, 2).join(' ')
      t.strictSame([status, headers.get('retry-after')], [503, '1'], `${name} says when to come again`)
      t.match(JSON.stringify(body), /"busy"/, `${name} is busy`)
      t.match(JSON.stringify(body), /The database is not available/, `${name} says why`)
    }
    for (const [index, error] of refusals.entries()) {
      t.match(error, { code: 'busy', retry: 'later', retryAfterMs: 1_000 }, `${said[index]?.[0]} is busy`)
    }
    t.match((await written).body, { error: { code: 'unknown_outcome' } }, 'what was under way may be done')
    t.match((await read).body, { error: { code: 'busy' } }, 'but for what only reads')
    t.match(hello, { code: 'busy', retryAfterMs: 1_000 }, 'hello is busy')
    t.match(await late.closed, { code: 4201, reason: 'overloaded' }, 'and its socket is to come again')
    t.match(JSON.stringify(packet), /busy/, 'a packet is busy')
    t.match(await socket.refused('history:get', { conversationId }), { code: 'busy' }, 'and so it stays')
    t.strictSame(
      outageLines(server),
      ['The database cannot be reached; until it is back, requests are `busy`'],
      'it is logged once'
    )
  })

  await t.test('U58: readiness says no within 3 s', async t => {
    const { status, body } = await call(url, ann.token, 'GET', '/health/ready')
    t.strictSame([status, body], [503, { status: 'unavailable' }])
    const { status: live } = await call(url, ann.token, 'GET', '/health/live')
    t.equal(live, 200, 'the process lives')
  })

  await t.test('U57: it is back without a restart, and that is logged once', async t => {
    await mongod.start()
    let isReady = false
    while (!isReady) isReady = (await call(url, ann.token, 'GET', '/health/ready')).status === 200
    t.match(await socket.ask('message:send', { conversationId, clientId: 'y', text: 'Hello' }), { seq: 1 })
    const { body } = await call(url, ben.token, 'GET', `/v1/conversations/${conversationId}/messages`)
    t.equal(body.messages.length, 1, 'what was refused was not sent')
    t.equal((await call(url, '', 'POST', '/v1/auth/login', account)).status, 200)
    t.strictSame(outageLines(server).slice(1), ['The database is back'])
  })
})
