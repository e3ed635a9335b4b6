import t, { type Test } from 'tap'
import { ERRORS, type ErrorCode } from '../../protocol/errors.ts'
import { commands } from '../../protocol/index.ts'
import { type Person, startServer, type TestServer } from '../kit/helper.ts'
import { Writes } from '../kit/writes.ts'

const NOBODY = 'a'.repeat(24)

interface Scene {
  server: TestServer
  ann: Person
  ben: Person
  eve: Person
  group: string
  direct: string
  /** Ann's message, Ben's, and one that was deleted. */
  anns: string
  bens: string
  gone: string
}

async function scene(t: Test): Promise<Scene> {
  const server = await startServer(t, { env: { EDIT_WINDOW: '1h', LIMITS_REACTIONS_PER_MESSAGE: '1' } })
  const [ann, ben, eve] = (await server.people(3)) as [Person, Person, Person]
  const [group, direct] = [await server.group(ann, ben), await server.direct(ann, ben)]
  const send = async (by: Person, clientId: string): Promise<string> =>
    (await server.call(by, 'POST', `/v1/conversations/${group}/messages`, { clientId, text: clientId })).body.id
  const [anns, bens, gone] = [await send(ann, 'anns'), await send(ben, 'bens'), await send(ben, 'gone')]
  await server.call(ben, 'DELETE', `/v1/conversations/${group}/messages/${gone}`)
  await server.call(ann, 'POST', `/v1/conversations/${group}/messages/${anns}/reactions`, { emoji: '🎉' })
  return { server, ann, ben, eve, group, direct, anns, bens, gone }
}

