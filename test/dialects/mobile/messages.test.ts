import t from 'tap'
import { joinServer, type Person } from '../../kit/helper.ts'
import { granter, openApp, refusal } from './app.ts'

const contents = (messages: { content: string }[]) => messages.map(({ content }) => content)

t.test('0.16 every kind of message is stored and given back with all of its fields', async t => {
  const server = await joinServer(t)
  const grant = granter(server)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const { id: conversationId } = await grant(ann, 'POST', '/conversations/single', { userId: ben.hex })
  const [a, b] = [await openApp(t, server, ann), await openApp(t, server, ben)]
  const file = {
    ...{ url: 'https://files.example/1', thumbnailUrl: 'https://files.example/1t', fileName: 'a.bin', fileSize: 12 },
    ...{ mimeType: 'application/octet-stream', duration: 1.5, width: 640, height: 480 }
  }
  for (const type of ['image', 'video', 'audio', 'file']) {
    const said = { conversationId, type, content: `the ${type}`, attachments: [{ ...file, type, localUri: 'x' }] }
    const { data } = await a.ask('message:send', said)
    const whole = { type, content: `the ${type}`, attachments: [{ ...file, type }] }
    t.match(data, whole)
    t.notOk('localUri' in data.attachments[0], 'what nobody knows is not kept')
    t.same(await b.hear('message:new', ({ id }) => id === data.id), data, 'the message itself')
    const [newest] = await grant(ben, 'GET', `/conversations/${conversationId}/messages?limit=1`)
    t.same({ ...newest, readReceipts: [] }, data)
  }
  const metadata = { colour: 'red', list: [1, { deep: true }] }
  const secret = {
    conversationId,
    encryptedContent: 'c2VjcmV0',
    metadata,
    content: null,
    attachments: [],
    replyTo: null
  }
  const hidden = (await a.ask('message:send', secret)).data
  t.match(hidden, { type: 'text', content: '', encryptedContent: 'c2VjcmV0', metadata, replyTo: null })
  const reply = (await b.ask('message:send', { conversationId, content: 'yes', replyTo: hidden.id })).data
  t.match(reply, { replyTo: hidden.id, senderId: ben.hex, conversationId, isEdited: false, isDeleted: false })
  t.match(reply, { deletedAt: null, metadata: {}, attachments: [], reactions: [], readReceipts: [], createdAt: String })
})

t.test('0.16 what only the server writes, and what lacks its content, is refused', async t => {
  const server = await joinServer(t)
  const grant = granter(server)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const { id: conversationId } = await grant(ann, 'POST', '/conversations/single', { userId: ben.hex })
  const a = await openApp(t, server, ann)
  for (const type of ['call', 'system']) {
    t.match(await a.ask('message:send', { conversationId, type, content: 'x' }), { error: { code: 'forbidden' } })
  }
  for (const bad of [
    { content: '' },
    { content: '   ' },
    { content: { $ne: 1 } },
    { type: 'image' },
    { type: 'sticker', content: 'x' },
    { attachments: [{ type: 'image', url: 'file:///etc/passwd' }] },
    { attachments: [{ type: 'image', url: 'https://files.example/1', duration: 'long' }] },
    { content: 'x', metadata: { $where: '1' } },
    { content: 'x', metadata: 'text' },
    { content: 'x', replyTo: 'x' }
  ]) {
    const answer = await a.ask('message:send', { conversationId, ...bad })
    t.match(answer, { error: { code: 'invalid', message: String } }, JSON.stringify(bad))
  }
  t.same(await grant(ann, 'GET', `/messages?conversationId=${conversationId}`), [], 'nothing was stored')
})

t.test('0.16 read receipts are computed from how far the others have read', async t => {
  const server = await joinServer(t)
  const grant = granter(server)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  const group = await grant(ann, 'POST', '/conversations/group', { name: 'G', participants: [ben.hex] })
  const a = await openApp(t, server, ann)
  const b = await openApp(t, server, ben)
  const send = async (content: string) => (await a.ask('message:send', { conversationId: group.id, content })).data
  const [one] = [await send('one'), await send('two')]
  await b.ask('message:read', { conversationId: group.id, messageId: one.id })
  await grant(ann, 'PUT', `/conversations/${group.id}/participants`, { userIds: [cleo.hex] })
  const readers = async (who: Person): Promise<Record<string, string[]>> => {
    const messages = await grant(who, 'GET', `/conversations/${group.id}/messages`)
    return Object.fromEntries(
      messages.map((it: { content: string; readReceipts: { userId: string }[] }) => [
        it.content,
        it.readReceipts.map(({ userId }) => userId)
      ])
    )
  }
  t.match(await readers(ann), { one: [ben.hex], two: [] })
  t.same((await readers(ann))['two'], [], 'who came later has not read what was said before')
  t.same((await readers(ben))['one'], [ben.hex])
})

t.test('0.16 a read receipt keeps the moment when it was read, a reaction the one when it was made', async t => {
  const server = await joinServer(t)
  const grant = granter(server)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const { id: conversationId } = await grant(ann, 'POST', '/conversations/single', { userId: ben.hex })
  const [a, b] = [await openApp(t, server, ann), await openApp(t, server, ben)]
  const moments: string[] = []
  for (const content of ['one', 'two']) {
    const { id: messageId, createdAt } = (await a.ask('message:send', { conversationId, content })).data
    const { success } = await b.ask('message:reaction:add', { messageId, emoji: '👍' })
    t.ok(success)
    await b.ask('message:read', { conversationId, messageId })
    const [newest, ...older] = await grant(ann, 'GET', `/conversations/${conversationId}/messages`)
    const [{ readAt }] = newest.readReceipts
    t.ok(readAt >= createdAt, 'read after it was sent')
    t.match(newest.reactions, [{ emoji: '👍', userId: ben.hex, createdAt: String }])
    t.ok(newest.reactions[0].createdAt >= createdAt && newest.reactions[0].createdAt <= readAt)
    t.same(
      older.map((it: { readReceipts: { readAt: string }[] }) => it.readReceipts[0]?.readAt),
      moments,
      'what was read before was read then'
    )
    moments.push(readAt)
  }
})

t.test('0.16 history is newest first, by page or before a message, by either route', async t => {
  const server = await joinServer(t)
  const grant = granter(server)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  const { id } = await grant(ann, 'POST', '/conversations/single', { userId: ben.hex })
  const a = await openApp(t, server, ann)
  const sent: string[] = []
  for (const content of ['1', '2', '3', '4', '5']) {
    sent.push((await a.ask('message:send', { conversationId: id, content })).data.id)
  }
  for (const route of [
    `/messages?conversationId=${id}&`,
    `/messages?with=${ann.hex}&`,
    `/conversations/${id}/messages?`
  ]) {
    const get = async (query: string) => contents(await grant(ben, 'GET', `${route}${query}`))
    t.same(await get(''), ['5', '4', '3', '2', '1'], route)
    t.same(
      [await get('limit=2'), await get('limit=2&page=2'), await get('limit=2&page=3')],
      [['5', '4'], ['3', '2'], ['1']]
    )
    t.same(await get(`limit=2&before=${sent[3]}`), ['3', '2'])
    const { body } = await server.call(ben, 'GET', `${route}limit=2`)
    t.equal(body.hasMore, true)
  }
  t.match(await server.call(cleo, 'GET', `/messages?conversationId=${id}`), { status: 404, body: refusal('not_found') })
  t.same(await grant(cleo, 'GET', `/messages?with=${ann.hex}`), [])
  const asked = await server.call(ann, 'GET', '/messages')
  t.match(asked, { status: 400, body: refusal('invalid') })
})
