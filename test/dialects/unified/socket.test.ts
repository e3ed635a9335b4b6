import t from 'tap'
import type { Person, TestServer } from '../../kit/helper.ts'
import type { PacketClient } from '../../kit/packet-client.ts'
import { openApp, startScene } from './scene.ts'

/** Says a word to somebody, and waits until they have heard it: whatever was told before has arrived by then. */
async function settle(server: TestServer, from: Person, to: Person, client: PacketClient) {
  const { data } = (await server.call(from, 'POST', '/messages', { to: to.hex, text: 'Settled' })).body
  await client.hear('receive-message', ({ id }) => id === data.id)
}

const named = (client: PacketClient, name: string) => client.heard.filter(it => it.name === name)

for (const version of [4, 2] as const) {
  const how = `with socket.io-client ${version}`

  t.test(`1.15 both words send, and every device of both receives, ${how}`, async t => {
    const { server, ann, ben } = await startScene(t)
    const open = async (who: Person) => await openApp(t, server, who, version)
    const [a, laptop, b] = [await open(ann), await open(ann), await open(ben)]
    const first = await a.ask('send-message', { to: ben.hex, content: 'Hello', from: ben.hex, tempId: 7 })
    t.match(first, { content: 'Hello', text: 'Hello', sender: ann.hex, from: ann.hex, to: ben.hex })
    const second = await b.ask('message', { conversation: first.conversation, text: 'Hi', clientId: 'x1' })
    t.match(second, { content: 'Hi', from: ben.hex, to: ann.hex, clientId: 'x1' })
    t.equal((await b.ask('message', { conversation: first.conversation, text: 'Hi', clientId: 'x1' })).id, second.id)
    for (const client of [a, laptop, b]) {
      t.match(await client.hear('receive-message', ({ id }) => id === first.id), first)
      t.match(await client.hear('receive-message', ({ id }) => id === second.id), second)
    }
    await settle(server, ann, ben, b)
    t.equal(named(b, 'receive-message').length, 3, 'each once')
  })

  t.test(`1.15 edits, deletions and reactions are told, ${how}`, async t => {
    const { server, ann, ben } = await startScene(t)
    const [a, b] = [await openApp(t, server, ann, version), await openApp(t, server, ben, version)]
    const { id, conversationId } = await a.ask('send-message', { to: ben.hex, content: 'Helo' })
    await server.call(ann, 'PATCH', `/messages/${id}`, { content: 'Hello' })
    t.match(await b.hear('message_edited'), { id, conversationId, content: 'Hello', text: 'Hello', isEdited: true })
    await server.call(ben, 'POST', `/messages/${id}/reactions`, { emoji: '👍' })
    const reacted = { messageId: id, conversationId, userId: ben.hex, emoji: '👍', action: 'added' }
    t.match(await a.hear('message_reaction'), { ...reacted, reactionCounts: { '👍': 1 } })
    await server.call(ben, 'DELETE', `/messages/${id}`)
    t.match(await b.hear('message_deleted'), { messageId: id, conversationId, scope: 'me' })
    await server.call(ann, 'DELETE', `/messages/${id}?scope=everyone`)
    const forAll = { messageId: id, conversationId, scope: 'everyone', text: '', isDeleted: true }
    t.match(await a.hear('message_deleted'), forAll)
    t.equal(named(a, 'message_deleted').length, 1, 'what Ben deleted for himself is not for Ann to know')
  })

  t.test(`1.15 typing and its end are told to the other side, ${how}`, async t => {
    const { server, ann, ben } = await startScene(t)
    const conversationId = (await server.direct(ann, ben)).slice(-24)
    const [a, b] = [await openApp(t, server, ann, version), await openApp(t, server, ben, version)]
    for (const place of [{ conversationId }, { conversation: conversationId }, { to: ben.hex }]) {
      t.strictSame(await a.ask('typing', place), {}, 'also sooner than it is passed on again')
    }
    const told = { conversationId, conversation: conversationId, userId: ann.hex, from: ann.hex, to: ben.hex }
    t.strictSame(await b.hear('typing'), { ...told, isTyping: true })
    a.socket.emit('typing-stopped', { conversationId })
    t.strictSame(await b.hear('typing-stopped'), { ...told, isTyping: false })
    t.strictSame(await b.ask('typing', { to: ann.hex, isTyping: false }), {})
    t.match(await a.hear('typing-stopped'), { from: ben.hex, isTyping: false })
    t.equal(named(a, 'typing').length, 0, 'nobody hears themselves')
  })

  t.test(`1.15 what is refused is answered with its code, ${how}`, async t => {
    const { server, ann, ben, cleo } = await startScene(t)
    const conversationId = await server.direct(ann, ben)
    const c = await openApp(t, server, cleo, version)
    t.match(await c.ask('send-message', { conversationId, content: 'Hi' }), { error: { code: 'not_found' } })
    t.match(await c.ask('send-message', { content: 'Hi' }), { error: { code: 'invalid' } })
    t.match(await c.ask('typing', { conversationId }), { error: { code: 'not_found' } })
    c.socket.emit('message', { conversationId, text: 'Hi', clientId: 'x9' })
    t.match(await c.hear('error'), { code: 'not_found', event: 'message', clientId: 'x9' })
  })

  t.test(`1.14 cursors move forward only and are told to the others, ${how}`, async t => {
    const { server, ann, ben } = await startScene(t)
    const [a, b] = [await openApp(t, server, ann, version), await openApp(t, server, ben, version)]
    const phone = await openApp(t, server, ben, version)
    const one = await a.ask('send-message', { to: ben.hex, content: '1' })
    const two = await a.ask('send-message', { to: ben.hex, content: '2' })
    const { conversationId } = one
    const at = { conversationId, conversation: conversationId, userId: ben.hex }
    t.match(await b.ask('delivered', { conversationId, deliveredUpTo: two.id }), { ...at, deliveredUpTo: two.id })
    t.match(await a.hear('delivered', it => it.deliveredUpTo === two.id), { ...at, deliveredUpTo: two.id })
    const read = await b.ask('read_up_to', { conversation: conversationId, readUpTo: two.id })
    t.match(read, { ...at, readUpTo: two.id, deliveredUpTo: two.id })
    t.strictSame(await a.hear('read_up_to'), { ...at, readUpTo: two.id })
    t.match(await b.ask('read_up_to', { conversationId, readUpTo: one.id }), { readUpTo: two.id }, 'never back')
    await settle(server, ann, ben, phone)
    t.equal(named(a, 'read_up_to').length, 1)
    for (const client of [b, phone]) t.equal(named(client, 'read_up_to').length, 0, 'not to the reader')
  })

  t.test(`1.14 on connect everything undelivered is sent and marked, and the senders are told, ${how}`, async t => {
    const { server, ann, ben } = await startScene(t)
    const a = await openApp(t, server, ann, version)
    const one = await a.ask('send-message', { to: ben.hex, content: '1' })
    const two = await a.ask('send-message', { to: ben.hex, content: '2' })
    const { conversationId } = one
    const b = await openApp(t, server, ben, version)
    const told = { conversationId, conversation: conversationId, userId: ben.hex, deliveredUpTo: two.id }
    t.strictSame(await a.hear('catchupDelivered'), told)
    t.strictSame(await a.hear('delivered'), told, 'under the ordinary name as well')
    await b.hear('receive-message', ({ id }) => id === two.id)
    const missed = named(b, 'receive-message').map(({ data }) => data.id)
    t.strictSame(missed, [one.id, two.id], 'in order')
    const { data } = (await server.call(ann, 'GET', `/conversations/${conversationId}`)).body
    const cursors = data.members.find((it: { userId: string }) => it.userId === ben.hex)
    t.match(cursors, { deliveredUpTo: two.id, readUpTo: null })
  })

  t.test(`1.17 somebody is there until the last of their devices is gone, ${how}`, async t => {
    const { server, ann, ben } = await startScene(t)
    await server.direct(ann, ben)
    const a = await openApp(t, server, ann, version)
    const [laptop, phone] = [await openApp(t, server, ben, version), await openApp(t, server, ben, version)]
    const online = { userId: ben.hex, online: true, status: 'online', lastSeen: null }
    t.strictSame(await a.hear('presence', it => it.userId === ben.hex), online)
    laptop.socket.close()
    await settle(server, ann, ben, phone)
    t.match((await server.call(ann, 'GET', `/presence?ids=${ben.hex}`)).body.data, [online])
    phone.socket.close()
    const gone = await a.hear('presence', it => !it.online)
    t.match(gone, { userId: ben.hex, online: false, status: 'offline', lastSeen: String })
    t.strictSame(
      named(a, 'presence').map(({ data }) => data.online),
      [true, false],
      'each once'
    )
    const { body } = await server.call(ann, 'GET', `/users/profile/${ben.hex}`)
    t.match(body.data, { online: false, lastSeen: gone.lastSeen })
  })
}

