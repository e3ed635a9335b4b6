import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { extent } from '../kit/extent.ts'
import { startServer, TOGETHER } from '../kit/helper.ts'
import { SyncClient } from '../kit/sync-client/client.ts'
import { histories, runs, type Step, seed, World } from './history.ts'

const RUNS = runs(extent(4, 15))
const GROUPS = 14
const AT_ONCE = 10
const DEVICES = 2

/** The devices of everybody, which come and go. */
class Devices {
  readonly #world: World
  readonly #clients: readonly SyncClient[]

  private constructor(world: World, clients: readonly SyncClient[]) {
    this.#world = world
    this.#clients = clients
  }

  static async open(world: World): Promise<Devices> {
    const places = world.people.flatMap(person => Array.from({ length: DEVICES }, (_, node) => ({ person, node })))
    const clients = places.map(async ({ person, node }) => await SyncClient.open(world.node(node).url, person.token))
    return new Devices(world, await Promise.all(clients))
  }

  async act({ kind, who, pick, node }: Step): Promise<void> {
    const client = this.#clients[who * DEVICES + (pick % DEVICES)]
    if (kind === 'cut') client?.cut()
    else await client?.reconnect(this.#world.node(node).url).catch(() => undefined)
  }

  /** Everybody comes back to the node they like, and has what somebody has who loads it all. */
  async compare(): Promise<void> {
    await Promise.all(
      this.#world.people.map(async (person, index) => {
        const fresh = await SyncClient.freshLoad(this.#world.node(index).url, person.token)
        const own = this.#clients.slice(index * DEVICES, (index + 1) * DEVICES)
        for (const [device, client] of own.entries()) {
          if (!client.isConnected) await client.reconnect(this.#world.node(index + device).url)
          await client.untilLevel()
          deepStrictEqual(client.store, fresh, `person ${index}, device ${device}`)
        }
      })
    )
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }
}

t.test('G4 nothing missed: after any history, cut anywhere, every store equals a fresh load', async t => {
  const first = await startServer(t, TOGETHER)
  const nodes = [first, await startServer(t, { uri: first.uri, ...TOGETHER })]
  let changes = 0
  const property = fc.asyncProperty(histories(GROUPS, AT_ONCE), async history => {
    const world = await World.create(nodes)
    const devices = await Devices.open(world)
    try {
      for (const steps of history) {
        const isMove = ({ kind }: Step): boolean => kind === 'cut' || kind === 'reconnect'
        await Promise.all(steps.map(async step => (isMove(step) ? await devices.act(step) : await world.act(step))))
      }
      await devices.compare()
    } finally {
      devices.close()
      changes += world.changes
    }
  })
  t.comment(`PROPERTY_SEED=${seed()}`)
  await fc.assert(property, { seed: seed(), numRuns: RUNS, endOnFailure: true })
  t.ok(changes > RUNS * 20, `${changes} changes in ${RUNS} histories`)
})
