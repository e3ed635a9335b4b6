import t, { type Test } from 'tap'
import { type Cast, walkActs } from './acts.ts'
import { type Act, type Entry, entriesOf, type Face, Mouth, Tables } from './face.ts'
import { walkViews } from './views.ts'
import { type NamedPerson, openScene, type Scene } from './scene.ts'

/** A block means what it means on every path of one face, whichever of the two made it. */
export async function walkFace(face: Face): Promise<void> {
  const tables = await Tables.read(t, face.name)
  t.test(`of every route and command of ${face.name} it is known what a block does to it`, async t => {
    t.same(Object.keys(face.routes).sort(), [...tables.places.keys()].sort())
    t.same(Object.keys(face.commands).sort(), [...tables.commands].sort())
    const own = Object.entries(face.routes).filter(([, rows]) => rows === 'own')
    t.same(own.map(([key]) => key).filter(key => tables.names(key)), [], 'nobody else’s')
  })
  const entries = entriesOf(face)
  for (const side of ['blocker', 'blocked'] as const) {
    t.test(`what the ${side} does in ${face.name} reaches the other in no app until the block is taken back`, async t => {
      const acts = entries.filter((it): it is Entry<Act> => 'means' in it.row)
      await walkActs(await castOf(t, face, { tables, side }), acts)
    })
    t.test(`what the ${side} sees in ${face.name} is nothing of the other until the block is taken back`, async t => {
      const views = entries.filter(({ row }) => !('means' in row)) as Parameters<typeof walkViews>[1]
      await walkViews(await castOf(t, face, { tables, side }), views)
    })
  }
}

type Side = 'blocker' | 'blocked'

async function castOf(t: Test, face: Face, { tables, side }: { tables: Tables; side: Side }): Promise<Cast> {
  const scene = await openScene(t)
  const { server, actor: who } = scene
  const mouth = await Mouth.open(t, face, { server, who, tables })
  const listener = await scene.listen()
  const block = async (peers: readonly NamedPerson[], is: boolean) => {
    for (const peer of peers) {
      if (side === 'blocked') await blockOf(scene, peer, { peer: who, is })
      else if (face.block === undefined) await blockOf(scene, who, { peer, is })
      else await blockBy(mouth, face.block, { scene, peer, is })
    }
  }
  return { t, scene, face, tables, mouth, listener, block }
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
  mouth: Mouth,
  { key, undo, body }: NonNullable<Face['block']>,
  { scene, peer, is }: Change & { scene: Scene }
): Promise<void> {
  const nothing = { conv: '', isGroup: false, msg: '', theirs: '', seq: 0, req: '', text: '', sought: '' }
  const words = { ...nothing, actor: scene.actor, peer }
  const row = { shows: 'nothing' as const, body: () => body(is, peer) }
  const { code, text } = await mouth.say({ key: is ? key : undo, row }, words)
  if (code !== 'ok') throw new Error(text)
}
