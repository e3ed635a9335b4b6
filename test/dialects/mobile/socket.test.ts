import t, { type Test } from 'tap'
import { type Person, startServer } from '../../kit/helper.ts'
import type { PacketClient } from '../../kit/packet-client.ts'
import { granter, openApp } from './app.ts'

/** Two people in a single conversation; the first has two devices. */
async function talk(t: Test, version: 2 | 4 = 4) {
  // So long that a slow run does not see typing passed on twice.
  const server = await startServer(t, { env: { LIMITS_TYPING_INTERVAL_MS: '3600000' } })
  const grant = granter(server)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  const { id: conversationId } = await grant(ann, 'POST', '/conversations/single', { userId: ben.hex })
  const open = async (who: Person) => await openApp(t, server, who, version)
  const [a, other, b, c] = await Promise.all([open(ann), open(ann), open(ben), open(cleo)])
  return { server, grant, ann, ben, cleo, conversationId, a, other, b, c }
}

const countOf = (client: PacketClient, name: string, since = 0) =>
  client.heard.slice(since).filter(it => it.name === name).length

/** Says something until the other one is level: what is caught up never tells that a reaction was taken back. */
async function untilLevel(a: PacketClient, b: PacketClient, conversationId: string): Promise<void> {
  const say = async (who: PacketClient) =>
    (await who.ask('message:send', { conversationId, content: 'before' })).data.id
  const reaction = { messageId: await say(a), emoji: '👍' }
  while (countOf(b, 'message:reaction:removed') === 0) {
    for (const name of ['add', 'remove']) await a.ask(`message:reaction:${name}`, reaction)
    const fence = await say(b)
    await b.hear('message:new', ({ id }) => id === fence)
  }
}
const NOT_FOUND = { error: { code: 'not_found', message: String } }

for (const version of [4, 2] as const) {
  t.test(`0.14 0.15 a whole talk with socket.io-client ${version} reaches every device of both`, async t => {
    const { conversationId, ann, ben, a, other, b, c } = await talk(t, version)
    const everybody = [a, other, b]
    const sent = await a.ask('message:send', { conversationId, content: 'Hello', clientId: 'c-1' })
    t.match(sent, { success: true, data: { content: 'Hello', senderId: ann.hex, clientId: 'c-1' } })
    const messageId = sent.data.id
    for (const client of everybody) t.same(await client.hear('message:new'), sent.data, 'the sending socket too')
    const edited = await a.ask('message:edit', { messageId, content: 'Hello!' })
    t.match(edited.data, { id: messageId, content: 'Hello!', isEdited: true })
    for (const client of everybody) t.same(await client.hear('message:edited'), edited.data)
    const reaction = { conversationId, messageId, userId: ben.hex, emoji: '👍' }
    t.same((await b.ask('message:reaction:add', { messageId, emoji: '👍' })).data, reaction)
    for (const client of everybody) t.same(await client.hear('message:reaction:added'), reaction)
    t.same((await b.ask('message:reaction:remove', { messageId, emoji: '👍' })).data, reaction)
    for (const client of everybody) t.same(await client.hear('message:reaction:removed'), reaction)
    t.same((await b.ask('message:read', { conversationId, messageId })).data, { conversationId, messageId })
    for (const client of everybody) {
      t.same(await client.hear('message:read'), { conversationId, messageId, userId: ben.hex })
    }
    for (const name of ['typing:start', 'typing:stop']) {
      t.match(await b.ask(name, { conversationId }), { success: true })
      for (const client of [a, other]) t.same(await client.hear(name), { conversationId, userId: ben.hex })
    }
    t.same((await a.ask('message:delete', { messageId })).data, { conversationId, messageId })
    for (const client of everybody) t.same(await client.hear('message:deleted'), { conversationId, messageId })
    t.same(c.heard, [], 'nobody else hears a thing')
  })
}

t.test('0.14 each takes effect once even when it is repeated', async t => {
  const { grant, ann, conversationId, a, b } = await talk(t)
  await untilLevel(a, b, conversationId)
  const since = b.heard.length
  const send = async (content: string, clientId: string) =>
    await a.ask('message:send', { conversationId, content, clientId })
  const say = async (content: string, clientId: string) => (await send(content, clientId)).data
  const [first, again] = [await say('once', 'c-1'), await say('once', 'c-1')]
  t.same(again, first)
  const messageId = first.id
  for (const [name, data] of [
    ['message:edit', { messageId, content: 'changed' }],
    ['message:reaction:add', { messageId, emoji: '👍' }],
    ['message:reaction:remove', { messageId, emoji: '👍' }],
    ['message:delete', { messageId }]
  ] as const) {
    for (let time = 0; time < 2; time++) t.match(await a.ask(name, data), { success: true }, name)
  }
  for (let time = 0; time < 3; time++) t.match(await a.ask('typing:start', { conversationId }), { success: true })
  const last = await say('last', 'c-2')
  for (let time = 0; time < 2; time++) await b.ask('message:read', { conversationId, messageId: last.id })
  await b.ask('message:read', { conversationId, messageId })
  const end = (await b.ask('message:send', { conversationId, content: 'the end' })).data
  await b.hear('message:new', ({ id }) => id === end.id)
  await b.ask('message:read', { conversationId, messageId: end.id })
  await b.hear('message:read', it => it.messageId === end.id)
  for (const name of ['edited', 'reaction:added', 'reaction:removed', 'deleted']) {
    t.equal(countOf(b, `message:${name}`, since), 1, name)
  }
  t.equal(countOf(b, 'message:read', since), 2, 'one for each that moved it')
  t.equal(countOf(b, 'message:new', since), 3)
  t.equal(countOf(b, 'typing:start', since), 1)
  t.match(await send('other words', 'c-2'), { error: { code: 'idempotency_mismatch' } })
  const messages = await grant(ann, 'GET', `/messages?conversationId=${conversationId}`)
  const deleted = messages.find(({ id }: { id: string }) => id === messageId)
  t.match(deleted, { isDeleted: true, content: '', reactions: [], deletedAt: String })
})

