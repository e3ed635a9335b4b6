import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import { ownDatabase } from '../kit/helper.ts'
import { Refusal, SocketClient } from '../kit/socket-client.ts'
import { SyncClient } from '../kit/sync-client/client.ts'
import { check } from './checker.ts'
import { Load } from './load.ts'
import { dumpDatabase, randomFrom, ServerProcess, type Somebody } from './rig.ts'

const AFTER_A_LOOK_MS = 10_000

/** Two servers on one database. */
async function twoNodes(t: Test) {
  const uri = ownDatabase(t)
  const [a, b] = await Promise.all([ServerProcess.run(t, uri), ServerProcess.run(t, uri)])
  return { uri, a, b }
}

/** Four people who talk in two conversations, two of them at each node. */
async function talk(t: Test, { a, b }: { a: ServerProcess; b: ServerProcess }) {
  const people = await a.people(4)
  const [owner, ...others] = people as [Somebody, ...Somebody[]]
  const conversations: string[] = []
  for (const name of ['One', 'Two']) {
    const body = { type: 'group', name, memberIds: others.map(({ id }) => id) }
    conversations.push((await a.call(owner, 'POST', '/conversations', body)).id)
  }
  const load = new Load(randomFrom(1))
  t.teardown(() => load.close())
  await load.run(people.map((who, index) => ({ who, conversations, url: (index % 2 === 0 ? a : b).url })))
  return { people, conversations, load }
}

/** A promise that must come true within a time. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Not within ${ms} ms`)), ms)
  })
  return await Promise.race([work, late]).finally(() => clearTimeout(timer))
}

t.test('G3 one order: two servers on one database leave no gap and no duplicate in seq and rev', async t => {
  const nodes = await twoNodes(t)
  const { conversations, load } = await talk(t, nodes)
  await load.progress(400)
  await load.stop()
  const dump = await dumpDatabase(nodes.uri)
  await t.test('G4 nothing missed: everybody gets everything live from the other server', async t => {
    const reached = load.clients.map(async client => {
      await client.until(({ cursors }) => dump.conversations.every(({ id, rev }) => cursors[id] === rev))
    })
    await within(AFTER_A_LOOK_MS, Promise.all(reached))
    const events = load.journal.filter(entry => entry.kind === 'event' && entry.type === 'message:new')
    // What the server recorded of the group's making came before the clients did.
    const said = dump.messages.filter(({ type }) => type !== 'system')
    t.equal(events.length, said.length * load.clients.length, 'each message came to each client as an event')
    t.same(new Set(conversations), new Set(dump.conversations.map(({ id }) => id)))
  })
  t.same(check({ journal: load.journal, dump, people: load.people }), [])
})

t.test('G1 G2 G3 G4 hold when one of two servers is killed and its clients go to the other', async t => {
  const nodes = await twoNodes(t)
  const { people, load } = await talk(t, nodes)
  for (const count of [37, 61]) {
    await load.progress(count)
    await nodes.b.kill()
    await Promise.all([1, 3].map(async index => await load.clients[index]?.reconnect(nodes.a.url)))
    await within(AFTER_A_LOOK_MS, load.progress(60))
    await nodes.b.start()
    await Promise.all([1, 3].map(async index => await load.clients[index]?.reconnect(nodes.b.url)))
  }
  await load.progress(60)
  await load.settle()
  t.same(check({ journal: load.journal, dump: await dumpDatabase(nodes.uri), people: load.people }), [])
  for (const [index, { token }] of people.entries()) {
    const fresh = await SyncClient.freshLoad(nodes.a.url, token)
    t.ok(isDeepStrictEqual(load.clients[index]?.store, fresh), `the store of client ${index} equals a fresh load`)
  }
})

t.test('G6 isolation: who is removed at one server is refused at the other at once', async t => {
  const { a, b } = await twoNodes(t)
  const [owner, guest] = (await a.people(2)) as [Somebody, Somebody]
  const { id } = await a.call(owner, 'POST', '/conversations', { type: 'group', name: 'Group', memberIds: [guest.id] })
  const client = await SyncClient.open(b.url, guest.token)
  t.teardown(() => client.close())
  await client.send(id, 'before', 'the other server knows the conversation now')
  await a.call(owner, 'DELETE', `/conversations/${id}/members/${guest.id}`)
  const refusal = await client.send(id, 'after', 'too late').catch((error: unknown) => error)
  t.ok(refusal instanceof Refusal && refusal.error.code === 'not_found', 'the send is refused as to a stranger')
  await within(
    AFTER_A_LOOK_MS,
    client.until(({ store }) => store.conversations[id] === undefined)
  )
  t.pass('and the client is told that it is out')
})

t.test('G6 isolation: a session revoked at one server closes its sockets at the other', async t => {
  const { a, b } = await twoNodes(t)
  const register = { username: 'somebody', password: 'correct horse battery', displayName: 'Somebody' }
  const response = await fetch(`${a.url}/v1/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(register)
  })
  const body = (await response.json()) as { accessToken: string; user: { id: string } }
  const socket = await SocketClient.open(`${b.url.replace('http', 'ws')}/ws`)
  await socket.ask('hello', { token: body.accessToken })
  const who = { id: body.user.id, token: body.accessToken }
  await a.call(who, 'POST', '/auth/logout')
  const { code } = await within(AFTER_A_LOOK_MS, socket.closed)
  t.equal(code, 4102)
  await t.rejects(b.call(who, 'GET', '/auth/me'), { message: /answered 401/ }, 'and its token is dead there')
})
