import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { Coalescer } from '../../src/limits/coalescer.ts'
import { TokenBucket } from '../../src/limits/token-buckets.ts'
import { type Person, startServer } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'
import type { Frame } from '../kit/socket-client.ts'

type People = [Person, Person, Person]

t.test('S16: what a person does on all faces and connections comes out of one budget', async t => {
  const server = await startServer(t, { env: { LIMITS_COMMANDS_PER_SECOND: '1', LIMITS_COMMANDS_BURST: '40' } })
  const [ann, ben] = (await server.people(2)) as People
  const sockets = await Promise.all([server.connect(ann), server.connect(ann)])
  const packets = await PacketClient.open(t, server.url, { namespace: '/unified', auth: { token: ann.token } })
  const other = await server.connect(ben)
  const ways: (() => Promise<{ code?: string; retryAfterMs?: number } | undefined>)[] = [
    ...sockets.map(socket => async () => {
      const id = socket.say('ping')
      return (await socket.next((frame: Frame) => frame.id === id)).error
    }),
    async () => (await server.call(ann, 'GET', '/v1/users/me')).body.error,
    async () => (await server.call(ann, 'GET', '/users/me')).body.error,
    async () => (await packets.ask('nothing', {})).error
  ]
  const refused: { code?: string; retryAfterMs?: number }[] = []
  for (let turn = 0; turn < 12; turn++) {
    for (const way of ways) {
      const error = await way()
      if (error?.code === 'rate_limited') refused.push(error)
    }
  }
  t.ok(refused.length >= 5, `${refused.length} of 60`)
  t.equal((await server.call(ben, 'GET', '/v1/users/me')).status, 200, 'a neighbour is not concerned')
  t.match(await other.ask('ping'), { serverTime: String })
  const [socket] = sockets
  const waitFor = async (type: string): Promise<number | undefined> => {
    const id = socket.say(type)
    return (await socket.next((frame: Frame) => frame.id === id)).error?.retryAfterMs
  }
  let wait = await waitFor('sync:heads')
  while (wait === undefined) wait = await waitFor('sync:heads')
  for (let tries = 0; wait !== undefined && tries < 5; tries++) {
    await delay(wait)
    wait = await waitFor('ping')
  }
  t.equal(wait, undefined, 'who waits as told is served')
})

t.test('S16: a list, a page and a change of a group weigh more', async t => {
  const server = await startServer(t, { env: { LIMITS_COMMANDS_PER_SECOND: '1', LIMITS_COMMANDS_BURST: '30' } })
  const [ann] = (await server.people(1)) as People
  const group = { type: 'group', name: 'Group' }
  t.equal((await server.call(ann, 'POST', '/v1/conversations', group)).status, 201)
  const refused = await server.call(ann, 'POST', '/v1/conversations', group)
  t.match(refused, { status: 429, body: { error: { code: 'rate_limited', retryAfterMs: Number } } })
  t.equal((await server.call(ann, 'GET', '/v1/users/me')).status, 200, 'what weighs little goes on')
})

t.test('S09: large answers weigh more, on every face', async t => {
  const server = await startServer(t, { env: { LIMITS_COMMANDS_PER_SECOND: '1', LIMITS_COMMANDS_BURST: '60' } })
  const [ann, ben, cem] = (await server.people(3)) as People
  const conversationId = await server.direct(ann, ben)
  const path = `/v1/conversations/${conversationId}/messages`
  for (let n = 0; n < 12; n++) await server.call(ann, 'POST', path, { clientId: `c${n}`, text: 'x'.repeat(16_000) })
  const socket = await server.connect(cem)
  const codes = async (ask: () => Promise<string | undefined>) => {
    const answered = []
    for (let n = 0; n < 14; n++) answered.push(await ask())
    return answered
  }
  const overRest = await codes(async () => (await server.call(ben, 'GET', path)).body.error?.code)
  t.equal(overRest[0], undefined)
  t.equal(overRest.at(-1), 'rate_limited', 'fourteen pages of about eight are beyond sixty')
  const reader = await server.connect(ann)
  const overSocket = await codes(async () => {
    const id = reader.say('history:get', { conversationId })
    return (await reader.next((frame: Frame) => frame.id === id)).error?.code
  })
  t.equal(overSocket.at(-1), 'rate_limited')
  t.match(await socket.ask('ping'), { serverTime: String }, 'a neighbour is not concerned')
})

t.test('S16: typing and presence over the budget are dropped without a word', async t => {
  const server = await startServer(t, { env: { LIMITS_COMMANDS_PER_SECOND: '1', LIMITS_COMMANDS_BURST: '10' } })
  const [ann, ben] = (await server.people(2)) as People
  const conversationId = await server.direct(ann, ben)
  const socket = await server.connect(ann)
  const said = [
    ['typing:start', { conversationId }],
    ['typing:stop', { conversationId }],
    ['presence:set', { status: 'away' }]
  ] as const
  const ids = Array.from({ length: 10 }, () => said.map(([type, data]) => socket.say(type, data))).flat()
  for (const id of ids) t.match(await socket.next((frame: Frame) => frame.id === id), { ok: true })
  t.equal((await socket.refused('sync:heads')).code, 'rate_limited', 'while the budget is spent')
})

