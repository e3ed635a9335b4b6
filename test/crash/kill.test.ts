import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import { extent } from '../kit/extent.ts'
import { SyncClient } from '../kit/sync-client/client.ts'
import { check, type Rule } from './checker.ts'
import { Load } from './load.ts'
import { dumpDatabase, MongodProcess, randomFrom, ServerProcess, type Somebody } from './rig.ts'

type Victim = 'server' | 'mongod' | 'both'

/** Of the server, of the database, and of both. */
const KILLS: Readonly<Record<Victim, number>> = extent(
  { server: 2, mongod: 2, both: 2 },
  { server: 8, mongod: 7, both: 5 }
)
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const random = randomFrom(seed)

const mongod = await MongodProcess.run(t)
const server = await ServerProcess.run(t, mongod.uri)
const load = new Load(random)
t.teardown(() => load.close())

/** Five people; each pair of neighbours, a group of three, and one of all. The first has two devices. */
async function talk(): Promise<Somebody[]> {
  const people = await server.people(5)
  const conversations: { id: string; members: Somebody[] }[] = []
  for (const [index, somebody] of people.entries()) {
    const other = people[(index + 1) % people.length] ?? somebody
    const { id } = await server.call(somebody, 'POST', '/conversations', { type: 'direct', userId: other.id })
    conversations.push({ id, members: [somebody, other] })
  }
  for (const members of [people.slice(0, 3), people]) {
    const [owner = members[0], ...others] = members
    if (owner === undefined) continue
    const body = { type: 'group', name: 'Group', memberIds: others.map(({ id }) => id) }
    conversations.push({ id: (await server.call(owner, 'POST', '/conversations', body)).id, members })
  }
  const devices = [...people, ...people.slice(0, 1)]
  const mine = (who: Somebody) => conversations.filter(({ members }) => members.includes(who)).map(({ id }) => id)
  await load.run(devices.map(who => ({ who, conversations: mine(who), url: server.url })))
  return people
}

/** Kills at a random moment, starts again, and waits until everybody talks again. */
async function killOnce(victim: Victim): Promise<void> {
  await load.progress(5 + Math.floor(random() * 60))
  const victims = [...(victim === 'server' ? [] : [mongod]), ...(victim === 'mongod' ? [] : [server])]
  await Promise.all(victims.map(async it => await it.kill()))
  // The database first: a server that does not find it does not start.
  for (const it of victims) await it.start()
  await Promise.all(load.clients.map(async client => await client.until(({ isConnected }) => isConnected)))
  await load.progress(load.clients.length * 3)
}

/** Each as often as it is to be killed, in random order. */
function schedule(): Victim[] {
  return Object.entries(KILLS)
    .flatMap(([victim, times]) => Array<Victim>(times).fill(victim as Victim))
    .map(victim => ({ victim, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ victim }) => victim)
}

t.comment(`SEED=${seed}`)
const people = await talk()
const victims = schedule()
for (const victim of victims) {
  const startedAt = performance.now()
  await killOnce(victim)
  t.comment(`kill -9 of ${victim}: talking again after ${Math.round(performance.now() - startedAt)} ms`)
}
await load.settle()
const fresh = new Map(
  await Promise.all(people.map(async ({ id, token }) => [id, await SyncClient.freshLoad(server.url, token)] as const))
)
const { journal } = load
const violations = check({ journal, dump: await dumpDatabase(mongod.uri), people: load.people })
t.comment(`${load.acknowledged} messages acknowledged, ${journal.length} journal entries`)

/** Assert that none of these rules is broken. */
function keeps(t: Test, ...rules: Rule[]): void {
  for (const rule of rules) {
    const broken = violations.filter(violation => violation.rule === rule).map(({ what }) => what)
    t.same(broken.slice(0, 10), [], `${rule}: ${broken.length} violations after ${victims.length} kills`)
  }
}

t.test('every client has talked, across all kills', async t => {
  t.ok(load.acknowledged > victims.length * 20)
  for (const { name } of load.clients) {
    const connections = new Set(journal.filter(({ client }) => client === name).map(({ connection }) => connection))
    t.ok(connections.size > victims.length / 2, `${name} has connected ${connections.size} times`)
  }
})

t.test('G1 an acknowledged send is durable: kill -9 of server, database and both loses none', async t => {
  keeps(t, 'loss')
})

t.test('G2 once: sends repeated over kills are one message each, and no connection hears of it twice', async t => {
  keeps(t, 'duplicate')
})

t.test('G3 one order: seq and rev have no gap, and all members have seen the same order, over kills', async t => {
  keeps(t, 'seq', 'rev', 'order', 'pipeline', 'time')
})

t.test('G4 nothing missed: after kills and catching up every store equals a fresh load', async t => {
  keeps(t, 'ghost', 'phantom')
  for (const { name, store } of load.clients) {
    t.ok(isDeepStrictEqual(store, fresh.get(load.people[name] ?? '')), `the store of ${name} equals a fresh load`)
  }
})

t.test('G5 cursors only move forward: sync cursors and receipts, over kills', async t => {
  keeps(t, 'cursor')
})

t.test('G8 honest errors: what was refused without unknown_outcome had no effect', async t => {
  keeps(t, 'honest')
})
