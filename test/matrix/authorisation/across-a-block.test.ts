import t, { type Test } from 'tap'
import { someOf } from '../../kit/extent.ts'
import { joinServer, type Person, type TestServer } from '../../kit/helper.ts'
import { type Case, casesOf, commandPlaces } from '../routes/cases.ts'
import { ROLES, type Role, Rooms } from '../routes/rooms.ts'
import { allDialects, canonicalPlaces, dialectPlaces, eachOnce } from '../routes/table.ts'
import { askedIn, trialOf } from '../routes/trials.ts'
import { Voice } from '../routes/voice.ts'

const dialects = await allDialects(t)
const places = [...canonicalPlaces(), ...eachOnce(dialectPlaces(dialects)), ...commandPlaces(dialects)]
/** Cases on one’s own side: typing, receiving, reading, keeping. */
const cases = casesOf(places).filter(({ name }) => ['keep it one’s own way', 'put it away'].includes(name))

interface Scene {
  readonly t: Test
  readonly server: TestServer
  readonly rooms: Rooms
  readonly voice: Voice
  /** Knows both, and is apart from nobody. */
  readonly third: Person
}

async function openScene(t: Test): Promise<Scene> {
  const server = await joinServer(t)
  return { t, server, rooms: await Rooms.open(server), voice: new Voice(t, server), third: await server.person() }
}

/** Events that the other of two people receives, up to a message of a third. */
async function heard({ t, server, rooms, voice, third }: Scene, it: Case, role: Role): Promise<string[]> {
  const trial = trialOf(it, role)
  const room = await rooms.fresh(role, it)
  if (trial === undefined || room.peer === undefined) throw new Error(`${it.name} is not done by ${role.name}`)
  const fence = await server.group(third, room.peer)
  const socket = await server.connect(room.peer)
  const { isGranted, text } = await voice.ask(room.actor, it.place, askedIn(room, trial))
  t.ok(isGranted, text)
  const message = { clientId: 'fence', text: 'Fence' }
  await server.call(third, 'POST', `/v1/conversations/${fence}/messages`, message)
  await socket.next(frame => frame.type === 'message:new' && frame.data.clientId === 'fence')
  socket.terminate()
  return socket.frames.map(({ type }) => type)
}

const rolesOf = (standing: string) => ROLES.filter(role => role.standing === standing && !role.isMuted)

t.test('what one types, receives and reads is told to the other one of two', async t => {
  const scene = await openScene(t)
  const told = new Set<string>()
  for (const it of cases) {
    for (const role of rolesOf('direct')) for (const type of await heard(scene, it, role)) told.add(type)
  }
  t.same([...told].sort(), ['receipt:delivered', 'receipt:read', 'typing:start', 'typing:stop'])
})

t.test('across a block the other one hears nothing of it, whichever way it was said', async t => {
  const scene = await openScene(t)
  for (const it of cases) {
    for (const role of someOf(rolesOf('apart'), 1, it.place.url)) {
      const what = `${role.name}: ${it.place.face} ${it.place.method} ${[it.place.url, ...it.words].join(' ')}`
      t.same(await heard(scene, it, role), [], what)
    }
  }
})
