import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { joinServer, type Person, startServer, type TestServer, TOGETHER } from '../kit/helper.ts'
import type { Frame, SocketClient } from '../kit/socket-client.ts'

const MISSING = { conversation: `conv_${'a'.repeat(24)}`, message: `msg_${'b'.repeat(24)}` }

/** Commands that name a conversation, for a person who must not know of it. */
function commandsOn(conversationId: string, messageId: string, userId: string): [string, object][] {
  const place = { conversationId, messageId }
  return [
    ['message:send', { conversationId, clientId: randomBytes(6).toString('hex'), text: 'Hello' }],
    ['message:edit', { ...place, text: 'Other' }],
    ['message:delete', { ...place, scope: 'everyone' }],
    ['message:delete', { ...place, scope: 'me' }],
    ['reaction:add', { ...place, emoji: '👍' }],
    ['reaction:remove', { ...place, emoji: '👍' }],
    ['history:get', { conversationId }],
    ['history:get', { conversationId, around: 1 }],
    ['sync:pull', { stream: conversationId, since: 0 }],
    ['receipt:read', { conversationId, seq: 1 }],
    ['receipt:delivered', { conversationId, seq: 1 }],
    ['typing:stop', { conversationId }],
    ['typing:start', { conversationId }],
    ['conversation:update', { conversationId, name: 'Mine' }],
    ['conversation:leave', { conversationId }],
    ['member:add', { conversationId, userIds: [userId] }],
    ['member:remove', { conversationId, userId }],
    ['member:role', { conversationId, userId, role: 'admin' }]
  ]
}

function routesOn(conversationId: string, messageId: string, userId: string): [string, string, object?][] {
  const base = `/v1/conversations/${conversationId}`
  const message = `${base}/messages/${messageId}`
  return [
    ['GET', base],
    ['PATCH', base, { name: 'Mine' }],
    ['GET', `${base}/members`],
    ['POST', `${base}/members`, { userIds: [userId] }],
    ['PATCH', `${base}/members/${userId}`, { role: 'admin' }],
    ['DELETE', `${base}/members/${userId}`],
    ['POST', `${base}/leave`],
    ['POST', `${base}/receipts`, { readSeq: 1 }],
    ['POST', `${base}/typing`, { isTyping: false }],
    ['POST', `${base}/messages`, { clientId: randomBytes(6).toString('hex'), text: 'Hello' }],
    ['GET', `${base}/messages`],
    ['PATCH', message, { text: 'Other' }],
    ['DELETE', message],
    ['DELETE', `${message}?scope=me`],
    ['POST', `${message}/reactions`, { emoji: '👍' }],
    ['DELETE', `${message}/reactions/${encodeURIComponent('👍')}`]
  ]
}

interface Place {
  conversationId: string
  messageId: string
}

/** Require that an outsider gets for a conversation exactly what one that does not exist gives. */
async function requireOutside(
  t: Test,
  server: TestServer,
  who: Person,
  { conversationId, messageId }: Place
): Promise<void> {
  const socket = await server.connect(who)
  const missing = commandsOn(MISSING.conversation, MISSING.message, who.id)
  for (const [index, [type, data]] of commandsOn(conversationId, messageId, who.id).entries()) {
    const [, same] = missing[index] ?? []
    const [error, other] = [await socket.refused(type, data), await socket.refused(type, same)]
    t.equal(error.code, 'not_found', type)
    t.same(error, other, `${type}: as if it did not exist`)
  }
  const absent = routesOn(MISSING.conversation, MISSING.message, who.id)
  for (const [index, [method, path, body]] of routesOn(conversationId, messageId, who.id).entries()) {
    const [, samePath = '', sameBody] = absent[index] ?? []
    const [answer, other] = [
      await server.call(who, method, path, body),
      await server.call(who, method, samePath, sameBody)
    ]
    t.equal(answer.status, 404, `${method} ${path}`)
    const { requestId: _, ...error } = answer.body.error
    t.match(other.body.error, error, `${method} ${path}: as if it did not exist`)
  }
  const list = await server.call(who, 'GET', '/v1/conversations')
  t.same(list.body.conversations, [])
  const heads = await socket.ask('sync:heads', { cursors: { [conversationId]: 1 } })
  t.same(heads.gone, [conversationId])
  t.notOk(heads.heads.some(({ stream }: { stream: string }) => stream === conversationId))
}

