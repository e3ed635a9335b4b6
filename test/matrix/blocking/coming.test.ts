import t, { type Test } from 'tap'
import { someOf } from '../../kit/extent.ts'
import { PacketClient } from '../../kit/packet-client.ts'
import { FaceListener, type Listener } from './listener.ts'
import { openScene, type Scene } from './scene.ts'

/** Opens the app of a person. @returns what closes it */
type Enter = (t: Test, scene: Scene) => Promise<() => void>

const onSocket =
  (namespace: string): Enter =>
  async (t, { server, actor: { token } }) => {
    const { socket } = await PacketClient.open(t, server.url, { namespace, auth: { token } })
    return () => void socket.close()
  }

/** A stream of server-sent events, which is there when it says so. */
const onStream =
  (path: string): Enter =>
  async (t, { server, actor: { token } }) => {
    const over = new AbortController()
    t.teardown(() => over.abort())
    const headers = { authorization: `Bearer ${token}` }
    const { body } = await fetch(`${server.url}${path}`, { headers, signal: over.signal })
    await body?.getReader().read()
    return () => over.abort()
  }

/** Ways in which a person connects. */
const ALL_WAYS: Readonly<Record<string, Enter>> = {
  canonical: async (_, { server, actor }) => {
    const socket = await server.connect(actor)
    return () => socket.terminate()
  },
  'canonical events': onStream('/v1/events'),
  mobile: onSocket('/mobile'),
  unified: onSocket('/unified'),
  'chatapp socket': onSocket('/chatapp'),
  chatapp: onStream('/api/sse'),
  reals2chat: onSocket('/reals2chat'),
  taatom: onSocket('/app')
}

const WAYS = Object.fromEntries(someOf(Object.entries(ALL_WAYS), 3, 'ways'))

/** Witness from whom the actor hides nothing: sees when the actor has come and gone. */
async function witnessOf({ server, herald, actor }: Scene): Promise<FaceListener> {
  const faceListener = new FaceListener('canonical')
  const socket = await server.connect(herald)
  socket.ws.on('message', text => {
    const { type, data } = JSON.parse(String(text))
    faceListener.take(type, data)
  })
  await socket.ask('presence:subscribe', { userIds: [actor.id] })
  return faceListener
}

const isPresence = (heard: string) => heard.startsWith('presence ')

interface Parts {
  readonly t: Test
  readonly scene: Scene
  readonly listener: Listener
  readonly witness: FaceListener
}

/** In every way, one after the other. @returns which of the other’s listeners heard of it each time */
async function comeAndGo({ t, scene, listener, witness }: Parts): Promise<Record<string, Set<string>>> {
  const heard: Record<string, Set<string>> = {}
  for (const [way, enter] of Object.entries(WAYS)) {
    await listener.settle()
    witness.empty()
    const leave = await enter(t, scene)
    await witness.until(said => isPresence(said) && said.includes('"online"'))
    leave()
    await witness.until(said => isPresence(said) && said.includes('"offline"'))
    heard[way] = new Set((await listener.settle()).map(said => said.slice(0, said.indexOf(':'))))
  }
  return heard
}

/** Blocks, or takes it back; both are told how they see each other now. */
async function setBlock({ scene: { server, actor, other }, listener }: Parts, side: string, is: boolean) {
  const [who, whom] = side === 'blocker' ? [actor, other] : [other, actor]
  await listener.settle()
  if (is) await server.call(who, 'POST', '/v1/blocks', { userId: whom.id })
  else await server.call(who, 'DELETE', `/v1/blocks/${whom.id}`)
  await Promise.all(
    listener.listeners.map(async faceListener => await faceListener.until(said => said.includes(actor.hex)))
  )
}

for (const side of ['blocker', 'blocked']) {
  t.test(`the coming and going of the ${side}, in whatever app, is heard in no app of the other’s`, async t => {
    const scene = await openScene(t)
    const parts = { t, scene, witness: await witnessOf(scene), listener: await scene.listen() }
    const all = new Set(parts.listener.listeners.map(({ face }) => face))
    const byWay = (faces: ReadonlySet<string>) => Object.fromEntries(Object.keys(WAYS).map(way => [way, faces]))
    t.same(await comeAndGo(parts), byWay(all), 'before')
    await setBlock(parts, side, true)
    t.same(await comeAndGo(parts), byWay(new Set()), 'when blocked')
    const since = { ...parts, listener: await scene.listen() }
    t.same(await comeAndGo(since), byWay(new Set()), 'when blocked, on sockets that were opened since')
    await setBlock(since, side, false)
    t.same(await comeAndGo(since), byWay(all), 'afterwards')
  })
}
