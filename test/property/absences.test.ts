import { deepStrictEqual } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { runAhead } from '../crash/clocks.ts'
import type { ServerProcess } from '../crash/rig.ts'
import type { CuttingProxy } from '../kit/cutting-proxy.ts'
import { openDatabase } from '../kit/databases.ts'
import { mintToken, type Person, startServer, type TestServer } from '../kit/helper.ts'
import type { SocketClient } from '../kit/socket-client.ts'
import { type AppClient, closeApps, KINDS, load, openApps, Screen, type Shown } from './app-clients.ts'
import { runs, seed } from './history.ts'

/** The long form: `ABSENCE_CONVERSATIONS=200 ABSENCE_CHANGES=5000 CUT_STEP=3 npm test -- property/absences`. */
const numberOf = (name: string, usual: number): number => Number(process.env[name] ?? usual)
const CONVERSATIONS = numberOf('ABSENCE_CONVERSATIONS', 10)
const CHANGES = numberOf('ABSENCE_CHANGES', 120)
/** Bytes between two of the places at which a short exchange is cut, and after the first of them. */
const CUT_STEP = numberOf('CUT_STEP', 211)
const CUT_FROM = numberOf('CUT_FROM', 1)
const RUNS = runs(1)
const ABSENCES = 2
/** Changes that are made at once. */
const WIDTH = 8
/** How often an app is looked at before it counts as missing something. */
const LOOKS = 6_000
/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:1'
const HOURS = 12 * 3_600
const ENV = { TIMINGS_HEAD_POLL_MS: '200', JWT_EXPIRES_IN: '12h', LIMITS_CONNECTIONS_PER_USER: '1000' }

/** Something that Ann does while Ben's apps are away. */
interface Change {
  readonly kind: (typeof CHANGE_KINDS)[number]
  readonly where: number
  readonly pick: number
  /** Whether the server does it whose clock is ahead. */
  readonly isAhead: boolean
}

/** An absence, and after how many bytes the networks of the apps are cut, one after the other, as they come back. */
interface Absence {
  readonly changes: readonly Change[]
  readonly cuts: readonly number[]
}

const CHANGE_KINDS = ['send', 'send', 'send', 'send', 'edit', 'react', 'delete'] as const
const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom(...CHANGE_KINDS),
  where: fc.nat(CONVERSATIONS - 1),
  pick: fc.nat(1_000_000),
  isAhead: fc.boolean()
})
const absence: fc.Arbitrary<Absence> = fc.record({
  changes: fc.array(change, { minLength: Math.ceil(CHANGES / 2), maxLength: CHANGES, size: 'max' }),
  cuts: fc.array(fc.nat(20_000), { minLength: 20, maxLength: 40, size: 'max' })
})

/** App of Ben: what it shows, and its client behind a network of its own. */
interface App {
  readonly name: string
  readonly person: Person
  readonly proxy: CuttingProxy
  readonly client: AppClient
  readonly screen: Screen
}

/** Two servers on one database, one an hour ahead. */
interface Servers {
  readonly right: TestServer
  readonly ahead: ServerProcess
}

async function openServers(t: Test): Promise<Servers> {
  const right = await startServer(t, { env: ENV })
  return { right, ahead: await runAhead(t, right.uri, ENV) }
}

/** A person of an existing user system with two tokens, and one with an account here and two sign-ins. */
async function openPeople({ right }: Servers): Promise<{ ann: Person; bens: Person[][] }> {
  const [ann, ben] = (await right.people(2)) as [Person, Person]
  const foreign = [1, 2].map(async jti => ({ ...ben, token: await mintToken(ben.hex, { jti: `${jti}` }, HOURS) }))
  const username = `ben${ben.hex}`.slice(0, 30)
  const { user, accessToken } = await right.signUp({ username })
  const again = await right.call(undefined, 'POST', '/v1/auth/login', { username, password: 'correct horse battery' })
  const own = [accessToken, again.body.accessToken].map(token => ({ id: user.id, hex: user.id.slice(-24), token }))
  return { ann: { ...ann, token: await mintToken(ann.hex, {}, HOURS) }, bens: [await Promise.all(foreign), own] }
}

