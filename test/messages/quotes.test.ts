import { MongoClient, ObjectId } from 'mongodb'
import t, { type Test } from 'tap'
import type { Message, Quote } from '../../protocol/messages/entities.ts'
import { joinServer, type Person, startServer, type TestServer, TOGETHER } from '../kit/helper.ts'
import type { Frame } from '../kit/socket-client.ts'
import { StreamClient } from '../kit/stream-client.ts'

const SECRET = 'my PIN is 4711'
const EVENTS = ['message:new', 'message:edited', 'reaction:added', 'reaction:removed']
/** Id of an event from before everything. */
const BEGINNING = `${Date.now() - 3_600_000}-0`

const bearer = ({ token }: Person) => ({ authorization: `Bearer ${token}` })

/** A group of Ann, who owns it, and Ben, what they do in it, and Cid, who is not in it yet. */
async function startGroup(t: Test) {
  const server = await joinServer(t)
  const [ann, ben, cid] = (await server.people(3)) as [Person, Person, Person]
  const id = await server.group(ann, ben)
  const path = `/v1/conversations/${id}/messages`
  let count = 0
  const send = async (who: Person, text: string, replyTo?: string): Promise<string> => {
    const body = { clientId: `c${count++}`, text, ...(replyTo && { replyTo }) }
    return (await server.call(who, 'POST', path, body)).body.id
  }
  const secret = await send(ben, SECRET)
  const quoted = { messageId: secret, senderId: ben.id }
  const remove = async (who: Person, scope: 'everyone' | 'me') =>
    await server.call(who, 'DELETE', `${path}/${secret}?scope=${scope}`)
  const addCid = async () => await server.call(ann, 'POST', `/v1/conversations/${id}/members`, { userIds: [cid.id] })
  return { server, ann, ben, cid, id, path, send, secret, quoted, remove, addCid }
}

/** The quote of the newest message on every way that somebody reads it. */
async function quotesOf(t: Test, server: TestServer, who: Person, id: string): Promise<Record<string, Quote>> {
  const path = `/v1/conversations/${id}/messages`
  const get = async (of: string) => (await server.call(who, 'GET', of)).body
  const [socket, stream] = await Promise.all([
    server.connect(who),
    StreamClient.open(t, `${server.url}/v1/events`, { ...bearer(who), 'last-event-id': BEGINNING })
  ])
  await stream.hear('ready')
  const { messages } = await get(path)
  const newest: Message = messages.at(-1)
  const isNewest = (message: Message) => message.id === newest.id
  const { items } = await socket.ask('sync:pull', { stream: id, since: 0 })
  const { conversations } = await get('/v1/conversations')
  const read: Record<string, Message> = {
    'REST history': newest,
    'a message by its id': await get(`${path}/${newest.id}`),
    'history:get': (await socket.ask('history:get', { conversationId: id })).messages.find(isNewest),
    'sync:pull': items.map((it: Frame) => it.message ?? {}).find(isNewest),
    'the list': conversations.find((it: { id: string }) => it.id === id).lastMessage,
    'the conversation': (await get(`/v1/conversations/${id}`)).lastMessage,
    'a resumed event stream': stream
      .all('message:new')
      .map(({ data }) => data)
      .find(isNewest)
  }
  socket.terminate()
  stream.cut()
  return Object.fromEntries(Object.entries(read).map(([way, { replyTo }]) => [way, replyTo as Quote]))
}

/** Whether the newest message is shown with this quote on every way. */
async function requireQuotes(
  t: Test,
  { server, id }: { server: TestServer; id: string },
  who: Person,
  expected: object,
  says: string
) {
  const quotes = await quotesOf(t, server, who, id)
  t.same(quotes, Object.fromEntries(Object.keys(quotes).map(way => [way, expected])), says)
}

