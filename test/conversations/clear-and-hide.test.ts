import { MongoClient } from 'mongodb'
import t from 'tap'
import { joinServer, type Person, type TestServer } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'
import type { Frame } from '../kit/socket-client.ts'

async function scene(server: TestServer) {
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.direct(ann, ben)
  const path = `/v1/conversations/${id}`
  let count = 0
  const send = async (who: Person, text: string) =>
    (await server.call(who, 'POST', `${path}/messages`, { clientId: `c${count++}`, text })).body
  const textsOf = async (who: Person) =>
    (await server.call(who, 'GET', `${path}/messages`)).body.messages.map((it: { text: string }) => it.text)
  const listByUser = async (who: Person) => (await server.call(who, 'GET', '/v1/conversations')).body.conversations
  return { ann, ben, id, path, send, textsOf, listByUser }
}

t.test('clearing empties history, count and last message for oneself alone, on all devices', async t => {
  const server = await joinServer(t)
  const { ann, ben, id, path, send, textsOf, listByUser } = await scene(server)
  for (const text of ['One', 'Two']) await send(ann, text)
  const [bens, anns] = await Promise.all([server.connect(ben), server.connect(ann)])
  const cleared = await server.call(ben, 'DELETE', `${path}/messages`)
  t.match(cleared, { status: 200, body: { clearedSeq: 2, readSeq: 2 } })
  const isCleared = ({ type, data }: Frame) => type === 'preferences:updated' && data.me.clearedSeq === 2
  t.match(await bens.next(isCleared), { data: { conversationId: id } })
  t.match(await anns.next('receipt:read'), { data: { userId: ben.id, readSeq: 2 } }, 'what is cleared is read')
  t.same(await textsOf(ben), [])
  t.match(await listByUser(ben), [{ id, unreadCount: 0, lastMessage: undefined }])
  t.same(await textsOf(ann), ['One', 'Two'])
  t.match(await listByUser(ann), [{ id, lastMessage: { text: 'Two' } }])
  await send(ann, 'Three')
  t.same(await textsOf(ben), ['Three'])
  t.match(await listByUser(ben), [{ id, unreadCount: 1, lastMessage: { text: 'Three' } }])
})

t.test('clearing again changes nothing, and what is cleared cannot be got at by any other way', async t => {
  const server = await joinServer(t)
  const { ann, ben, path, id, send } = await scene(server)
  const { id: messageId } = await send(ann, 'Gone')
  await server.call(ben, 'DELETE', `${path}/messages`)
  const socket = await server.connect(ben)
  const { rev } = await socket.ask('sync:pull', { stream: ben.id, since: 0 })
  t.match(await server.call(ben, 'DELETE', `${path}/messages`), { status: 200, body: { clearedSeq: 1 } })
  t.equal((await socket.ask('sync:pull', { stream: ben.id, since: rev })).rev, rev)
  for (const tail of ['', '/edits', '/receipts']) {
    t.equal((await server.call(ben, 'GET', `${path}/messages/${messageId}${tail}`)).status, 404, tail)
  }
  t.same((await socket.ask('sync:pull', { stream: id, since: 1 })).items, [])
  const stranger = await server.person()
  t.equal((await server.call(stranger, 'DELETE', `${path}/messages`)).status, 404)
})

t.test('a hidden conversation comes back with the next message, without what was before', async t => {
  const server = await joinServer(t)
  const { ann, ben, id, path, send, textsOf, listByUser } = await scene(server)
  await send(ann, 'Before')
  for (let again = 0; again < 2; again++) t.equal((await server.call(ben, 'DELETE', path)).status, 204)
  t.same(await listByUser(ben), [])
  t.match(await listByUser(ann), [{ id }], 'the other keeps it')
  t.match(
    (await server.call(ben, 'GET', path)).body,
    { id, me: { preferences: { hidden: true } } },
    'it is still theirs'
  )
  await send(ann, 'After')
  t.match(await listByUser(ben), [
    { id, unreadCount: 1, lastMessage: { text: 'After' }, me: { preferences: { hidden: false } } }
  ])
  t.same(await textsOf(ben), ['After'])
})

t.test('an empty conversation can be hidden, and be taken back into the list', async t => {
  const server = await joinServer(t)
  const { ann, id, path, listByUser } = await scene(server)
  t.equal((await server.call(ann, 'DELETE', path)).status, 204)
  t.same(await listByUser(ann), [])
  await server.call(ann, 'PATCH', `${path}/preferences`, { hidden: false })
  t.match(await listByUser(ann), [{ id }])
})

