import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { ownDatabase } from '../kit/helper.ts'
import { KINDS, type Listener } from './listeners.ts'
import { ServerProcess, type Somebody } from './rig.ts'

/** The long form: `RESTARTS=10 RESTART_CLIENTS=300 RESTART_RATE=200 npm test -- crash/restarts`. */
const numberOf = (name: string, usual: number): number => Number(process.env[name] ?? usual)
const RESTARTS = numberOf('RESTARTS', 2)
const CLIENTS = numberOf('RESTART_CLIENTS', 2 * KINDS.length)
const RATE = numberOf('RESTART_RATE', 5)
/** Time after which who has not come back does not come any more, ms. */
const PATIENCE_MS = 90_000
const TICK_MS = 50
/** Messages that wait to be taken. */
const MAX_WAITING = 4 * RATE

/** A conversation of one who sends and of clients of every kind. */
interface Group {
  readonly id: string
  readonly listeners: readonly Listener[]
  readonly sent: string[]
}

const server = await ServerProcess.run(t, ownDatabase(t), {
  LIMITS_CONNECTIONS_PER_USER: '1000',
  TIMINGS_DRAIN_RETRY_MS: String(numberOf('RESTART_RETRY_MS', 1_000))
})
const [sender] = (await server.people(1)) as [Somebody]

async function openGroup(): Promise<Group> {
  const people = await server.people(KINDS.length)
  const memberIds = people.map(({ id }) => id)
  const { id } = await server.call(sender, 'POST', '/conversations', { type: 'group', name: 'Group', memberIds })
  const open = people.map(async (who, index) => await KINDS[index]?.({ t, server, who, conversationId: id }))
  return { id, listeners: (await Promise.all(open)).filter(it => it !== undefined), sent: [] }
}

/** Messages to all groups in turn, at the rate; each again until it is taken. */
class Load {
  readonly #groups: readonly Group[]
  readonly #over = new AbortController()
  readonly #waiting = new Set<Promise<void>>()
  #count = 0
  taken = 0

  constructor(groups: readonly Group[]) {
    this.#groups = groups
  }

  async run(): Promise<void> {
    const startedAt = performance.now()
    while (!this.#over.signal.aborted) {
      const due = Math.floor(((performance.now() - startedAt) / 1_000) * RATE)
      for (; this.#count < due && this.#waiting.size < MAX_WAITING; this.#count++) this.#begin(this.#count)
      await pause(TICK_MS)
    }
    await Promise.all(this.#waiting)
  }

  stop(): void {
    this.#over.abort()
  }

  /** Sends until it is taken. */
  async send({ id, sent }: Group, text: string): Promise<void> {
    sent.push(text)
    const path = `/conversations/${id}/messages`
    while (!(await server.call(sender, 'POST', path, { clientId: text, text }).then(Boolean, () => false))) {
      await pause(TICK_MS)
    }
    this.taken += 1
  }

  #begin(index: number): void {
    const group = this.#groups[index % this.#groups.length]
    if (group === undefined) return
    const sending = this.send(group, `m${index}`).finally(() => this.#waiting.delete(sending))
    this.#waiting.add(sending)
  }
}

/** Waits until nobody is left. @returns those who are */
async function whoAreLeft(listeners: readonly Listener[], isDone: (listener: Listener) => boolean): Promise<string[]> {
  const until = performance.now() + PATIENCE_MS
  let left = listeners
  while (left.length > 0 && performance.now() < until) {
    left = left.filter(listener => !isDone(listener))
    await pause(TICK_MS)
  }
  return left.map(({ name }) => name)
}

const groups = await Promise.all(Array.from({ length: Math.ceil(CLIENTS / KINDS.length) }, openGroup))
const listeners = groups.flatMap(group => group.listeners)
const load = new Load(groups)
const running = load.run()

t.test('U05 U48 U77: each stop ends with 0 within its window, and every client comes back by itself', async t => {
  for (let round = 1; round <= RESTARTS; round++) {
    for (const goal = load.taken + RATE; load.taken < goal; ) await pause(TICK_MS)
    const [stoppedAt, taken] = [performance.now(), load.taken]
    t.equal(await server.stop(), 0)
    const endedAt = performance.now()
    await server.start()
    const startedAt = performance.now()
    t.same(await whoAreLeft(listeners, listener => listener.isConnected()), [], 'came back')
    const [stop, start, back] = [endedAt - stoppedAt, startedAt - endedAt, performance.now() - startedAt].map(
      Math.round
    )
    t.comment(`stopped in ${stop} ms, in which ${load.taken - taken} messages were taken until all were back`)
    t.comment(`started in ${start} ms, all back ${back} ms later`)
  }
})

t.test('U05 U77: over restarts under load nobody misses a message or is shown one twice', async t => {
  load.stop()
  await running
  await Promise.all(groups.map(async group => await load.send(group, 'mlast')))
  const missed = groups.map(async ({ sent, listeners }) => {
    return await whoAreLeft(listeners, ({ came }) => {
      const heard = came()
      return sent.every(text => heard.has(text))
    })
  })
  t.same((await Promise.all(missed)).flat(), [], `everybody has their part of ${load.taken} messages`)
  for (const { sent, listeners } of groups) {
    for (const { name, came, doubled } of listeners) {
      t.same(came(), new Set(sent), name)
      t.same(doubled(), [], `${name}: nothing is shown twice`)
    }
  }
})
