import { setTimeout as sleep } from 'node:timers/promises'
import type { Collection } from 'mongodb'
import t, { type Test } from 'tap'
import { openDatabase } from '../kit/databases.ts'
import { untilReleased } from '../kit/device-cursors.ts'
import { joinServer, mintToken, type Person, type TestServer } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'
import type { SocketClient } from '../kit/socket-client.ts'
import { storeMessages } from '../kit/stored.ts'
import { StreamClient } from '../kit/stream-client.ts'

/** Client of an app without cursors: what it has heard, in order. */
interface AppClient {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into payloads of every shape
  readonly heard: { readonly name: string; readonly data: any }[]
  /** Resolves when an event has come whose JSON has this in it. */
  readonly until: (part: string) => Promise<void>
  readonly close: () => void
}

interface Way {
  readonly device: string
  readonly open: (t: Test, server: TestServer, token: string) => Promise<AppClient>
}

const WAYS: Readonly<Record<string, Way>> = {
  'unified on socket.io': { device: 'unified', open: async (t, server, token) => await packet(t, server, '/', token) },
  'mobile on socket.io': {
    device: 'mobile',
    open: async (t, server, token) => await packet(t, server, '/mobile', token)
  },
  'unified on a raw socket': {
    device: 'unified',
    open: async (_t, server, token) => {
      const socket = await server.socket('/ws?dialect=unified', { authorization: `Bearer ${token}` })
      const heard = socket.frames.map(({ type, data }) => ({ name: type, data }))
      socket.ws.on('message', text => {
        const { type, data } = JSON.parse(String(text))
        heard.push({ name: type, data })
      })
      return { heard, until: untilHeard(heard), close: () => socket.terminate() }
    }
  },
  'chatapp’s event stream': {
    device: 'chatapp',
    open: async (t, server, token) => {
      const stream = await StreamClient.open(t, `${server.url}/api/sse`, { authorization: `Bearer ${token}` })
      return { heard: stream.heard, until: untilHeard(stream.heard), close: () => stream.cut() }
    }
  }
}

const NEW = ['receive-message', 'message:new']

async function packet(t: Test, server: TestServer, namespace: string, token: string): Promise<AppClient> {
  const client = await PacketClient.open(t, server.url, { namespace, auth: { token } })
  return { heard: client.heard, until: untilHeard(client.heard), close: () => void client.socket.close() }
}

function untilHeard(heard: readonly unknown[]): (part: string) => Promise<void> {
  return async part => {
    while (!JSON.stringify(heard).includes(part)) await sleep(5)
  }
}

/** Texts of the messages of a conversation, in the order they came. */
function textsOf({ heard }: AppClient, conversationId: string): string[] {
  const about = heard.filter(({ name, data }) => {
    const id: string = data.conversationId ?? data.chatId ?? ''
    return NEW.includes(name) && id.slice(-24) === conversationId.slice(-24)
  })
  return about.map(({ data }) => data.content ?? data.text)
}

const upTo = (count: number, from = 1): string[] => Array.from({ length: count }, (_, n) => `m${n + from}`)

interface Scene {
  readonly server: TestServer
  readonly ann: Person
  readonly ben: Person
  readonly cursors: Collection
  readonly store: (conversationId: string, count: number) => Promise<void>
  readonly say: (
    from: Pick<Person, 'token'>,
    conversationId: string,
    text: string
  ) => Promise<{ id: string; seq: number }>
  /** Opens a client and, once it is level, closes it: from then on its device is known. */
  readonly visit: (way: Way, token: string) => Promise<void>
}

async function openScene(t: Test): Promise<Scene> {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const client = await openDatabase(t, server.uri)
  const cursors = client.db().collection('deviceCursors')
  const store = async (conversationId: string, count: number): Promise<void> => {
    await storeMessages(client, { conversationId, from: ann, count })
    await client
      .db()
      .collection('messages')
      .updateMany({ text: 'Hi' }, [{ $set: { text: { $concat: ['m', { $toString: '$seq' }] } } }])
  }
  const say = async (from: Pick<Person, 'token'>, conversationId: string, text: string) =>
    (await server.call(from, 'POST', `/v1/conversations/${conversationId}/messages`, { clientId: text, text })).body
  const visit = async ({ device, open }: Way, token: string) => {
    const app = { device: { $regex: `^${device}:` } }
    const came = await open(t, server, token)
    while ((await cursors.countDocuments({ ...app, heldBy: { $exists: true } })) === 0) await sleep(5)
    came.close()
    await untilReleased(cursors, device)
  }
  return { server, ann, ben, cursors, store, say, visit }
}

