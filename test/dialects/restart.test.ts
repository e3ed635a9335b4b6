import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { ServerProcess, type Somebody } from '../crash/rig.ts'
import { ownDatabase } from '../helper.ts'
import { PacketClient, type PacketOptions } from '../packet-client.ts'
import type { App } from './apps/app.ts'
import { chatapp } from './apps/chatapp.ts'
import { EventSource } from './apps/event-source.ts'
import { bare } from './apps/line.ts'
import { mobile } from './apps/mobile.ts'
import { reals2chat } from './apps/reals2chat.ts'
import { taatom } from './apps/taatom.ts'
import { unified } from './apps/unified.ts'

const MESSAGES = 40
const CUT_AFTER = 10
const KILL_AFTER = 20
const textOf = (index: number): string => `Message ${index}`

/** Socket options of each app, all else being the defaults of socket.io-client, timeouts included. */
const DOORS: readonly [App, (token: string) => PacketOptions][] = [
  [mobile, token => ({ namespace: '/mobile', auth: { token } })],
  [unified, token => ({ auth: { token } })],
  [chatapp, token => ({ namespace: '/chatapp', auth: { token } })],
  [reals2chat, token => ({ query: { token } })],
  [taatom, token => ({ namespace: '/app', auth: { token } })]
]

/** An app of somebody who only listens. */
interface Reader {
  readonly app: App
  readonly client: PacketClient
  /** Number of events received when each connection began. */
  readonly connections: number[]
  readonly conversationId: string
}

async function openReader(t: Test, server: ServerProcess, sender: Somebody, index: number): Promise<Reader> {
  const [app, optionsFor] = DOORS[index] ?? [mobile, (token: string) => ({ auth: { token } })]
  const [reader = sender] = await server.people(1)
  const { id } = await server.call(sender, 'POST', '/conversations', { type: 'direct', userId: reader.id })
  const client = await PacketClient.open(t, server.url, { ...optionsFor(reader.token), hasOwnPace: true })
  const connections = [0]
  client.socket.on('connect', () => connections.push(client.heard.length))
  return { app, client, connections, conversationId: id }
}

/** Sends until the server has taken it; it knows the message by its `clientId`. */
async function send(server: ServerProcess, sender: Somebody, conversationId: string, index: number): Promise<void> {
  for (;;) {
    const message = { clientId: `m${index}`, text: textOf(index) }
    const path = `/conversations/${conversationId}/messages`
    const isTaken = await server.call(sender, 'POST', path, message).then(
      () => true,
      () => false
    )
    if (isTaken) return
    await pause(50)
  }
}

/** Message events received, connection by connection. */
function heardOf({ app, client, connections }: Reader): string[][] {
  const bounds = [...connections, client.heard.length]
  return connections.map((from, index) =>
    client.heard
      .slice(from, bounds[index + 1])
      .filter(({ name }) => name === app.event)
      .map(({ data }) => app.textOf(data))
  )
}

t.test('an app sees each message once and in order, though its socket is cut and the server is killed', async t => {
  const server = await ServerProcess.run(t, ownDatabase(t))
  const [sender] = (await server.people(1)) as [Somebody]
  const readers = await Promise.all(DOORS.map(async (_, index) => await openReader(t, server, sender, index)))
  const talk = (from: number, to: number) => async (reader: Reader) => {
    for (let index = from; index <= to; index++) {
      await send(server, sender, reader.conversationId, index)
      if (index === CUT_AFTER) reader.client.socket.io.engine.close()
    }
    const { app, client } = reader
    await client.hear(app.event, data => app.textOf(data) === textOf(to))
  }
  await Promise.all(readers.map(talk(1, KILL_AFTER)))
  const restarted = server.kill().then(async () => await server.start())
  await Promise.all([restarted, ...readers.map(talk(KILL_AFTER + 1, MESSAGES))])
  const all = Array.from({ length: MESSAGES }, (_, index) => textOf(index + 1))
  for (const reader of readers) {
    const { app, client } = reader
    const heard = heardOf(reader)
    t.ok(heard.length >= 3, `${app.name} came back by itself, twice`)
    // What was on its way when a connection ended may come again on the next: apps tell it by its id.
    t.same([...new Set(heard.flat())], all, `${app.name} has them all, in order`)
    for (const texts of heard)
      t.equal(new Set(texts).size, texts.length, `${app.name} hears none twice on a connection`)
    const messages = client.heard.filter(({ name }) => name === app.event).map(({ data }) => JSON.stringify(data))
    t.equal(new Set(messages.map(idIn)).size, MESSAGES, `${app.name} can tell them by their ids`)
  }
})

for (const path of ['/api/sse', '/v1/events']) {
  t.test(`${path} goes on at Last-Event-ID, though it is cut and the server is killed`, async t => {
    const server = await ServerProcess.run(t, ownDatabase(t))
    const [sender, reader] = (await server.people(2)) as [Somebody, Somebody]
    const { id } = await server.call(sender, 'POST', '/conversations', { type: 'direct', userId: reader.id })
    const source = await EventSource.open(t, server.url + path, reader.token)
    const sendAll = async (from: number, to: number) => {
      for (let index = from; index <= to; index++) await send(server, sender, id, index)
      await source.hear(textOf(to))
    }
    await sendAll(1, CUT_AFTER)
    source.cut()
    await sendAll(CUT_AFTER + 1, KILL_AFTER)
    const restarted = server.kill().then(async () => await server.start())
    await Promise.all([restarted, sendAll(KILL_AFTER + 1, MESSAGES)])
    source.close()
    t.ok(source.streams.length >= 3, 'it came back by itself, twice')
    const all = Array.from({ length: MESSAGES }, (_, index) => textOf(index + 1))
    t.same(source.texts, all, 'each once, in order')
  })
}

/** The message’s own id in what an app is told. */
function idIn(text: string): string {
  const { message, _id, messageId } = JSON.parse(text)
  return bare(message?._id ?? _id ?? messageId)
}
