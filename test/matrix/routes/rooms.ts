import { bare } from '../../dialects/apps/line.ts'
import type { Person, TestServer } from '../../kit/helper.ts'
import type { AccountStatus } from './actions.ts'
import type { Case } from './cases.ts'
import { fieldsOf, type Ids, kindOf } from './request.ts'

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

type People = Readonly<Record<'owner' | 'admin' | 'otherAdmin' | 'member' | 'target', Person>>

/** Opens conversations in which somebody has a role. */
export class Rooms {
  readonly #server: TestServer
  readonly #members: People
  readonly #kept = new Map<string, Promise<Room>>()

  private constructor(server: TestServer, members: People) {
    this.#server = server
    this.#members = members
  }

  static async open(server: TestServer): Promise<Rooms> {
    const [owner, admin, otherAdmin, member, target] = (await server.people(5)) as [
      ...[Person, Person, Person, Person, Person]
    ]
    return new Rooms(server, { owner, admin, otherAdmin, member, target })
  }

  /** Make a room where nothing has been done. */
  async fresh(role: Role, it: Case): Promise<Room> {
    const isDirect = ['direct', 'apart'].includes(role.standing)
    return isDirect ? await this.#direct(role, it) : await this.#group(role, it)
  }

  /** Room for everything that changes nothing. */
  async kept(role: Role, it: Case): Promise<Room> {
    const { request, message, user } = it.action
    const key = [role.name, request, message, user, namesRequest(it)].join()
    const room = this.#kept.get(key) ?? this.fresh(role, it)
    this.#kept.set(key, room)
    return await room
  }

  async #group({ standing, isMuted }: Role, { action }: Case): Promise<Room> {
    const { message = 'own', user = 'target' } = action
    const { owner, admin, otherAdmin, member, target } = this.#members
    const group = await this.#server.group(owner, admin, otherAdmin, member, target)
    const path = `/v1/conversations/${group}`
    const actor = standing === 'owner' ? owner : standing === 'admin' ? admin : member
    const sender = message === 'own' ? actor : target
    const msg = await (message === 'note' ? this.#newest(owner, path) : this.#send(sender, path))
    await this.#raise(path, [...(standing === 'admin' ? [admin] : []), ...(user === 'admin' ? [otherAdmin] : [])])
    await this.#call(owner, 'PATCH', path, { settings: settingsIn(standing) })
    if (isMuted) await this.#call(actor, 'PATCH', `${path}/preferences`, { muted: true })
    const outsider = user === 'outsider' ? await this.#server.person() : target
    const users = { target, admin: otherAdmin, owner, outsider, self: actor }
    return { actor, ids: { conv: bare(group), msg, user: users[user].hex, req: NO_REQUEST } }
  }

  async #raise(path: string, people: readonly Person[]): Promise<void> {
    for (const { id } of people)
      await this.#call(this.#members.owner, 'PATCH', `${path}/members/${id}`, { role: 'admin' })
  }

  async #direct({ standing, isMuted, isBlocker }: Role, it: Case): Promise<Room> {
    const { message = 'own', user = 'target' } = it.action
    const [actor, peer] = (await this.#server.people(2)) as [Person, Person]
    const outsider = user === 'outsider' ? await this.#server.person() : peer
    const direct = await this.#server.direct(actor, peer)
    const path = `/v1/conversations/${direct}`
    const [msg, req] = await Promise.all([
      this.#send(message === 'own' ? actor : peer, path),
      namesRequest(it) ? this.#request(it, actor, peer) : NO_REQUEST
    ])
    if (isMuted) await this.#call(actor, 'PATCH', `${path}/preferences`, { muted: true })
    if (standing === 'apart') {
      const [blocker, blocked] = isBlocker ? [actor, peer] : [peer, actor]
      await this.#call(blocker, 'POST', '/v1/blocks', { userId: blocked.id })
    }
    const users = { target: peer, admin: peer, owner: peer, outsider, self: actor }
    return { actor, peer, ids: { conv: bare(direct), msg, user: users[user].hex, req } }
  }

  async #request({ action }: Case, actor: Person, peer: Person): Promise<string> {
    const [asker, asked] = action.request === 'outgoing' ? [actor, peer] : [peer, actor]
    return bare((await this.#call(asker, 'POST', '/v1/requests', { kind: 'chat', to: asked.id })).id)
  }

  async #send(who: Person, path: string): Promise<string> {
    return bare((await this.#call(who, 'POST', `${path}/messages`, { clientId: 'said', text: 'Said' })).id)
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

const NO_REQUEST = '0'.repeat(24)

/** Whether there must be a request for it. */
function namesRequest({ name, place }: Case): boolean {
  return name === 'ask somebody' || fieldsOf(place).some(field => kindOf(field) === 'req')
}

/** Permissions that a group leaves to its members: all, or none. */
function settingsIn(standing: AccountStatus) {
  const who = standing === 'open' ? 'members' : 'admins'
  return { whoMaySend: who, whoMayAdd: who, whoMayEdit: who }
}
