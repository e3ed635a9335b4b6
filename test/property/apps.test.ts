import { deepStrictEqual } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import type { Collection } from 'mongodb'
import t, { type Test } from 'tap'
import type { CuttingProxy } from '../kit/cutting-proxy.ts'
import { openDatabase } from '../kit/databases.ts'
import { extent } from '../kit/extent.ts'
import { startServer, TOGETHER } from '../kit/helper.ts'
import { type AppClient, closeApps, KINDS, load, openApps, Screen } from './app-clients.ts'
import { histories, runs, type Step, seed, World } from './history.ts'

const RUNS = runs(extent(2, 4))
/** How often an app is looked at before it counts as missing something. */
const LOOKS = 2_000

/** App of somebody: what it shows, and its client behind a network of its own. */
interface App {
  readonly kind: string
  readonly who: number
  readonly proxy: CuttingProxy
  readonly client: AppClient
  readonly screen: Screen
}

/** Apps of each kind, two of each; one person has a device of every kind. */
class Apps {
  readonly #world: World
  readonly #apps: readonly App[]

  private constructor(world: World, apps: readonly App[]) {
    this.#world = world
    this.#apps = apps
  }

  static async open(t: Test, world: World, cursors: Collection): Promise<Apps> {
    const seats = Object.keys(KINDS).flatMap((kind, index) =>
      [0, index % 3].map((who, device) => ({ kind, who, person: world.person(who), url: world.node(device).url }))
    )
    const opened = await openApps(t, cursors, seats)
    const apps = opened.map(async app => {
      const loading = world.conversations.map(
        async id => [id, (await load(world.node(0), app.person, id)) ?? []] as const
      )
      return { ...app, screen: new Screen(app.client, new Map(await Promise.all(loading))) }
    })
    return new Apps(world, await Promise.all(apps))
  }

  /** Cuts a network, at once or after some more bytes, and leads it to one of the servers. */
  act({ kind, who, pick, node }: Step): void {
    const proxy = this.#apps[(who * 7 + pick) % this.#apps.length]?.proxy
    proxy?.leadTo(this.#world.node(node).url)
    if (kind === 'cut') proxy?.cut()
    else proxy?.cutAfter(pick * 3)
  }

  /** Each app comes to show what somebody sees who loads it all anew. */
  async compare(): Promise<void> {
    for (const { kind, who, screen } of this.#apps) {
      for (const [index, id] of this.#world.conversations.entries()) {
        const fresh = await load(this.#world.node(0), this.#world.person(who), id)
        if (fresh === undefined) continue
        const ids = new Set(fresh.map(it => it.id))
        const shown = () => screen.of(id).filter(it => ids.has(it.id))
        for (let look = 0; look < LOOKS && !isDeepStrictEqual(shown(), fresh); look++) await sleep(10)
        deepStrictEqual(shown(), fresh, `${kind}, person ${who}, conversation ${index}`)
      }
    }
  }

  close(): void {
    closeApps(this.#apps)
  }
}

t.test(
  'G4 nothing missed: what apps without cursors show equals a fresh load, cut anywhere, after any history',
  async t => {
    const first = await startServer(t, TOGETHER)
    const cursors = (await openDatabase(t, first.uri)).db().collection('deviceCursors')
    const nodes = [first, await startServer(t, { uri: first.uri, ...TOGETHER })]
    const property = fc.asyncProperty(histories(8, 10), async history => {
      const world = await World.create(nodes)
      const apps = await Apps.open(t, world, cursors)
      try {
        for (const steps of history) {
          const isMove = ({ kind }: Step): boolean => kind === 'cut' || kind === 'reconnect'
          await Promise.all(steps.map(async step => (isMove(step) ? apps.act(step) : await world.act(step))))
        }
        await apps.compare()
      } finally {
        apps.close()
      }
    })
    t.comment(`PROPERTY_SEED=${seed()}`)
    await fc.assert(property, { seed: seed(), numRuns: RUNS, endOnFailure: true })
    t.pass(`${RUNS} histories`)
  }
)
