import { MongoClient, ObjectId } from 'mongodb'
import t, { type Test } from 'tap'
import type { MessageDoc } from '../../src/store/documents.ts'
import { joinServer, ownDatabase, type Person, startServer, type TestServer, TOGETHER } from '../kit/helper.ts'

/** Nobody removes what is over while the test looks. */
const WITHOUT_REMOVAL = { TIMINGS_EXPIRY_MS: '3600000' }

/** Has messages of a database be over at another time than their timer says. */
async function openEnd(t: Test, uri: string) {
  const client = new MongoClient(uri, { writeConcern: { w: 'majority' } })
  t.teardown(async () => await client.close())
  const messages = client.db().collection<MessageDoc>('messages')
  return {
    messages,
    endAt: async (ids: readonly string[], expiresAt: Date) => {
      const _id = { $in: ids.map(id => new ObjectId(id.slice(-24))) }
      await messages.updateMany({ _id }, { $set: { expiresAt } })
    }
  }
}

async function setTimer(server: TestServer, who: Person, id: string, expireAfterSeconds: number) {
  return await server.call(who, 'PUT', `/v1/conversations/${id}/expiry`, { expireAfterSeconds })
}

t.test('a timer is set by either of two, told and recorded, and counts for what is sent from then on', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.direct(ann, ben)
  const [socket, other] = await Promise.all([server.connect(ann), server.connect(ben)])
  const send = async (clientId: string) =>
    await socket.ask('message:send', { conversationId: id, clientId, text: 'Hi' })
  await send('before')
  const set = await other.ask('conversation:expiry', { conversationId: id, expireAfterSeconds: 60 })
  t.match(await socket.next('conversation:updated'), { rev: set.rev, data: { id, expireAfterSeconds: 60 } })
  const isNote = (it: { type: string; data: { type?: string } }) =>
    it.type === 'message:new' && it.data.type === 'system'
  const note = await socket.next(isNote)
  t.match(note, { rev: set.rev + 1, data: { system: { kind: 'expiry', actorId: ben.id, expireAfterSeconds: 60 } } })
  t.same((await setTimer(server, ann, id, 60)).body, { rev: note.rev }, 'a repeat changes nothing')
  await send('timed')
  const { data } = await other.next(it => it.data.clientId === 'timed')
  t.equal(Date.parse(data.expiresAt), Date.parse(data.createdAt) + 60_000, 'counted from sending')
  t.equal((await setTimer(server, ann, id, 0)).status, 200)
  t.notOk('expireAfterSeconds' in (await server.call(ben, 'GET', `/v1/conversations/${id}`)).body)
  await send('after')
  const { messages } = (await server.call(ben, 'GET', `/v1/conversations/${id}/messages`)).body
  t.same(
    messages.map(({ type, expiresAt }: { type: string; expiresAt?: string }) => [type, expiresAt !== undefined]),
    [
      ['text', false],
      ['system', false],
      ['text', true],
      ['system', false],
      ['text', false]
    ]
  )
})

t.test('in a group admins alone set the timer; one that cannot be is refused', async t => {
  const server = await joinServer(t)
  const [ann, ben, cem] = (await server.people(3)) as [Person, Person, Person]
  const [group, direct] = await Promise.all([server.group(ann, ben), server.direct(ann, ben)])
  const code = async (who: Person, id: string, seconds: number) =>
    (await setTimer(server, who, id, seconds)).body.error?.code
  t.equal(await code(ben, group, 60), 'forbidden')
  t.equal(await code(cem, group, 60), 'not_found')
  t.equal(await code(ann, group, 9), 'invalid', 'less than ten seconds')
  t.equal(await code(ann, group, 31_536_001), 'invalid', 'more than a year')
  t.equal(await code(ann, group, -1), 'invalid')
  t.equal(await code(ann, group, 31_536_000), undefined)
  await server.call(ben, 'POST', '/v1/blocks', { userId: ann.id })
  t.equal(await code(ann, direct, 60), 'blocked')
})

t.test('what is over is shown to nobody by any way of reading, though nobody has removed it', async t => {
  const server = await startServer(t, { env: WITHOUT_REMOVAL })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.direct(ann, ben)
  await setTimer(server, ann, id, 3_600)
  const socket = await server.connect(ann)
  const send = async (clientId: string, rest = {}) =>
    await socket.ask('message:send', { conversationId: id, clientId, text: `SECRET ${clientId}`, ...rest })
  const { id: gone } = await send('one')
  const place = { conversationId: id, messageId: gone }
  await socket.ask('message:edit', { ...place, text: 'SECRET edited' })
  await send('two', { replyTo: gone, text: 'Answer' })
  const { id: large } = await send('three', { text: 'SECRET '.repeat(2_000) })
  const path = `/v1/conversations/${id}`
  const before = (await server.call(ben, 'GET', path)).body
  t.equal(before.unreadCount, 3)
  const end = await openEnd(t, server.uri)
  const expiresAt = new Date(Date.now() - 1_000)
  await end.endAt([gone, large], expiresAt)
  const view = (await server.call(ben, 'GET', path)).body
  t.equal(view.unreadCount, 1)
  t.match(view.lastMessage, { id: large, deletedAt: expiresAt.toISOString() })
  t.match((await server.call(ben, 'GET', `${path}/messages/${gone}`)).body, { deletedAt: expiresAt.toISOString() })
  t.same((await server.call(ben, 'GET', `${path}/messages/${gone}/edits`)).body, [])
  const { messages } = (await server.call(ben, 'GET', `${path}/messages`)).body
  t.match(messages[2].replyTo, { messageId: gone, deleted: true })
  const reads = [
    server.call(ben, 'GET', `${path}/messages`),
    server.call(ben, 'GET', `${path}/messages?around=3`),
    server.call(ben, 'GET', `${path}/messages?after=1`),
    server.call(ben, 'GET', '/v1/conversations'),
    ...['/messages', '/conversations', '/unified/conversations', '/mobile/conversations'].map(
      async url => await server.call(ben, 'GET', url === '/messages' ? `${url}?conversationId=${id}` : url)
    )
  ]
  for (const { text } of await Promise.all(reads)) t.notMatch(text, /SECRET/)
  const other = await server.connect(ben)
  const { items } = await other.ask('sync:pull', { stream: id, since: 0 })
  t.notMatch(JSON.stringify(items), /SECRET/)
  const code = async (type: string, data: object) =>
    await socket.ask(type, { ...place, ...data }).then(
      () => 'ok',
      error => error.error.code
    )
  t.equal(await code('message:edit', { text: 'SECRET' }), 'gone')
  t.equal(await code('reaction:add', { emoji: '👍' }), 'gone')
  await send('four', { replyTo: gone, text: 'Another answer' })
  t.match((await other.next('message:new')).data.replyTo, { messageId: gone, deleted: true })
  t.equal(await end.messages.countDocuments({ text: /SECRET/ }), 2, 'it is stored still')
})