t.test('U13: after a long absence everything comes, each conversation in order', async t => {
  const { server, ann, ben, store, say, visit } = await openScene(t)
  const long = await server.direct(ann, ben)
  const tokens = new Map<string, string>()
  for (const [name, way] of Object.entries(WAYS)) {
    // A device of its own for each.
    const token = await mintToken(ben.hex, { jti: name })
    tokens.set(name, token)
    await visit(way, token)
  }
  const many: string[] = []
  while (many.length < 52) many.push(await server.group(ann, ben))
  await store(long, 250)
  let count = 250
  for (const [name, { open }] of Object.entries(WAYS)) {
    const client = await open(t, server, tokens.get(name) ?? '')
    count += 1
    await say(ann, long, `m${count}`)
    await client.until(`"m${count}"`)
    t.same(textsOf(client, long), upTo(count), name)
    for (const group of many) await client.until(group.slice(-24))
    client.close()
  }
})

t.test('U13: what is delivered is told as far as it has come, and no further', async t => {
  const { server, ann, ben, store, say } = await openScene(t)
  const chat = await server.direct(ann, ben)
  await store(chat, 250)
  const listener = await server.connect(ann)
  const client = await packet(t, server, '/', ben.token)
  await client.until('"m100"')
  await say(ann, chat, 'm251')
  for (let delivered = 0; delivered < 251; ) {
    const frame = await listener.next(({ type, data }) => type === 'receipt:delivered' && data.deliveredSeq > delivered)
    delivered = frame.data.deliveredSeq
    t.same(textsOf(client, chat).slice(0, delivered), upTo(delivered))
  }
})

t.test(
  'U14: on coming back an app is told what has changed of what it has, and how far its person has read',
  async t => {
    const { server, ann, ben, say, cursors } = await openScene(t)
    const chat = await server.direct(ann, ben)
    const before = await Promise.all(Object.values(WAYS).map(async ({ open }) => await open(t, server, ben.token)))
    const messages = [await say(ann, chat, 'one'), await say(ann, chat, 'two'), await say(ann, chat, 'three')]
    const [one, two, three] = messages.map(({ id }) => id.slice(-24)) as [string, string, string]
    for (const client of before) await client.until('"three"')
    const arrived = { [`conversations.${chat.slice(-24)}`]: 4 }
    while ((await cursors.countDocuments(arrived)) < before.length) {
      // An event stream says nothing of what has arrived; a request does, of what was sent until then.
      await server.call(ben, 'GET', '/v1/users/me')
      await sleep(50)
    }
    for (const client of before) client.close()
    await untilReleased(cursors)
    const path = `/v1/conversations/${chat}/messages`
    await server.call(ann, 'PATCH', `${path}/msg_${one}`, { text: 'one, edited' })
    await server.call(ann, 'DELETE', `${path}/msg_${two}`)
    await server.call(ann, 'POST', `${path}/msg_${three}/reactions`, { emoji: '👍' })
    await (await server.connect(ben)).ask('receipt:read', { conversationId: chat, seq: 3 })
    const expected = {
      unified: [
        ['message_edited', one],
        ['message_deleted', two],
        ['message_reaction', three]
      ],
      mobile: [
        ['message:edited', one],
        ['message:deleted', two],
        ['message:reaction:added', three],
        ['message:read', three]
      ],
      chatapp: [
        ['message:edited', one],
        ['message:deleted', two],
        ['reaction:added', three],
        ['receipt:read', three]
      ]
    }
    for (const [name, { device, open }] of Object.entries(WAYS)) {
      const client = await open(t, server, ben.token)
      for (const [event = '', id = ''] of expected[device as keyof typeof expected]) {
        while (!client.heard.some(it => it.name === event && JSON.stringify(it.data).includes(id))) await sleep(5)
        t.pass(`${name}: ${event}`)
      }
      t.ok(JSON.stringify(client.heard).includes('one, edited'))
      t.notOk(
        client.heard.some(it => ['read_up_to', 'seen'].includes(it.name)),
        'not as if the other had read'
      )
      client.close()
    }
  }
)

t.test(
  'U15: devices that only their tokens tell apart are each told what they have missed; a new token brings the last day',
  async t => {
    const { server, ann, ben, say, visit } = await openScene(t)
    const chat = await server.direct(ann, ben)
    const [phone, laptop] = [await mintToken(ben.hex, { jti: 'phone' }), await mintToken(ben.hex, { jti: 'laptop' })]
    const way = WAYS['mobile on socket.io'] as Way
    await visit(way, laptop)
    const onPhone = await way.open(t, server, phone)
    for (const text of upTo(5)) await say(ann, chat, text)
    await onPhone.until('"m5"')
    const onLaptop = await way.open(t, server, laptop)
    await onLaptop.until('"m5"')
    t.same(textsOf(onLaptop, chat), upTo(5))
    const renewed = await way.open(t, server, await mintToken(ben.hex, { jti: 'phone, renewed' }))
    await renewed.until('"m5"')
    t.same(textsOf(renewed, chat), upTo(5))
    const named = { namespace: '/mobile', query: { deviceId: 'tablet' } }
    const tablet = await PacketClient.open(t, server.url, {
      ...named,
      auth: { token: await mintToken(ben.hex, { jti: '1' }) }
    })
    await say(ann, chat, 'm6')
    await tablet.hear('message:new', ({ content }) => content === 'm6')
    tablet.socket.close()
    const again = await PacketClient.open(t, server.url, {
      ...named,
      auth: { token: await mintToken(ben.hex, { jti: '2' }) }
    })
    await say(ann, chat, 'm7')
    await again.hear('message:new', ({ content }) => content === 'm7')
    t.notOk(JSON.stringify(again.heard).includes('"m1"'), 'a named device is the same with another token')
  }
)