/** Commands that are refused: person, command, and code. */
function refusals({ ann, ben, eve, group, direct, anns, bens, gone }: Scene): [Person, string, object, ErrorCode][] {
  const at = (messageId: string) => ({ conversationId: group, messageId })
  const nowhere = { conversationId: `conv_${NOBODY}` }
  const text = 'Text'
  const plan = (ms: number) => ({ clientId: 'plan', text, sendAt: new Date(Date.now() + ms).toISOString() })
  return [
    [ben, 'no:such', {}, 'unknown_type'],
    [ben, 'hello:again', {}, 'unknown_type'],
    [ben, 'auth:refresh', { token: 'nonsense' }, 'unauthenticated'],
    [ben, 'auth:refresh', { token: ann.token }, 'forbidden'],
    [ben, 'ping', { extra: 1 }, 'invalid'],
    [ben, 'sync:heads', { cursors: { conv_x: 1 } }, 'invalid'],
    [ben, 'sync:pull', { stream: group, since: 9_999 }, 'invalid'],
    [ben, 'sync:pull', { stream: ann.id, since: 0 }, 'not_found'],
    [eve, 'sync:pull', { stream: group, since: 0 }, 'not_found'],
    [eve, 'history:get', { conversationId: group }, 'not_found'],
    [ben, 'history:get', { conversationId: group, before: 2, after: 1 }, 'invalid'],
    [eve, 'message:send', { conversationId: group, clientId: 'x', text }, 'not_found'],
    [ben, 'message:send', { ...nowhere, clientId: 'x', text }, 'not_found'],
    [ben, 'message:send', { conversationId: group, clientId: 'x', text: ' \u200b ' }, 'invalid'],
    [ben, 'message:send', { conversationId: group, clientId: 'bens', text: 'Other' }, 'idempotency_mismatch'],
    [ben, 'message:send', { conversationId: direct, clientId: 'x', text, replyTo: anns }, 'not_found'],
    [ben, 'message:send', { conversationId: group, clientId: 'x', text: 'é'.repeat(9_000) }, 'too_large'],
    [ben, 'message:edit', { ...at(anns), text }, 'forbidden'],
    [ben, 'message:edit', { ...at(gone), text }, 'gone'],
    [ben, 'message:edit', { ...at(NOBODY), text }, 'not_found'],
    [ben, 'message:edit', { conversationId: direct, messageId: bens, text }, 'not_found'],
    [ben, 'message:delete', { ...at(anns), scope: 'everyone' }, 'forbidden'],
    [eve, 'message:delete', { ...at(anns), scope: 'me' }, 'not_found'],
    [ben, 'message:delete', { conversationId: direct, messageId: bens, scope: 'me' }, 'not_found'],
    [ben, 'search:messages', { q: ' ' }, 'invalid'],
    [eve, 'search:messages', { q: text, conversationId: group }, 'not_found'],
    [ben, 'message:forward', { messages: [{ ...at(gone), clientId: 'f' }], to: [direct] }, 'gone'],
    [eve, 'message:forward', { messages: [{ ...at(anns), clientId: 'f' }], to: [group] }, 'not_found'],
    [ben, 'message:forward', { messages: [{ ...at(anns), clientId: 'f' }], to: [nowhere.conversationId] }, 'not_found'],
    [ben, 'message:pin', at(anns), 'forbidden'],
    [ann, 'message:pin', at(gone), 'gone'],
    [ben, 'message:unpin', at(anns), 'forbidden'],
    [eve, 'message:unpin', at(anns), 'not_found'],
    [ben, 'message:star', at(gone), 'gone'],
    [eve, 'message:star', at(anns), 'not_found'],
    [ben, 'message:unstar', { conversationId: direct, messageId: bens }, 'not_found'],
    [ben, 'reaction:add', { ...at(bens), emoji: 'x' }, 'invalid'],
    [ben, 'reaction:add', { ...at(anns), emoji: '👍' }, 'quota_reached'],
    [ben, 'reaction:add', { ...at(gone), emoji: '👍' }, 'gone'],
    [ben, 'reaction:remove', { ...at(gone), emoji: '👍' }, 'gone'],
    [eve, 'receipt:delivered', { conversationId: group, seq: 1 }, 'not_found'],
    [eve, 'receipt:read', { conversationId: group, seq: 1 }, 'not_found'],
    [eve, 'typing:start', { conversationId: group }, 'not_found'],
    [eve, 'typing:stop', { conversationId: group }, 'not_found'],
    [ben, 'presence:set', { status: 'busy' }, 'invalid'],
    [ben, 'presence:subscribe', { userIds: [ann.id, ann.id] }, 'invalid'],
    [ben, 'conversation:create', { type: 'direct', userId: ben.id }, 'invalid'],
    [ben, 'conversation:create', { type: 'direct', userId: `user_${NOBODY}` }, 'not_found'],
    [ben, 'conversation:create', { type: 'group', name: 'G', memberIds: [ann.id, NOBODY] }, 'not_found'],
    [ben, 'conversation:update', { conversationId: group, name: 'Mine' }, 'forbidden'],
    [ben, 'conversation:update', { conversationId: direct, name: 'Mine' }, 'invalid'],
    [ben, 'conversation:expiry', { conversationId: group, expireAfterSeconds: 60 }, 'forbidden'],
    [ann, 'conversation:expiry', { conversationId: group, expireAfterSeconds: 5 }, 'invalid'],
    [eve, 'conversation:expiry', { conversationId: group, expireAfterSeconds: 60 }, 'not_found'],
    [ben, 'draft:save', { conversationId: group }, 'invalid'],
    [ben, 'draft:save', { conversationId: direct, text, replyTo: anns }, 'not_found'],
    [eve, 'draft:save', { conversationId: group, text }, 'not_found'],
    [eve, 'draft:delete', { conversationId: group }, 'not_found'],
    [ben, 'scheduled:create', { conversationId: group, ...plan(-1_000) }, 'invalid'],
    [ben, 'scheduled:create', { conversationId: direct, ...plan(60_000), replyTo: anns }, 'not_found'],
    [eve, 'scheduled:create', { conversationId: group, ...plan(60_000) }, 'not_found'],
    [ben, 'scheduled:change', { scheduledId: NOBODY, text, sendAt: plan(60_000).sendAt }, 'not_found'],
    [ben, 'scheduled:cancel', { scheduledId: NOBODY }, 'not_found'],
    [ben, 'conversation:leave', { conversationId: direct }, 'invalid'],
    [eve, 'conversation:leave', { conversationId: group }, 'not_found'],
    [ben, 'member:add', { conversationId: group, userIds: [eve.id] }, 'forbidden'],
    [ann, 'member:add', { conversationId: group, userIds: [eve.id, NOBODY] }, 'not_found'],
    [ann, 'member:add', { conversationId: direct, userIds: [eve.id] }, 'invalid'],
    [ben, 'member:remove', { conversationId: group, userId: ann.id }, 'forbidden'],
    [ann, 'member:remove', { conversationId: group, userId: eve.id }, 'not_found'],
    [ann, 'member:remove', { conversationId: group, userId: ann.id }, 'forbidden'],
    [ben, 'member:role', { conversationId: group, userId: ben.id, role: 'owner' }, 'forbidden'],
    [ann, 'member:role', { conversationId: group, userId: ann.id, role: 'member' }, 'forbidden'],
    [ann, 'member:role', { conversationId: group, userId: eve.id, role: 'admin' }, 'not_found']
  ]
}

