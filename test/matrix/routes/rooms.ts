import { bare } from '../../dialects/apps/line.ts'
import type { Person, TestServer } from '../../kit/helper.ts'
import { uploadInPieces } from '../../media/tus.ts'
import type { AccountStatus, Action } from './actions.ts'
import { askedOf, type Case, kindsNamed } from './cases.ts'
import { fieldsOf, type Ids, kindOf, NO_IDS } from './request.ts'

/** Role of a person in a conversation. */
export interface Role {
  readonly name: string
  readonly standing: AccountStatus
  readonly isMuted?: true
  /** Of the two that a block keeps apart. */
  readonly isBlocker?: true
}

export const ROLES: readonly Role[] = [
  { name: 'a member of an open group', standing: 'open' },
  { name: 'a member', standing: 'closed' },
  { name: 'a member who has muted the group', standing: 'closed', isMuted: true },
  { name: 'an admin', standing: 'admin' },
  { name: 'the owner', standing: 'owner' },
  { name: 'one of two', standing: 'direct' },
  { name: 'one of two who has muted the chat', standing: 'direct', isMuted: true },
  { name: 'who has blocked', standing: 'apart', isBlocker: true },
  { name: 'who is blocked', standing: 'apart' }
]

/** A conversation as one of its members stands in it. */
export interface Room {
  readonly actor: Person
  /** The other one of two. */
  readonly peer?: Person
  /** Ids that an action names. */
  readonly ids: Ids
}

/** A conversation with all that can be named there. */
interface Place {
  readonly actor: Person
  readonly peer?: Person
  readonly conv: string
  readonly users: Readonly<Record<NonNullable<Action['user']>, Person>>
  /** What the actor and the one who is named have said: the first is named, the others are to be taken. */
  readonly said: Readonly<Record<'own' | 'foreign', string[]>>
  /** What the server has noted there; of groups alone. */
  readonly note: string
  readonly req: string
  readonly file: string
}

/** What there is to be in a place. */
interface Stock {
  /** Messages of the actor. */
  readonly own: number
  /** Messages of the one who is named. */
  readonly foreign: number
  /** Notes of the server, of which one is read. */
  readonly note: number
  /** Whether the other admin is one. */
  readonly isRaised: boolean
  readonly outsider: Person
}

/** For everything, and for a while where messages are taken one by one. */
const STOCK = { own: 12, foreign: 12, note: 1, isRaised: true }

type People = Readonly<Record<'owner' | 'admin' | 'otherAdmin' | 'member' | 'target' | 'outsider', Person>>

/** Opens conversations in which somebody has a role. */
export class Rooms {
  readonly #server: TestServer
  readonly #people: People
  readonly #kept = new Map<string, Promise<Place>>()

  /** Of the one who is named, and in no message. */
  readonly #file: string

  private constructor(server: TestServer, people: People, file: string) {
    this.#file = file
    this.#server = server
    this.#people = people
  }

  static async open(server: TestServer): Promise<Rooms> {
    const [owner, admin, otherAdmin, member, target, outsider] = (await server.people(6)) as [
      ...[Person, Person, Person, Person, Person, Person]
    ]
    const file = bare((await uploadInPieces(server, target, 'A file')).id)
    return new Rooms(server, { owner, admin, otherAdmin, member, target, outsider }, file)
  }

  /** Make a room where nothing has been done. */
  async fresh(role: Role, it: Case): Promise<Room> {
    const { message = 'own', user } = it.action
    const outsider = user === 'outsider' ? await this.#server.person() : this.#people.outsider
    const stock = { own: 0, foreign: 0, note: 0, [message]: 1, isRaised: user === 'admin', outsider }
    return roomOf(await this.#open(role, it, stock), it)
  }

  /** Room for everything that leaves the room as it is: what takes a message gets one of its own. */
  async kept(role: Role, it: Case): Promise<Room> {
    const { request = 'incoming', spends } = it.action
    const key = [role.name, namesRequest(it) ? request : '', spends === 'sight'].join()
    const opening = this.#kept.get(key) ?? this.#open(role, it, { ...STOCK, outsider: this.#people.outsider })
    this.#kept.set(key, opening)
    const place = await opening
    if (!takesMessage(it)) return roomOf(place, it)
    const room = roomOf(place, it, place.said[it.action.message === 'foreign' ? 'foreign' : 'own'].pop())
    const isLast = Object.values(place.said).some(({ length }) => length === 1)
    if (isLast) this.#kept.delete(key)
    return room
  }

  async #open(role: Role, it: Case, stock: Stock): Promise<Place> {
    const isDirect = ['direct', 'apart'].includes(role.standing)
    return isDirect ? await this.#direct(role, it, stock) : await this.#group(role, stock)
  }