/** Does everything that members are told of. */
async function chatter(by: SocketClient, conversationId: string): Promise<string> {
  const sent = await by.ask('message:send', {
    conversationId,
    clientId: randomBytes(6).toString('hex'),
    text: 'A secret'
  })
  const place = { conversationId, messageId: sent.id }
  await by.ask('reaction:add', { ...place, emoji: '🎉' })
  await by.ask('message:edit', { ...place, text: 'A better secret' })
  await by.ask('typing:stop', { conversationId })
  await by.ask('receipt:read', { conversationId, seq: sent.seq })
  await by.ask('conversation:update', { conversationId, name: randomBytes(6).toString('hex') })
  await by.ask('message:delete', { ...place, scope: 'everyone' })
  return sent.id
}

/** Events of a socket up to now. */
async function everything(socket: SocketClient): Promise<string> {
  await socket.ask('ping')
  return JSON.stringify(socket.frames)
}

t.test('G6 isolation: a stranger gets nothing, over no path, and cannot tell that there is something', async t => {
  const server = await joinServer(t)
  const [ann, ben, eve] = (await server.people(3)) as [Person, Person, Person]
  const conversationId = await server.group(ann, ben)
  const [anns, bens, eves] = await Promise.all([server.connect(ann), server.connect(ben), server.connect(eve)])
  const sent = await anns.ask('message:send', { conversationId, clientId: 'm', text: 'Hello' })
  const head = await server.call(ann, 'GET', `/v1/conversations/${conversationId}`)
  await requireOutside(t, server, eve, { conversationId, messageId: sent.id })
  t.same(
    (await server.call(ann, 'GET', `/v1/conversations/${conversationId}`)).body.head,
    head.body.head,
    'and has changed nothing'
  )
  const { rev } = (await server.call(ann, 'GET', `/v1/conversations/${conversationId}`)).body.head
  await chatter(anns, conversationId)
  await bens.next(frame => frame.stream === conversationId && frame.rev > rev && frame.type === 'message:deleted')
  t.notMatch(await everything(eves), conversationId.slice(5))
  const own = await server.group(eve)
  const reply = { conversationId: own, clientId: 'q', text: 'Quoting', replyTo: sent.id }
  t.match(
    await eves.refused('message:send', reply),
    { code: 'not_found' },
    'a message of another conversation is not quoted'
  )
  const place = { conversationId: own, messageId: sent.id }
  t.match(
    await eves.refused('message:edit', { ...place, text: 'x' }),
    { code: 'not_found' },
    'nor reached through one’s own'
  )
  t.match(await eves.refused('message:delete', { ...place, scope: 'me' }), { code: 'not_found' })
  t.match(await eves.refused('sync:pull', { stream: ann.id, since: 0 }), { code: 'not_found' }, 'nobody else’s account')
})

t.test('G6 isolation: nobody reaches a message of elsewhere while its own people change it', async t => {
  const server = await joinServer(t)
  const [ann, ben, eve] = (await server.people(3)) as [Person, Person, Person]
  const [conversationId, own] = [await server.group(ann, ben), await server.group(eve)]
  const [anns, bens, eves] = await Promise.all([server.connect(ann), server.connect(ben), server.connect(eve)])
  const sent = await bens.ask('message:send', { conversationId, clientId: 'm', text: 'A secret' })
  const foreign = { conversationId: own, messageId: sent.id }
  const attempts: Promise<Frame>[] = []
  const changes: Promise<Frame>[] = []
  // Changes that wait at the same time are committed together.
  for (let round = 0; round < 10; round++) {
    const reply = { clientId: `r${round}`, text: 'Quoting', replyTo: sent.id }
    changes.push(anns.ask('message:send', { conversationId, ...reply }))
    attempts.push(eves.refused('message:send', { conversationId: own, ...reply }))
    changes.push(bens.ask('reaction:add', { conversationId, messageId: sent.id, emoji: '👍' }))
    attempts.push(eves.refused('message:delete', { ...foreign, scope: 'everyone' }))
  }
  await Promise.all(changes)
  for (const error of await Promise.all(attempts)) t.match(error, { code: 'not_found' })
  t.notMatch(JSON.stringify(await eves.ask('history:get', { conversationId: own })), 'secret')
  t.match((await anns.ask('history:get', { conversationId })).messages[1], { id: sent.id, text: 'A secret' })
})

