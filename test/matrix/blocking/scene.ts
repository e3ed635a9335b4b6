import { randomBytes, randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { bare } from '../../dialects/apps/line.ts'
import { mintToken, type Person, startServer, type TestServer } from '../../kit/helper.ts'
import { type Write, Writes } from '../../kit/writes.ts'
import { Listener } from './listener.ts'

/** Person who can be searched for. */
export interface NamedPerson extends Person {
  readonly username: string
  readonly phone: string
}

export const DIALECTS = ['mobile', 'unified', 'chatapp', 'reals2chat', 'taatom']

/** Two friends with a chat and a group; the other one listens. */
export interface Scene {
  readonly t: Test
  readonly server: TestServer
  readonly actor: NamedPerson
  readonly other: NamedPerson
  readonly herald: Person
  /** Bare ids. */
  readonly direct: string
  readonly group: string
  befriend(one: Person, two: Person): Promise<void>
  /** New person, who listens. @param hasPhone can be found by a number */
  stranger(hasPhone: boolean): Promise<Listener & { person: NamedPerson }>
  /** Listens for the other one. */
  listen(): Promise<Listener>
  /** Another member of the group, who listens: blocked by nobody. */
  bystander(): Promise<Listener>
  /** Says something. @returns its id and `seq` */
  say(from: Person, conversationId: string, text: string): Promise<{ id: string; seq: number }>
  /** The collections that were written to since the last call, but by the herald. */
  written(): Promise<string[]>
}

let made = 0

/** Sign up a person with a number; slow. */
export async function signUp(server: TestServer): Promise<NamedPerson> {
  made += 1
  const username = `named${made}${randomBytes(3).toString('hex')}x`
  const phone = `+49151${String(20_000_000 + made)}`
  const { accessToken: token, user } = await server.signUp({ username, phone, displayName: `Named ${made} Somebody` })
  return { hex: bare(user.id), id: user.id, token, username, phone }
}

async function unnamed(server: TestServer): Promise<NamedPerson> {
  const hex = randomBytes(12).toString('hex')
  const person = { hex, id: `user_${hex}`, token: await mintToken(hex), username: '', phone: '' }
  await server.call(person, 'GET', '/v1/auth/me')
  return person
}

export async function openScene(t: Test): Promise<Scene> {
  const server = await startServer(t, {
    env: {
      LIMITS_REFUSALS_PER_TEN_SECONDS: '1000000',
      TIMINGS_RECEIPT_PAUSE_MS: '400',
      LIMITS_TYPING_INTERVAL_MS: '1',
      LIMITS_REQUESTS_PER_DAY: '100000',
      LIMITS_OPEN_REQUESTS: '100000'
    }
  })
  const [actor, other, herald] = [await signUp(server), await signUp(server), await server.person()]
  const befriend = async (one: Person, two: Person) => {
    const { body } = await server.call(one, 'POST', '/v1/requests', { kind: 'friend', to: two.id })
    await server.call(two, 'POST', `/v1/requests/${body.id}/accept`)
  }
  await befriend(actor, other)
  const [direct, group] = [bare(await server.direct(actor, other)), bare(await server.group(actor, other))]
  const places = new Set([herald.hex])
  const about = { t, server, herald, watched: actor, places }
  // How far messages have come to a socket is noted by itself.
  const writes = await Writes.watch(t, server.uri, { ignored: { members: ['deliveredSeq'] } })
  return {
    ...{ t, server, actor, other, herald, direct, group, befriend },
    stranger: async hasPhone => {
      const person = hasPhone ? await signUp(server) : await unnamed(server)
      const dialects = [DIALECTS[made++ % DIALECTS.length] ?? '']
      return (await Listener.open({ ...about, person, dialects })) as Listener & { person: NamedPerson }
    },
    bystander: async () => {
      const person = await server.person()
      await server.call(actor, 'POST', `/v1/conversations/${group}/members`, { userIds: [person.id] })
      return await Listener.open({ ...about, person, dialects: [] })
    },
    listen: async () => await Listener.open({ ...about, person: other, dialects: DIALECTS }),
    say: async (from, conversationId, text) => {
      const message = { clientId: randomUUID(), text }
      const { body } = await server.call(from, 'POST', `/v1/conversations/${conversationId}/messages`, message)
      return { id: bare(body.id), seq: body.seq }
    },
    written: async () => collectionsOf(await writes.take(), places)
  }
}

/** Of writes that are about none of these places. */
function collectionsOf(writes: readonly Write[], places: ReadonlySet<string>): string[] {
  const isElsewhere = ({ text, document }: Write) => ![...places].some(id => text.includes(id) || document.includes(id))
  const collections = writes.filter(isElsewhere).map(({ collection }) => collection)
  // A file is received before it is known where it is to go, and shown to nobody by that.
  return [...new Set(collections)].filter(it => !/^file/.test(it)).sort((a, b) => a.localeCompare(b))
}