  async #group({ standing, isMuted }: Role, { isRaised, outsider, ...stock }: Stock): Promise<Place> {
    const { owner, admin, otherAdmin, member, target } = this.#people
    const group = await this.#server.group(owner, admin, otherAdmin, member, target)
    const path = `/v1/conversations/${group}`
    const actor = standing === 'owner' ? owner : standing === 'admin' ? admin : member
    // Before anything is said.
    const note = stock.note > 0 ? await this.#newest(owner, path) : NO_ID
    const said = {
      own: await this.#say(actor, path, stock.own),
      foreign: await this.#say(target, path, stock.foreign)
    }
    for (const { id } of [...(standing === 'admin' ? [admin] : []), ...(isRaised ? [otherAdmin] : [])])
      await this.#call(owner, 'PATCH', `${path}/members/${id}`, { role: 'admin' })
    await this.#call(owner, 'PATCH', path, { settings: settingsIn(standing) })
    if (isMuted) await this.#call(actor, 'PATCH', `${path}/preferences`, { muted: true })
    const users = { target, admin: otherAdmin, owner, outsider, self: actor }
    return { actor, conv: bare(group), users, said, note, req: NO_ID, file: this.#file }
  }

  async #direct({ standing, isMuted, isBlocker }: Role, it: Case, stock: Stock): Promise<Place> {
    const [actor, peer] = (await this.#server.people(2)) as [Person, Person]
    const direct = await this.#server.direct(actor, peer)
    const path = `/v1/conversations/${direct}`
    const [own, foreign, req] = await Promise.all([
      this.#say(actor, path, stock.own),
      this.#say(peer, path, stock.foreign),
      namesRequest(it) ? this.#request(it, actor, peer) : NO_ID
    ])
    if (isMuted) await this.#call(actor, 'PATCH', `${path}/preferences`, { muted: true })
    if (standing === 'apart') {
      const [blocker, blocked] = isBlocker ? [actor, peer] : [peer, actor]
      await this.#call(blocker, 'POST', '/v1/blocks', { userId: blocked.id })
    }
    const users = { target: peer, admin: peer, owner: peer, outsider: stock.outsider, self: actor }
    return { actor, peer, conv: bare(direct), users, said: { own, foreign }, note: NO_ID, req, file: this.#file }
  }

  async #request({ action }: Case, actor: Person, peer: Person): Promise<string> {
    const [asker, asked] = action.request === 'outgoing' ? [actor, peer] : [peer, actor]
    return bare((await this.#call(asker, 'POST', '/v1/requests', { kind: 'chat', to: asked.id })).id)
  }

  /** Says so much at once. @returns the ids */
  async #say(who: Person, path: string, count: number): Promise<string[]> {
    return await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const message = { clientId: `${who.hex}-${index}`, text: 'Said' }
        return bare((await this.#call(who, 'POST', `${path}/messages`, message)).id)
      })
    )
  }

  async #newest(who: Person, path: string): Promise<string> {
    return bare((await this.#call(who, 'GET', `${path}/messages`)).messages.at(-1).id)
  }

  async #call(who: Person, method: string, path: string, body?: object) {
    const answer = await this.#server.call(who, method, path, body)
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.text}`)
    return answer.body
  }
}

const NO_ID = '0'.repeat(24)

/** @param taken message that is named, of those that are taken */
function roomOf({ actor, peer, conv, users, said, note, req, file }: Place, { action }: Case, taken?: string): Room {
  const { message = 'own', user = 'target' } = action
  const msg = taken ?? (message === 'note' ? note : said[message][0]) ?? NO_ID
  return { actor, ...(peer && { peer }), ids: { conv, msg, user: users[user].hex, req, file } }
}

/** Whether each time another message is taken. */
function takesMessage(it: Case): boolean {
  return it.action.spends === 'message' && kindsNamed(it, askedOf(it, NO_IDS)).has('msg')
}

/** Whether there must be a request for it. */
function namesRequest({ name, place }: Case): boolean {
  return name === 'ask somebody' || fieldsOf(place).some(field => kindOf(field) === 'req')
}

/** Permissions that a group leaves to its members: all, or none. */
function settingsIn(standing: AccountStatus) {
  const who = standing === 'open' ? 'members' : 'admins'
  return { whoMaySend: who, whoMayAdd: who, whoMayEdit: who }
}