t.test('U11: a quote is what the answered message is now: edited, then deleted for everyone', async t => {
  const scene = await startGroup(t)
  const { server, ann, ben, path, send, secret, quoted, remove } = scene
  await send(ann, 'noted', secret)
  for (const who of [ann, ben]) await requireQuotes(t, scene, who, { ...quoted, text: SECRET }, 'as it was sent')
  const long = `Never mind ${'🎉'.repeat(300)}`
  await server.call(ben, 'PATCH', `${path}/${secret}`, { text: long })
  const beginning = `Never mind ${'🎉'.repeat(122)}`
  for (const who of [ann, ben]) await requireQuotes(t, scene, who, { ...quoted, text: beginning }, 'edited')
  await remove(ben, 'everyone')
  for (const who of [ann, ben]) await requireQuotes(t, scene, who, { ...quoted, deleted: true }, 'deleted')
  await send(ann, 'what did you say?', secret)
  await requireQuotes(t, scene, ben, { ...quoted, deleted: true }, 'answered after it was deleted')
  const socket = await server.connect(ben)
  const { messages } = (await server.call(ben, 'GET', path)).body
  const noted = messages.find(({ text }: Message) => text === 'noted')
  t.equal((await server.call(ann, 'POST', `${path}/${noted.id}/reactions`, { emoji: '👍' })).status, 200)
  const told = await socket.next('reaction:added')
  t.match(told.data.message.replyTo, { ...quoted, deleted: true }, 'a reaction tells it anew')
  const apps = [`/unified/messages?conversationId=${scene.id}`, '/unified/conversations', '/mobile/conversations']
  for (const app of apps) {
    const { status, text } = await server.call(ann, 'GET', app)
    t.equal(status, 200)
    t.notMatch(text, /4711|Never mind/, app)
  }
})

t.test(
  'U12: who joined later, or was away, reads in no quote what was said before, nor that it was deleted',
  async t => {
    const scene = await startGroup(t)
    const { ann, ben, cid, send, secret, quoted, remove, addCid } = scene
    await addCid()
    await send(ann, 'by the way', secret)
    await requireQuotes(t, scene, cid, quoted, 'joined later')
    await requireQuotes(t, scene, ben, { ...quoted, text: SECRET }, 'there before')
    await remove(ben, 'everyone')
    await requireQuotes(t, scene, cid, quoted, 'deleted')
    const said = await send(ben, 'welcome')
    await send(ann, 'yes, welcome', said)
    await requireQuotes(t, scene, cid, { messageId: said, senderId: ben.id, text: 'welcome' }, 'said since')
    await scene.server.call(ann, 'DELETE', `/v1/conversations/${scene.id}/members/${cid.id}`)
    const between = await send(ben, SECRET)
    await addCid()
    t.equal((await scene.server.call(cid, 'GET', `${scene.path}/${between}`)).status, 404)
    const live = await scene.server.connect(cid)
    await send(ann, 'he said', between)
    const ids = { messageId: between, senderId: ben.id }
    const told = await live.next(({ type, data }) => type === 'message:new' && data.text === 'he said')
    t.same(told.data.replyTo, ids, 'live')
    await requireQuotes(t, scene, cid, ids, 'said while away')
  }
)

t.test('S18: who sees the past of a group reads it in quotes', async t => {
  const scene = await startGroup(t)
  const { server, ann, cid, id, send, secret, quoted, addCid } = scene
  await server.call(ann, 'PATCH', `/v1/conversations/${id}`, { settings: { history: 'all' } })
  await addCid()
  await send(ann, 'by the way', secret)
  await requireQuotes(t, scene, cid, { ...quoted, text: SECRET }, 'history: all')
})

t.test('S18: what somebody has cleared or hidden is in no quote that they read, and in those of others', async t => {
  const scene = await startGroup(t)
  const { server, ann, ben, path, send, secret, quoted, remove } = scene
  await send(ann, 'noted', secret)
  await remove(ann, 'me')
  await requireQuotes(t, scene, ann, quoted, 'hidden')
  await requireQuotes(t, scene, ben, { ...quoted, text: SECRET }, 'hidden by somebody else')
  await server.call(ben, 'DELETE', path)
  await send(ann, 'as you said', secret)
  await requireQuotes(t, scene, ben, quoted, 'cleared')
})

