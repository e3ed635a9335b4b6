import t, { type Test } from 'tap'
import { someOf } from '../../kit/extent.ts'
import { type Scenario, walkActs } from './acts.ts'
import { type Act, Driver, type Entry, entriesOf, type Face, Tables } from './face.ts'
import { type NamedPerson, openScene, type Scene } from './scene.ts'
import { walkViews } from './views.ts'

/** A block means what it means on every path of one face, whichever of the two made it. */
export async function walkFace(face: Face): Promise<void> {
  const tables = await Tables.read(t, face.name)
  const title = titleOf(face)
  t.jobs = 4
  t.test(`of every route and command of ${title} it is known what a block does to it`, async t => {
    const { routes, commands } = face
    if (routes !== undefined) t.same(new Set(Object.keys(routes)), new Set(tables.places.keys()))
    if (commands !== undefined) t.same(new Set(Object.keys(commands)), new Set(tables.commands))
    const own = Object.entries(routes ?? {}).filter(([, rows]) => rows === 'own')
    t.same(
      own.map(([key]) => key).filter(key => tables.names(key)),
      [],
      'nobody else’s'
    )
  })
  const entries = entriesOf(face)
  const partOf = <T extends Entry>(of: readonly T[], side: Side) => someOf(of, Math.ceil(of.length / 10), title + side)
  for (const side of ['blocker', 'blocked'] as const) {
    t.test(
      `what the ${side} does in ${title} reaches the other in no app until the block is taken back`,
      { buffered: true },
      async t => {
        const acts = entries.filter((it): it is Entry<Act> => 'means' in it.row)
        await walkActs(await scenarioOf(t, face, { tables, side, hasSocket: true }), partOf(acts, side))
      }
    )
    t.test(
      `what the ${side} sees in ${title} is nothing of the other until the block is taken back`,
      { buffered: true },
      async t => {
        const views = entries.filter(({ row }) => !('means' in row)) as Parameters<typeof walkViews>[1]
        // The canonical socket alone notes nothing by itself.
        const hasSocket = face.name === 'canonical'
        await walkViews(await scenarioOf(t, face, { tables, side, hasSocket }), partOf(views, side))
      }
    )
  }
}

function titleOf({ name, routes, commands }: Face): string {
  if (routes === undefined) return `the ${name} socket`
  return commands === undefined ? `${name} REST` : name
}

type Side = 'blocker' | 'blocked'

interface Setting {
  readonly tables: Tables
  readonly side: Side
  readonly hasSocket: boolean
}

async function scenarioOf(t: Test, face: Face, { tables, side, hasSocket }: Setting): Promise<Scenario> {
  const scene = await openScene(t)
  const { server, actor: who } = scene
  const at = { server, who, tables }
  const driver = hasSocket ? await Driver.open(t, face, at) : Driver.withoutSocket(at)
  const listener = await scene.listen()
  const block = async (peers: readonly NamedPerson[], is: boolean) => {
    for (const peer of peers) {
      if (side === 'blocked') await blockOf(scene, peer, { peer: who, is })
      else if (face.block === undefined) await blockOf(scene, who, { peer, is })
      else await blockBy(driver, face.block, { scene, peer, is })
    }
  }
  // Before there is a block, both sides are the same.
  return { t, scene, face, tables, driver, listener, block, isSeenBefore: side === 'blocker' }
}

interface Change {
  readonly peer: NamedPerson
  readonly is: boolean
}

async function blockOf({ server }: Scene, who: NamedPerson, { peer, is }: Change): Promise<void> {
  const { status, text } = is
    ? await server.call(who, 'POST', '/v1/blocks', { userId: peer.id })
    : await server.call(who, 'DELETE', `/v1/blocks/${peer.id}`)
  if (status !== 204) throw new Error(text)
}

/** In the words of the app. */
async function blockBy(
  driver: Driver,
  { key, undo, body }: NonNullable<Face['block']>,
  { scene, peer, is }: Change & { scene: Scene }
): Promise<void> {
  const nothing = { conv: '', isGroup: false, msg: '', theirs: '', seq: 0, req: '', text: '', sought: '' }
  const words = { ...nothing, actor: scene.actor, peer }
  const row = { shows: 'nothing' as const, body: () => body(is, peer) }
  const { code, text } = await driver.say({ key: is ? key : undo, row }, words)
  if (code !== 'ok') throw new Error(text)
}
