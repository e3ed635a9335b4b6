import t, { type Test } from 'tap'
import { type Person, startServer, type TestServer } from '../helper.ts'
import { PacketClient, type PacketOptions } from '../packet-client.ts'
import { SocketClient } from '../socket-client.ts'
import { StreamClient } from '../stream-client.ts'

const TEXT = 'Hello everybody'
const MANY = { LIMITS_CONNECTIONS_PER_USER: '100' }

/** Resolves when this connection has heard the message. */
type Hear = () => Promise<unknown>
type Open = (t: Test, server: TestServer, who: Person) => Promise<Hear>

const packet =
  (optionsFor: (token: string) => PacketOptions, event: string): Open =>
  async (t, server, { token }) => {
    const client = await PacketClient.open(t, server.url, optionsFor(token))
    // Whatever it says is answered when it is live.
    await client.ask('nothing', {})
    return async () => await client.hear(event, data => JSON.stringify(data).includes(TEXT))
  }

const stream =
  (path: string): Open =>
  async (t, server, { token }) => {
    const client = await StreamClient.open(t, server.url + path, { authorization: `Bearer ${token}` })
    await client.hear('ready')
    return async () => await client.hear('message:new', data => JSON.stringify(data).includes(TEXT))
  }

const raw =
  (query: string): Open =>
  async (t, server, { token }) => {
    const client = await SocketClient.open(`${server.url.replace('http', 'ws')}/ws${query}`)
    t.teardown(() => client.terminate())
    await client.ask('hello', { token })
    return async () => await client.next(frame => frame.id === undefined && JSON.stringify(frame).includes(TEXT))
  }

const auth = (namespace: string) => (token: string) => ({ namespace, auth: { token } })

/** Kind of connection, and the number of texts of a message for a group, and for two people. */
interface Kind {
  readonly of: string
  readonly open: Open
  readonly inGroup: number
  readonly inDirect: number
}

const KINDS: readonly Kind[] = [
  { of: 'canonical frames', open: raw(''), inGroup: 1, inDirect: 1 },
  { of: 'canonical stream', open: stream('/v1/events'), inGroup: 1, inDirect: 1 },
  { of: 'mobile socket.io', open: packet(auth('/mobile'), 'message:new'), inGroup: 1, inDirect: 1 },
  { of: 'mobile frames', open: raw('?dialect=mobile'), inGroup: 1, inDirect: 1 },
  { of: 'unified socket.io', open: packet(auth('/'), 'receive-message'), inGroup: 1, inDirect: 1 },
  // Who sent it is told another status than the others.
  { of: 'chatapp stream', open: stream('/api/sse'), inGroup: 2, inDirect: 2 },
  { of: 'chatapp socket.io', open: packet(auth('/chatapp'), 'message:new'), inGroup: 2, inDirect: 2 },
  // Knows no groups, and tells nobody but who is written to.
  {
    of: 'reals2chat socket.io',
    open: packet(token => ({ query: { token } }), 'receiveMessage'),
    ...{ inGroup: 0, inDirect: 1 }
  },
  // The message for who sent it and for the others, and for all of them the change of the list.
  { of: 'taatom socket.io', open: packet(auth('/app'), 'chat:update'), inGroup: 3, inDirect: 3 }
]

/** Count the messages encoded so far, by vocabulary and framing. */
async function encoded(server: TestServer): Promise<Map<string, number>> {
  const { text } = await server.call(undefined, 'GET', '/metrics')
  const rows = text.matchAll(
    /^parley_events_encoded_total\{vocabulary="(.+)",framing="(.+)",event="message:new"\} (\d+)$/gm
  )
  return new Map([...rows].map(([, vocabulary, framing, count]) => [`${vocabulary} ${framing}`, Number(count)]))
}

/** Sends one message, which every connection that is told of it hears. @returns how often it was encoded for each kind */
async function encodings(
  server: TestServer,
  sender: Person,
  conversationId: string,
  hearing: readonly { hear: Hear }[]
) {
  const before = await encoded(server)
  const message = { clientId: `to-${conversationId}`, text: TEXT }
  await server.call(sender, 'POST', `/v1/conversations/${conversationId}/messages`, message)
  await Promise.all(hearing.map(async ({ hear }) => await hear()))
  const after = await encoded(server)
  return Object.fromEntries(KINDS.map(({ of }) => [of, (after.get(of) ?? 0) - (before.get(of) ?? 0)]))
}

/** So many connections of each kind for each of these people. */
async function openAll(t: Test, server: TestServer, people: readonly Person[], each: number) {
  const wanted = people.flatMap(who => KINDS.flatMap(kind => Array.from({ length: each }, () => ({ who, kind }))))
  return await Promise.all(wanted.map(async it => ({ ...it, hear: await it.kind.open(t, server, it.who) })))
}

for (const each of [1, 3]) {
  t.test(`a message is encoded once for each app, though everybody has ${each} connections of each`, async t => {
    const server = await startServer(t, { env: MANY })
    const people = (await server.people(4)) as [Person, Person, Person, Person]
    const group = await server.group(...people)
    const opened = await openAll(t, server, people, each)
    const hearing = opened.filter(({ kind }) => kind.inGroup > 0)
    t.same(
      await encodings(server, people[0], group, hearing),
      Object.fromEntries(KINDS.map(({ of, inGroup }) => [of, inGroup]))
    )
  })

  t.test(`a message of two is encoded once for each app, though both have ${each} connections of each`, async t => {
    const server = await startServer(t, { env: MANY })
    const [ann, ben] = (await server.people(2)) as [Person, Person]
    const direct = await server.direct(ann, ben)
    const opened = await openAll(t, server, [ann, ben], each)
    const hearing = opened.filter(({ kind, who }) => who === ben || kind.inGroup > 0)
    t.same(
      await encodings(server, ann, direct, hearing),
      Object.fromEntries(KINDS.map(({ of, inDirect }) => [of, inDirect]))
    )
  })
}