t.test('1.14 a forged or foreign message moves no cursor', async t => {
  const { server, ann, ben, cleo } = await startScene(t)
  const [a, b, c] = [await openApp(t, server, ann), await openApp(t, server, ben), await openApp(t, server, cleo)]
  const mine = await a.ask('send-message', { to: ben.hex, content: '1' })
  const elsewhere = await a.ask('send-message', { to: cleo.hex, content: '2' })
  const { conversationId } = mine
  const forged = [{ readUpTo: 'f'.repeat(24) }, { readUpTo: elsewhere.id }]
  for (const mark of forged) {
    t.match(await b.ask('read_up_to', { conversationId, ...mark }), { error: { code: 'not_found' } })
  }
  t.match(await c.ask('read_up_to', { conversationId, readUpTo: mine.id }), { error: { code: 'not_found' } })
  t.match(await b.ask('read_up_to', { conversationId }), { error: { code: 'invalid' } })
  const { data } = (await server.call(ben, 'GET', `/conversations/${conversationId}`)).body
  t.match(data, { readUpTo: null, unreadCount: 1 })
})

t.test('1.14 nothing of it passes between people apart by a block', async t => {
  const { server, ann, ben, cleo } = await startScene(t)
  const group = (await server.group(ann, ben, cleo)).slice(-24)
  await server.call(ben, 'POST', '/v1/blocks', { userId: ann.id })
  const [a, b, c] = [await openApp(t, server, ann), await openApp(t, server, ben), await openApp(t, server, cleo)]
  const { id } = await a.ask('send-message', { conversationId: group, content: 'To all of us' })
  await b.hear('receive-message', it => it.id === id)
  await b.ask('typing', { conversationId: group })
  await b.ask('read_up_to', { conversationId: group, readUpTo: id })
  t.match(await c.hear('read_up_to', it => it.userId === ben.hex), { readUpTo: id })
  await c.hear('typing')
  await settle(server, cleo, ann, a)
  t.equal(named(a, 'typing').length, 0)
  t.equal(a.heard.filter(({ name, data }) => name !== 'receive-message' && data.userId === ben.hex).length, 0)
  t.match(await a.ask('send-message', { to: ben.hex, content: 'Hi' }), { error: { code: 'blocked' } })
})

t.test('1.15 the same words are spoken on the plain socket', async t => {
  const { server, ann, ben } = await startScene(t)
  const a = await server.socket('/ws?dialect=unified', { authorization: `Bearer ${ann.token}` })
  const b = await openApp(t, server, ben)
  const sent = await a.ask('send-message', { to: ben.hex, text: 'Hello' })
  t.match(await b.hear('receive-message'), { id: sent.id, content: 'Hello', from: ann.hex })
  const frame = await a.next(({ type, id }) => type === 'receive-message' && id === undefined)
  t.match(frame.data, { id: sent.id, to: ben.hex })
})