t.test('S18: the text that older documents hold of the answered message is not shown', async t => {
  const scene = await startGroup(t)
  const { server, ann, ben, send, secret, quoted, remove } = scene
  const reply = await send(ann, 'noted', secret)
  const client = new MongoClient(server.uri)
  t.teardown(async () => await client.close())
  const copy = { 'replyTo.text': SECRET, 'replyTo.type': 'image' }
  await client
    .db()
    .collection('messages')
    .updateOne({ _id: new ObjectId(reply.slice(4)) }, { $set: copy })
  await requireQuotes(t, scene, ben, { ...quoted, text: SECRET }, 'as it is now')
  await remove(ben, 'everyone')
  await requireQuotes(t, scene, ben, { ...quoted, deleted: true }, 'deleted')
})

t.test('S18: live events quote what all who hear them were there for, and else only the ids', async t => {
  const scene = await startGroup(t)
  const { server, ann, ben, cid, id, path, send, secret, quoted, addCid } = scene
  const people = [ann, ben, cid]
  const sockets = await Promise.all(people.map(async who => await server.connect(who)))
  const streams = await Promise.all(
    people.map(async who => await StreamClient.open(t, `${server.url}/v1/events`, bearer(who)))
  )
  for (const stream of streams) await stream.hear('ready')
  const messageOf = (data: Frame): Message => data.message ?? data
  /** What is heard when this person has answered, edited the answer and reacted to it. */
  const heard = async (who: Person, text: string, replyTo: string, hearers: readonly number[]) => {
    const reply = await send(who, text, replyTo)
    await server.call(who, 'PATCH', `${path}/${reply}`, { text: `${text}!` })
    await server.call(who, 'POST', `${path}/${reply}/reactions`, { emoji: '👍' })
    await server.call(who, 'DELETE', `${path}/${reply}/reactions/${encodeURIComponent('👍')}`)
    const quotes: (Quote | undefined)[] = []
    for (const index of hearers) {
      for (const type of EVENTS) {
        const isIt = ({ data }: Frame) => messageOf(data).id === reply
        const frame = await sockets[index]?.next(it => it.type === type && it.stream === id && isIt(it))
        const event = await streams[index]?.hear(type, isIt)
        quotes.push(messageOf(frame.data).replyTo, messageOf(event?.data.data).replyTo)
      }
    }
    return quotes
  }
  const eachOf = (hearers: number, quote: object) => Array.from({ length: hearers * EVENTS.length * 2 }, () => quote)
  t.same(await heard(ann, 'noted', secret, [0, 1]), eachOf(2, { ...quoted, text: SECRET }), 'all were there')
  await addCid()
  t.same(await heard(ann, 'by the way', secret, [0, 1, 2]), eachOf(3, quoted), 'one came later')
  t.notMatch(JSON.stringify([sockets[2]?.frames, streams[2]?.heard]), 'my PIN')
  const said = await send(ben, 'welcome')
  const newer = { messageId: said, senderId: ben.id, text: 'welcome' }
  t.same(await heard(ann, 'yes', said, [0, 1, 2]), eachOf(3, newer), 'all were there for a newer one')
  await server.call(ben, 'DELETE', `${path}/${said}?scope=everyone`)
  const gone = { messageId: said, senderId: ben.id, deleted: true }
  t.same(await heard(ann, 'why?', said, [0, 1, 2]), eachOf(3, gone), 'deleted')
})

t.test('S18: the same holds for what another server reads from the store', async t => {
  const { server: one, ann, ben, cid, id, send, secret, quoted, addCid } = await startGroup(t)
  const two = await startServer(t, { uri: one.uri, ...TOGETHER })
  const bens = await two.connect(ben)
  const isIt = (reply: string) => (frame: Frame) => frame.type === 'message:new' && frame.data.id === reply
  const early = await send(ann, 'noted', secret)
  t.same((await bens.next(isIt(early))).data.replyTo, { ...quoted, text: SECRET })
  const cids = await two.connect(cid)
  await addCid()
  await cids.next('conversation:added')
  const late = await send(ann, 'by the way', secret)
  t.same((await cids.next(isIt(late))).data.replyTo, quoted)
  t.same((await bens.next(isIt(late))).data.replyTo, quoted)
  t.equal((await bens.ask('history:get', { conversationId: id })).messages.at(-1).replyTo.text, SECRET)
})