t.test('U20: the last message is the newest that one has not hidden, in every list', async t => {
  const server = await joinServer(t)
  const { ann, ben, id, path, send, listByUser } = await scene(server)
  const one = await send(ann, 'One')
  const hide = async (messageId: string) => await server.call(ben, 'DELETE', `${path}/messages/${messageId}?scope=me`)
  for (const text of ['Two', 'Three']) await hide((await send(ann, text)).id)
  const other = await server.group(ann, ben)
  const list = await listByUser(ben)
  t.match(list, [
    { id: other, lastMessage: { type: 'system' } },
    { id, lastMessage: { text: 'One' }, unreadCount: 1 }
  ])
  t.match((await server.call(ben, 'GET', path)).body, { lastMessage: { text: 'One' } })
  for (const list of [
    '/unified/conversations',
    '/mobile/conversations',
    '/chatapp/api/conversations',
    '/taatom/api/v1/chat'
  ]) {
    const { status, text } = await server.call(ben, 'GET', list)
    t.equal(status, 200)
    t.match(text, /"lastMessage":\{[^{}]*"One"/, list)
    t.notMatch(text, /Two|Three/, list)
  }
  t.match(await listByUser(ann), [{ id: other }, { id, lastMessage: { text: 'Three' } }], 'the other sees it')
  await hide(one.id)
  t.match(await listByUser(ben), [{ id: other }, { id, lastMessage: undefined, unreadCount: 0 }], 'all are hidden')
})

t.test('U38: what the server notes by itself brings no hidden group back, and moves none up', async t => {
  const server = await joinServer(t)
  const [ann, ben, cid, dan] = (await server.people(4)) as [Person, Person, Person, Person]
  const [hidden, archived, shown] = [
    await server.group(ann, ben),
    await server.group(ann, ben, dan),
    await server.group(ann, ben)
  ]
  const bens = await server.connect(ben)
  const taatom = await PacketClient.open(t, server.url, { namespace: '/app', auth: { token: ben.token } })
  const path = (id: string) => `/v1/conversations/${id}`
  const idsOf = async (who: Person, query = '') => {
    const { conversations } = (await server.call(who, 'GET', `/v1/conversations${query}`)).body
    return conversations.map(({ id }: { id: string }) => id)
  }
  await server.call(ben, 'DELETE', path(hidden))
  await server.call(ben, 'PATCH', `${path(archived)}/preferences`, { archived: true })
  for (const id of [hidden, archived]) {
    await server.call(ann, 'POST', `${path(id)}/members`, { userIds: [cid.id] })
    await server.call(ann, 'PATCH', path(id), { name: 'Renamed' })
    await bens.next(
      ({ type, stream, data }) => type === 'message:new' && stream === id && data.system.name === 'Renamed'
    )
  }
  t.same(await idsOf(ben), [shown, archived], 'neither back nor further up')
  t.same(await idsOf(dan), [archived])
  t.match((await server.call(ben, 'GET', path(hidden))).body, { me: { preferences: { hidden: true } } })
  t.match((await server.call(ben, 'PATCH', `${path(hidden)}/preferences`, { muted: true })).body, {
    preferences: { hidden: true }
  })
  for (const list of [
    '/unified/conversations',
    '/mobile/conversations',
    '/chatapp/api/conversations',
    '/taatom/api/v1/chat'
  ]) {
    const { status, text } = await server.call(ben, 'GET', list)
    t.equal(status, 200)
    t.notMatch(text, hidden.slice('conv_'.length), list)
  }
  t.same(await idsOf(cid), [archived, hidden], 'a group is new to who was brought into it')
  t.same(await idsOf(cid, '?limit=1'), [archived])
  const { next } = (await server.call(cid, 'GET', '/v1/conversations?limit=1')).body
  t.same(await idsOf(cid, `?limit=1&after=${next}`), [hidden], 'page by page')
  await server.call(ann, 'POST', `${path(hidden)}/messages`, { clientId: 'a', text: 'Hi' })
  await taatom.hear('chat:update', data => data.lastMessage === 'Hi')
  t.equal(
    taatom.heard.filter(({ name }) => name === 'chat:update').length,
    1,
    'an app is not told to move chats either'
  )
  t.same(await idsOf(ben), [hidden, shown, archived], 'somebody wrote')
})

t.test('U38: in a conversation of an older version the last message counts, whoever wrote it', async t => {
  const server = await joinServer(t)
  const { ann, ben, id, path, send, listByUser } = await scene(server)
  await send(ann, 'One')
  await server.call(ben, 'DELETE', path)
  const client = await new MongoClient(server.uri).connect()
  t.teardown(async () => await client.close())
  await client
    .db()
    .collection('conversations')
    .updateMany({}, { $unset: { saidSeq: '', saidAt: '' } })
  t.same(await listByUser(ben), [])
  t.match(await listByUser(ann), [{ id, me: { preferences: { hidden: false } } }])
  await send(ann, 'Two')
  t.match(await listByUser(ben), [{ id, lastMessage: { text: 'Two' } }])
})