t.test('S16: typing is passed on once in its interval, and its end once; not in large groups', async t => {
  const server = await startServer(t, { env: { LIMITS_TYPING_INTERVAL_MS: '60000' } })
  const [ann, ben, cem] = (await server.people(3)) as People
  const conversationId = await server.direct(ann, ben)
  const [by, to] = await Promise.all([server.connect(ann), server.connect(ben)])
  for (let n = 0; n < 5; n++) {
    await by.ask('typing:start', { conversationId })
    await by.ask('typing:stop', { conversationId })
    await by.ask('typing:stop', { conversationId })
  }
  const others = await server.people(63)
  const large = await server.group(ann, ben, ...others)
  const small = await server.group(ann, ben, cem)
  await by.ask('typing:start', { conversationId: large })
  await by.ask('typing:start', { conversationId: small })
  await to.next((frame: Frame) => frame.type === 'typing:start' && frame.data.conversationId === small)
  t.same(
    to.frames.filter(({ type }) => type.startsWith('typing:')).map(({ type, data }) => [type, data.conversationId]),
    [
      ['typing:start', conversationId],
      ['typing:stop', conversationId]
    ]
  )
})

t.test(
  'S16: presence and profile of a person who changes them all the time are told now and then, the last one surely',
  async t => {
    const server = await startServer(t, { env: { TIMINGS_LIVE_PAUSE_MS: '500' } })
    const [ann, ben] = (await server.people(2)) as People
    await server.direct(ann, ben)
    const to = await server.connect(ben)
    await to.ask('presence:subscribe', { userIds: [ann.id] })
    const by = await server.connect(ann)
    for (let n = 0; n < 20; n++) {
      await by.ask('presence:set', { status: n % 2 === 0 ? 'away' : 'offline' })
      await server.call(ann, 'PATCH', '/v1/users/me', { displayName: `Ann ${n}` })
    }
    await by.ask('presence:set', { status: 'away' })
    const isLast = ({ type, data }: Frame) => type === 'presence' && data.status === 'away'
    await to.next((frame: Frame) => frame.type === 'profile:updated' && frame.data.displayName === 'Ann 19')
    const seen = to.frames.filter(({ type }) => type === 'presence' || type === 'profile:updated')
    t.ok(seen.length < 20, `${seen.length} of 41 were told`)
    if (!seen.some(isLast)) await to.next(isLast)
    t.match((await to.ask('presence:subscribe', { userIds: [ann.id] })).presence, [{ status: 'away' }])
  }
)

t.test('S16: edits and reactions of a person are as many as sends', async t => {
  const server = await startServer(t, { env: { LIMITS_SENDS_PER_SECOND: '1', LIMITS_SENDS_BURST: '3' } })
  const [ann, ben] = (await server.people(2)) as People
  const conversation = await server.direct(ann, ben)
  const path = `/v1/conversations/${conversation}/messages`
  const { id } = (await server.call(ann, 'POST', path, { clientId: 'a', text: 'Hi' })).body
  const codes = []
  for (const emoji of ['👍', '🎉', '🙂', '🚀', '🌍', '🍎']) {
    codes.push((await server.call(ann, 'POST', `${path}/${id}/reactions`, { emoji })).status)
  }
  t.same(codes.slice(0, 3), [200, 200, 200])
  t.ok(codes.includes(429))
  const edited = await server.call(ann, 'PATCH', `${path}/${id}`, { text: 'Two' })
  if (edited.status !== 200) t.match(edited, { status: 429, body: { error: { retryAfterMs: Number } } })
  t.equal((await server.call(ben, 'POST', `${path}/${id}/reactions`, { emoji: '👍' })).status, 200)
  t.equal((await server.call(ann, 'POST', path, { clientId: 'b', text: 'Hi' })).status, 201, 'sends are their own')
})

t.test('what comes while the interval runs is passed on at its end, the newest only', async t => {
  const passed: string[] = []
  let wake = (): void => undefined
  const coalescer = new Coalescer<string>(20, value => {
    passed.push(value)
    wake()
  })
  for (const value of ['a1', 'a2', 'a3']) coalescer.push('a', value)
  coalescer.push('b', 'b1')
  t.same(passed, ['a1', 'b1'])
  await new Promise<void>(resolve => {
    wake = resolve
  })
  t.same(passed, ['a1', 'b1', 'a3'])
})

t.test('a bucket gives as many as it holds, and tells how long more will take', t => {
  const bucket = new TokenBucket({ perSecond: 10, burst: 100 })
  t.equal(bucket.take(60), 0)
  t.equal(bucket.take(40), 0)
  t.ok(bucket.take(50) > 4_000)
  t.ok(bucket.take(1_000) <= 10_000, 'more than it ever holds is as much as it holds')
  t.end()
})