/** Messages that Ann has sent, and what she is told of their arrival. */
class Conversations {
  readonly ids: readonly string[]
  readonly #servers: Servers
  readonly #ann: Person
  readonly #sent = new Map<string, { id: string; seq: number }[]>()
  #clientIds = 0

  constructor(servers: Servers, ann: Person, ids: readonly string[]) {
    this.#servers = servers
    this.#ann = ann
    this.ids = ids
  }

  /** Ids of the messages of a conversation up to a `seq`. */
  upTo(conversationId: string, seq: number): string[] {
    const sent = this.#sent.get(conversationId) ?? []
    return sent.flatMap(it => (it.seq <= seq ? [it.id.slice(-24)] : []))
  }

  async make({ kind, where, pick, isAhead }: Change): Promise<void> {
    const id = this.ids[where % this.ids.length] ?? ''
    const sent = this.#sent.get(id) ?? []
    const path = `/conversations/${id}/messages`
    const server = isAhead ? this.#servers.ahead : undefined
    const about = sent[pick % Math.max(1, sent.length)]
    if (kind === 'send' || about === undefined) {
      const clientId = `c${this.#clientIds++}`
      sent.push(await this.#call(server, 'POST', path, { clientId, text: `Text ${pick}` }))
      this.#sent.set(id, sent)
    } else if (kind === 'edit') await this.#call(server, 'PATCH', `${path}/${about.id}`, { text: `Edited ${pick}` })
    else if (kind === 'react') await this.#call(server, 'POST', `${path}/${about.id}/reactions`, { emoji: '👍' })
    else await this.#call(server, 'DELETE', `${path}/${about.id}`)
  }

  async #call(server: ServerProcess | undefined, method: string, path: string, body?: object): Promise<Answered> {
    // What is deleted is not edited any more.
    if (server !== undefined) return await server.call(this.#ann, method, path, body).catch(refused)
    return (await this.#servers.right.call(this.#ann, method, `/v1${path}`, body)).body
  }
}

interface Answered {
  readonly id: string
  readonly seq: number
}

function refused(error: Error): Answered {
  if (/ answered 4\d\d /.test(error.message)) return { id: '', seq: 0 }
  throw error
}

async function openAll(t: Test, { right, ahead }: Servers, people: readonly Person[]): Promise<App[]> {
  const cursors = (await openDatabase(t, right.uri)).db().collection('deviceCursors')
  const seats = Object.keys(KINDS).flatMap(kind =>
    people.map((person, index) => ({
      ...{ kind, person, name: `${kind}, device ${index}` },
      url: [right.url, ahead.url][index % 2] ?? ''
    }))
  )
  return (await openApps(t, cursors, seats)).map(app => ({ ...app, screen: new Screen(app.client) }))
}

/** Takes the apps from the network, and brings them back to other servers, through networks that are cut again and again. */
async function beAway(
  apps: readonly App[],
  { right, ahead }: Servers,
  { cuts }: Absence,
  during: () => Promise<void>
): Promise<void> {
  for (const { proxy } of apps) {
    proxy.leadTo(NOWHERE)
    proxy.cut()
  }
  await during()
  for (const [index, { proxy }] of apps.entries()) {
    proxy.leadTo([right.url, ahead.url][(index + cuts.length) % 2] ?? '')
    proxy.cutAfter(...cuts.filter((_, at) => at % apps.length === index))
  }
}

/** Each app comes to show what somebody sees who loads it all anew. */
async function requireLevel(apps: readonly App[], { right }: Servers, ids: readonly string[]): Promise<void> {
  const fresh = new Map<string, Shown[]>()
  for (const id of ids) {
    for (const { name, person, screen } of apps) {
      const key = `${id} ${person.id}`
      const expected = fresh.get(key) ?? (await load(right, person, id)) ?? []
      fresh.set(key, expected)
      // Notes of the server have words of their own in each app.
      const ids = new Set(expected.map(it => it.id))
      const shown = () => screen.of(id).filter(it => ids.has(it.id))
      for (let look = 0; look < LOOKS && !isDeepStrictEqual(shown(), expected); look++) await sleep(10)
      deepStrictEqual(shown(), expected, `${name}, conversation ${id}`)
    }
  }
}

/** Whenever Ann is told that messages are delivered, an app of who got them shows each of them. */
function watchDelivered(listener: SocketClient, apps: readonly App[], conversations: Conversations): string[] {
  const wrong: string[] = []
  listener.ws.on('message', text => {
    const { type, data } = JSON.parse(String(text))
    if (type !== 'receipt:delivered') return
    const own = apps.filter(({ person }) => person.id === data.userId)
    const isShown = (id: string): boolean => own.some(({ screen }) => screen.has(data.conversationId, id))
    const missing = conversations.upTo(data.conversationId, data.deliveredSeq).filter(id => !isShown(id))
    if (missing.length > 0) wrong.push(`${JSON.stringify(data)}: ${missing.length} have not come`)
  })
  return wrong
}

/** Does something with each, a few at once. */
async function inTurn<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values()
  const work = async (): Promise<void> => {
    for (const item of rest) await act(item)
  }
  await Promise.all(Array.from({ length: WIDTH }, work))
}

async function openScene(t: Test, count: number) {
  const servers = await openServers(t)
  const { ann, bens } = await openPeople(servers)
  const members = bens.flatMap(([ben]) => ben ?? [])
  const ids: string[] = []
  await inTurn(Array.from({ length: count }), async () => void ids.push(await servers.right.group(ann, ...members)))
  return { servers, ann, bens, conversations: new Conversations(servers, ann, ids) }
}

t.test(
  'U13 U14 U26: after absences apps show what a fresh load shows, and nothing is told as delivered that has not come',
  async t => {
    const property = fc.asyncProperty(fc.array(absence, { minLength: 1, maxLength: ABSENCES }), async absences => {
      await t.test('a history', async t => {
        const { servers, ann, bens, conversations } = await openScene(t, CONVERSATIONS)
        const apps = await openAll(t, servers, bens.flat())
        const wrong = watchDelivered(await servers.right.connect(ann), apps, conversations)
        t.teardown(() => closeApps(apps))
        for (const one of absences) {
          await beAway(apps, servers, one, async () => {
            await inTurn(one.changes, async change => await conversations.make(change))
          })
          await requireLevel(apps, servers, conversations.ids)
        }
        t.same(wrong, [])
      })
    })
    t.comment(`PROPERTY_SEED=${seed()}`)
    await fc.assert(property, { seed: seed(), numRuns: RUNS, endOnFailure: true })
  }
)

t.test('U13: cut at any byte of an exchange in which it comes back, an app shows what it missed', async t => {
  const { servers, bens, conversations } = await openScene(t, 1)
  const apps = await openAll(t, servers, bens.flat().slice(0, 1))
  t.teardown(() => closeApps(apps))
  const [id = ''] = conversations.ids
  for (const { name, proxy, screen } of apps) {
    let count = 0
    const comeBack = async (after?: number): Promise<void> => {
      proxy.leadTo(NOWHERE)
      proxy.cut()
      await conversations.make({ kind: 'send', where: 0, pick: count, isAhead: false })
      const [last] = conversations.upTo(id, Number.POSITIVE_INFINITY).slice(-1)
      if (after !== undefined) proxy.cutAfter(after)
      proxy.leadTo(servers.right.url)
      while (last === undefined || !screen.has(id, last)) await sleep(2)
      count += 1
    }
    const before = proxy.passed
    await comeBack()
    const bytes = proxy.passed - before
    for (let after = CUT_FROM; after < bytes; after += CUT_STEP) await comeBack(after)
    t.ok(count > 1, `${name}: ${bytes} bytes, cut at ${count - 1} of them`)
  }
  await requireLevel(apps, servers, conversations.ids)
})