t.test('U56: every tab of one sign-in is told what it has missed', async t => {
  const { server, ann, ben, say, cursors } = await openScene(t)
  const chat = await server.direct(ann, ben)
  for (const [index, [name, { device, open }]] of Object.entries(WAYS).entries()) {
    const token = await mintToken(ben.hex, { jti: name })
    const tabs = await Promise.all([1, 2, 3, 4].map(async () => await open(t, server, token)))
    await say(ann, chat, `before-${index}`)
    for (const tab of tabs) await tab.until(`before-${index}`)
    for (const tab of tabs) tab.close()
    await untilReleased(cursors, device)
    await say(ann, chat, `missed-${index}`)
    const again: AppClient[] = []
    while (again.length < tabs.length) {
      const tab = await open(t, server, token)
      await tab.until(`missed-${index}`)
      again.push(tab)
      t.pass(`${name}: tab ${again.length}`)
    }
    for (const tab of again) tab.close()
  }
})

t.test(
  'U56: of two clients that cannot be told apart each is told what it has missed, in whatever order they come',
  async t => {
    const { server, ann, ben, say, cursors } = await openScene(t)
    const chat = await server.direct(ann, ben)
    const open = async () => await server.socket('/ws?dialect=unified', { authorization: `Bearer ${ben.token}` })
    const hasAll = async (socket: SocketClient): Promise<void> => {
      const came = (text: string): boolean => socket.frames.some(it => it.data.content === text)
      while (!upTo(3).every(came)) await sleep(5)
    }
    const [deaf, quick] = [await open(), await open()]
    while ((await cursors.countDocuments({ heldBy: { $exists: true } })) < 2) await sleep(5)
    deaf.ws.pause()
    for (const text of upTo(3)) await say(ann, chat, text)
    await hasAll(quick)
    while ((await cursors.countDocuments({ [`conversations.${chat.slice(-24)}`]: 4 })) < 1) await sleep(5)
    for (const socket of [deaf, quick]) {
      socket.terminate()
      while ((await cursors.countDocuments({ heldBy: { $exists: true } })) > (socket === deaf ? 1 : 0)) await sleep(5)
    }
    const [quickAgain, deafAgain] = [await open(), await open()]
    for (const socket of [quickAgain, deafAgain]) await hasAll(socket)
    t.pass('the one that had got everything came first')
  }
)

t.test('U78: every event of a stream that carries state has an id, from the first one on', async t => {
  const { server, ann, ben, say } = await openScene(t)
  const chat = await server.direct(ann, ben)
  for (const path of ['/v1/events', '/api/sse']) {
    for (let round = 0; round < 5; round++) {
      const stream = await StreamClient.open(t, `${server.url}${path}`, { authorization: `Bearer ${ben.token}` })
      await say(ann, chat, `${path.length}-${round}`)
      await stream.hear('message:new', it => JSON.stringify(it).includes(`${path.length}-${round}`))
      t.same(
        stream.heard.filter(({ name, id }) => name === 'message:new' && !id),
        [],
        `${path}, round ${round}`
      )
      stream.cut()
    }
  }
})

t.test('U83: what is typed while a client connects is heard', async t => {
  const { server, ann, ben, store } = await openScene(t)
  const [long, chat] = [await server.direct(ann, ben), await server.group(ann, ben)]
  await store(long, 300)
  const typing = await server.connect(ann)
  const client = await packet(t, server, '/', ben.token)
  await typing.ask('typing:start', { conversationId: chat })
  await client.until('"typing"')
  t.pass()
})

t.test('U25: messages of a conversation are later one after the other, however many come at once', async t => {
  const { server, ann, ben } = await openScene(t)
  const chat = await server.direct(ann, ben)
  const socket = await server.connect(ann)
  await Promise.all(
    upTo(20).map(async text => await socket.ask('message:send', { conversationId: chat, clientId: text, text }))
  )
  const { messages } = (await server.call(ben, 'GET', `/v1/conversations/${chat}/messages`)).body
  const times = messages.map(({ createdAt }: { createdAt: string }) => createdAt)
  t.same([...new Set(times)].sort(), times)
})