/** The same over REST, where there is a route for it. */
function overRest(type: string, data: Record<string, unknown>): [string, string, object?] | undefined {
  const { conversationId, messageId, userId, scheduledId, ...body } = data
  const base = `/v1/conversations/${conversationId}`
  const message = `${base}/messages/${messageId}`
  const { emoji, scope, seq, since: _, ...rest } = body
  const routes: Record<string, [string, string, object?]> = {
    'history:get': ['GET', `${base}/messages?${new URLSearchParams(rest as Record<string, string>)}`],
    'message:send': ['POST', `${base}/messages`, body],
    'message:edit': ['PATCH', message, body],
    'message:delete': ['DELETE', `${message}?scope=${scope}`],
    'search:messages': ['GET', `/v1/search/messages?${new URLSearchParams(data as Record<string, string>)}`],
    'message:forward': ['POST', '/v1/messages/forward', body],
    'message:pin': ['PUT', `${message}/pin`],
    'message:unpin': ['DELETE', `${message}/pin`],
    'message:star': ['PUT', `${message}/star`],
    'message:unstar': ['DELETE', `${message}/star`],
    'reaction:add': ['POST', `${message}/reactions`, body],
    'reaction:remove': ['DELETE', `${message}/reactions/${encodeURIComponent(String(emoji))}`],
    'receipt:read': ['POST', `${base}/receipts`, { readSeq: seq }],
    'receipt:delivered': ['POST', `${base}/receipts`, { deliveredSeq: seq }],
    'typing:stop': ['POST', `${base}/typing`, { isTyping: false }],
    'conversation:create': ['POST', '/v1/conversations', { ...body, ...(userId === undefined ? {} : { userId }) }],
    'conversation:update': ['PATCH', base, body],
    'conversation:expiry': ['PUT', `${base}/expiry`, body],
    'draft:save': ['PUT', `${base}/draft`, body],
    'draft:delete': ['DELETE', `${base}/draft`],
    'scheduled:create': ['POST', `${base}/scheduled-messages`, body],
    'scheduled:change': ['PUT', `/v1/scheduled-messages/${scheduledId}`, body],
    'scheduled:cancel': ['DELETE', `/v1/scheduled-messages/${scheduledId}`],
    'conversation:leave': ['POST', `${base}/leave`],
    'member:add': ['POST', `${base}/members`, body],
    'member:remove': ['DELETE', `${base}/members/${userId}`],
    'member:role': ['PATCH', `${base}/members/${userId}`, body]
  }
  return routes[type]
}

t.test('G8 honest errors: what is refused has changed nothing, and REST says the same as the socket', async t => {
  const it = await scene(t)
  const { server } = it
  const people = [it.ann, it.ben, it.eve]
  const sockets = new Map(await Promise.all(people.map(async who => [who, await server.connect(who)] as const)))
  const writes = await Writes.watch(t, server.uri)
  const table = refusals(it)
  for (const [who, type, data, code] of table) {
    const error = await sockets.get(who)?.refused(type, data)
    t.match(error, { code, message: /./, retry: ERRORS[code].retry }, `${type} → ${code}`)
    const request = overRest(type, data as Record<string, unknown>)
    if (request === undefined) continue
    const [method, path, body] = request
    const answer = await server.call(who, method, path, body)
    t.match(
      answer,
      { status: ERRORS[code].status, body: { error: { code, retry: ERRORS[code].retry } } },
      `${method} ${path}`
    )
  }
  t.same(await writes.take(), [], 'nothing was written')
  const refused = new Set(table.map(([, type]) => type))
  t.same(
    commands.filter(({ type }) => type !== 'hello' && !refused.has(type)).map(({ type }) => type),
    [],
    'every command is in the table'
  )
  for (const socket of sockets.values())
    t.same(
      socket.frames.filter(({ rev }) => rev !== undefined),
      [],
      'and nobody was told'
    )
})

t.test('G8 honest errors: the time to edit is over', async t => {
  const server = await startServer(t, { env: { EDIT_WINDOW: '0' } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const socket = await server.connect(ann)
  const { id: messageId, createdAt } = await socket.ask('message:send', { conversationId, clientId: 'm', text: 'Hi' })
  while (Date.now() <= Date.parse(createdAt)) await socket.ask('ping')
  const writes = await Writes.watch(t, server.uri)
  t.match(await socket.refused('message:edit', { conversationId, messageId, text: 'Late' }), {
    code: 'edit_window_closed',
    retry: 'no'
  })
  t.same(await writes.take(), [])
})