t.test('what is over is removed with a change that everybody hears of, and who was away learns', async t => {
  const server = await startServer(t, { env: { TIMINGS_EXPIRY_MS: '100' } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.direct(ann, ben)
  await setTimer(server, ann, id, 3_600)
  const [socket, other] = await Promise.all([server.connect(ann), server.connect(ben)])
  const send = async (clientId: string) =>
    await socket.ask('message:send', { conversationId: id, clientId, text: `SECRET ${clientId}` })
  const sent = [await send('one'), await send('two'), await send('three')]
  const since = sent.at(-1).rev
  await socket.ask('message:edit', { conversationId: id, messageId: sent[0].id, text: 'SECRET edited' })
  const end = await openEnd(t, server.uri)
  const expiresAt = new Date(Date.now() + 300)
  await end.endAt([sent[0].id, sent[1].id], expiresAt)
  const deletedAt = expiresAt.toISOString()
  for (const [index, { id: messageId }] of sent.slice(0, 2).entries()) {
    const [event, same] = [await socket.next('message:deleted'), await other.next('message:deleted')]
    t.match(event, { stream: id, rev: since + 2 + index, data: { id: messageId, deletedAt } })
    t.same(same, event)
    t.notOk('text' in event.data)
  }
  const { items } = await (await server.connect(ben)).ask('sync:pull', { stream: id, since })
  t.match(items, [{ message: { id: sent[0].id, deletedAt } }, { message: { id: sent[1].id, deletedAt } }])
  t.equal(
    await end.messages.countDocuments({ $or: [{ text: /SECRET (one|two|edited)/ }, { 'edits.text': /SECRET/ }] }),
    0
  )
  t.equal(await end.messages.countDocuments({ expiresAt: { $exists: true } }), 1, 'what is not over stays')
  t.match(await send('one'), { ...sent[0], duplicate: true }, 'a repeat of its send brings nothing back')
})

t.test('what is over is removed also where nobody is left who hears of it', async t => {
  const server = await startServer(t, { env: { TIMINGS_EXPIRY_MS: '100' } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.group(ann, ben)
  await setTimer(server, ann, id, 3_600)
  const socket = await server.connect(ann)
  const sent = await socket.ask('message:send', { conversationId: id, clientId: 'c', text: 'SECRET' })
  await server.call(ann, 'DELETE', `/v1/conversations/${id}?scope=everyone`)
  const end = await openEnd(t, server.uri)
  await end.endAt([sent.id], new Date())
  const isLeft = async () => (await end.messages.countDocuments({ text: 'SECRET' })) > 0
  while (await isLeft()) await server.call(undefined, 'GET', '/health/ready')
  t.match(await end.messages.find({ seq: sent.seq }).toArray(), [{ deletedAt: Date }])
})

t.test('two servers remove thousands of messages of many conversations, each once and in dense order', async t => {
  const uri = ownDatabase(t)
  const env = { ...TOGETHER.env, TIMINGS_EXPIRY_MS: '100', TIMINGS_LEASE_MS: '500' }
  const [one] = await Promise.all([startServer(t, { uri, env }), startServer(t, { uri, env })])
  const [ann, ...others] = (await one.people(5)) as [Person, ...Person[]]
  const ids = await Promise.all(others.map(async other => await one.direct(ann, other)))
  const socket = await one.connect(ann)
  const sent: string[] = []
  for (let index = 0; index < 100; index++) {
    await Promise.all(
      ids.map(async conversationId => {
        sent.push((await socket.ask('message:send', { conversationId, clientId: `c${index}`, text: 'Hi' })).id)
      })
    )
  }
  const end = await openEnd(t, uri)
  await end.endAt(sent, new Date())
  while ((await end.messages.countDocuments({ expiresAt: { $exists: true } })) > 0)
    await one.call(undefined, 'GET', '/health/ready')
  for (const id of ids) {
    const pull = async () => await socket.ask('sync:pull', { stream: id, since: 0 })
    let { items, rev } = await pull()
    // Here the last commit may be seen before the other server's readers see it.
    while (rev < 201) ({ items, rev } = await pull())
    t.equal(rev, 201, 'one change for each message')
    t.ok(
      items
        .filter(({ type }: { type: string }) => type === 'message')
        .every(({ message }: { message: { deletedAt?: string } }) => message.deletedAt !== undefined)
    )
  }
})