t.test('0.14 what is not one’s own, foreign or forged is answered with an error and changes nothing', async t => {
  const { grant, ann, ben, conversationId, a, b, c } = await talk(t)
  const { id: messageId } = (await a.ask('message:send', { conversationId, content: 'mine' })).data
  const forbidden = { error: { code: 'forbidden' } }
  t.match(await b.ask('message:edit', { messageId, content: 'yours' }), forbidden)
  t.match(await b.ask('message:delete', { messageId }), forbidden)
  for (const [name, data] of [
    ['message:send', { conversationId, content: 'x' }],
    ['message:edit', { messageId, content: 'x' }],
    ['message:delete', { messageId }],
    ['message:delete', { messageId, scope: 'me' }],
    ['message:reaction:add', { messageId, emoji: '👍' }],
    ['message:read', { conversationId, messageId }],
    ['typing:start', { conversationId }],
    ['typing:stop', { conversationId }]
  ] as const) {
    t.match(await c.ask(name, data), NOT_FOUND, `a stranger: ${name}`)
  }
  t.match(await b.ask('message:read', { conversationId, messageId: 'f'.repeat(24) }), NOT_FOUND)
  t.match(await b.ask('message:reaction:add', { messageId, emoji: 'text' }), { error: { code: 'invalid' } })
  t.match(await b.ask('message:edit', { messageId }), { error: { code: 'invalid' } })
  t.match(await b.ask('message:send', 'text'), { error: { code: 'invalid' } })
  t.match(await b.ask('message:fly', {}), { error: { code: 'unknown_type' } })
  b.socket.emit('message:send', { conversationId, content: '', clientId: 'c-9' })
  t.match(await b.hear('error'), { code: 'invalid', event: 'message:send', clientId: 'c-9' })
  const messages = await grant(ann, 'GET', `/messages?conversationId=${conversationId}`)
  t.match(messages, [{ id: messageId, content: 'mine', isEdited: false, isDeleted: false, reactions: [] }])
  t.equal(messages.length, 1)
  const seen = await grant(ben, 'GET', `/conversations/${conversationId}`)
  t.match(seen, { unreadCount: 1 }, 'a forged receipt moved nothing')
})

t.test('0.14 a message deleted for oneself is gone from one’s own devices and stays with the others', async t => {
  const { grant, ann, ben, conversationId, a, b, other } = await talk(t)
  const { id: messageId } = (await b.ask('message:send', { conversationId, content: 'text' })).data
  await a.hear('message:new')
  t.match(await a.ask('message:delete', { messageId, scope: 'me' }), { success: true })
  for (const client of [a, other]) t.same(await client.hear('message:deleted'), { conversationId, messageId })
  t.same(await grant(ann, 'GET', `/messages?conversationId=${conversationId}`), [])
  t.equal((await grant(ben, 'GET', `/messages?conversationId=${conversationId}`)).length, 1)
  await a.ask('message:send', { conversationId, content: 'next' })
  await b.hear('message:new', ({ content }) => content === 'next')
  t.equal(countOf(b, 'message:deleted'), 0)
})

t.test('0.15 people of other apps are heard and told, and who was away is sent what they missed', async t => {
  const { server, grant, ann, ben, conversationId, a, b, other } = await talk(t)
  await server.call(ben, 'POST', `/api/v1/chat/${ann.hex}/messages`, { text: 'from another app' })
  t.match(await a.hear('message:new'), { content: 'from another app', senderId: ben.hex, conversationId })
  const raw = await server.socket('/ws?dialect=mobile')
  await raw.ask('hello', { token: ben.token })
  const sent = await raw.ask('message:send', { conversationId, content: 'raw' })
  t.match(sent, { success: true, data: { content: 'raw' } })
  t.same((await raw.next(({ type, data }) => type === 'message:new' && data.content === 'raw')).data, sent.data)
  await other.hear('message:new', ({ content }) => content === 'raw')
  b.socket.close()
  raw.terminate()
  await a.hear('user:offline', ({ userId }) => userId === ben.hex)
  for (const content of ['one', 'two']) await a.ask('message:send', { conversationId, content })
  const back = await openApp(t, server, ben)
  await back.hear('message:new', ({ content }) => content === 'two')
  const contents = back.heard.filter(({ name }) => name === 'message:new').map(({ data }) => data.content)
  // Of what came to another client of the device it may not be known that it arrived.
  const said = ['from another app', 'raw', 'one', 'two']
  t.ok(contents.length >= 2)
  t.same(contents, said.slice(-contents.length))
  t.match(await grant(ben, 'GET', '/conversations'), [{ unreadCount: 2 }], 'it is not read by that')
})