t.test('G6 isolation: who was removed, or has left, hears nothing more, on both processes', async t => {
  const server = await startServer(t, TOGETHER)
  const other = await startServer(t, { uri: server.uri, ...TOGETHER })
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  const conversationId = await server.group(ann, ben, cleo)
  const anns = await server.connect(ann)
  const [here, there, cleos] = await Promise.all([server.connect(ben), other.connect(ben), server.connect(cleo)])
  const sent = await anns.ask('message:send', { conversationId, clientId: 'm', text: 'Hello' })
  await anns.ask('member:remove', { conversationId, userId: ben.id })
  await cleos.ask('conversation:leave', { conversationId })
  t.match(await here.next('conversation:removed'), { stream: ben.id, data: { conversationId } })
  t.match(await cleos.next('conversation:removed'), { stream: cleo.id, data: { conversationId } })
  here.frames.length = 0
  cleos.frames.length = 0
  const secret = await chatter(anns, conversationId)
  t.match(await there.next('conversation:removed'), { data: { conversationId } })
  for (const socket of [here, there, cleos]) {
    const heard = await everything(socket)
    t.notMatch(heard, secret)
    t.notMatch(heard, 'secret')
  }
  for (const who of [ben, cleo]) await requireOutside(t, server, who, { conversationId, messageId: sent.id })
  await requireOutside(t, other, ben, { conversationId, messageId: secret })
})

t.test('G6 isolation: who comes later sees nothing from before, and a noop for changes of it', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.group(ann)
  const [anns, bens] = await Promise.all([server.connect(ann), server.connect(ben)])
  const old = await anns.ask('message:send', { conversationId, clientId: 'old', text: 'Before' })
  const place = { conversationId, messageId: old.id }
  const { rev } = await anns.ask('member:add', { conversationId, userIds: [ben.id] })
  t.match(await bens.next('conversation:added'), {
    stream: ben.id,
    data: { id: conversationId, head: { rev: rev + 1, seq: 3 }, me: { joinedSeq: 2 } }
  })
  await anns.ask('message:edit', { ...place, text: 'Before, edited' })
  await anns.ask('reaction:add', { ...place, emoji: '🎉' })
  await anns.ask('message:delete', { ...place, scope: 'everyone' })
  const sent = await anns.ask('message:send', { conversationId, clientId: 'new', text: 'After' })
  await bens.next(frame => frame.rev === sent.rev && frame.type === 'message:new')
  const frames = bens.frames.filter(({ stream }) => stream === conversationId)
  t.same(
    frames.filter(it => it.rev > rev + 1).map(it => [it.rev, it.type, it.data]),
    [2, 3, 4].map(n => [rev + n, 'noop', {}])
  )
  t.match((await bens.ask('history:get', { conversationId })).messages, [{ seq: 3, type: 'system' }, { seq: 4 }])
  t.equal((await bens.ask('history:get', { conversationId, around: 1 })).messages.length, 2)
  const { items } = await bens.ask('sync:pull', { stream: conversationId, since: 0 })
  t.same(
    items
      .filter(({ type }: { type: string }) => type === 'message')
      .map((it: { message: { seq: number } }) => it.message.seq),
    [3, 4]
  )
  for (const [type, data] of [
    ['message:edit', { ...place, text: 'x' }],
    ['message:delete', { ...place, scope: 'me' }],
    ['message:delete', { ...place, scope: 'everyone' }],
    ['reaction:add', { ...place, emoji: '👍' }],
    ['message:send', { conversationId, clientId: 'q', text: 'Quote', replyTo: old.id }]
  ] as const) {
    t.match(await bens.refused(type, data), { code: 'not_found' }, type)
  }
})

t.test('G6 isolation: with the session its sockets end within a second, and its token at once', async t => {
  const server = await joinServer(t)
  const account = { username: `ann${randomBytes(4).toString('hex')}`, password: 'correct horse battery' }
  const first = (await server.call(undefined, 'POST', '/v1/auth/register', account)).body
  const second = (await server.call(undefined, 'POST', '/v1/auth/login', account)).body
  const person = ({ accessToken, user }: typeof first): Person => ({
    token: accessToken,
    id: user.id,
    hex: user.id.slice(5)
  })
  const [kept, lost] = [person(first), person(second)]
  const [stays, ends, endsToo] = await Promise.all([server.connect(kept), server.connect(lost), server.connect(lost)])
  const startedAt = performance.now()
  t.equal((await server.call(kept, 'DELETE', `/v1/sessions/${second.sessionId}`)).status, 204)
  t.match(await server.call(lost, 'GET', '/v1/auth/me'), {
    status: 401,
    body: { error: { code: 'session_revoked', retry: 'auth' } }
  })
  for (const { code } of await Promise.all([ends.closed, endsToo.closed])) t.equal(code, 4102)
  t.ok(performance.now() - startedAt < 1_000)
  const again = await server.socket()
  t.match(await again.refused('hello', { token: lost.token }), { code: 'session_revoked' })
  t.equal((await again.closed).code, 4102)
  t.match(await server.call(undefined, 'POST', '/v1/auth/refresh', { refreshToken: second.refreshToken }), {
    status: 401
  })
  t.match(await stays.ask('ping'), {}, 'the others stay')
})
