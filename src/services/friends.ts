import { bareId } from '../../protocol/ids.ts'
import { PAGE_SIZE } from '../../protocol/limits.ts'
import type { FriendPage } from '../../protocol/routes/people.ts'
import type { Bus } from '../bus/bus.ts'
import { type FriendshipDoc, ObjectId, type Store } from '../store/index.ts'
import type { Actor } from './actor.ts'
import { pairKeyOf } from './policy.ts'
import type { PresenceService } from './presence.ts'
import { userId } from './present.ts'
import type { UserService } from './users.ts'

interface FriendParts {
  store: Pick<Store, 'accounts' | 'friendships'>
  bus: Bus
  users: Pick<UserService, 'findMany'>
  presence: Pick<PresenceService, 'get'>
}

/** Friends: who accepted a request for it. They are made in `requests.ts`. */
export class FriendService {
  readonly #store: FriendParts['store']
  readonly #bus: Bus
  readonly #users: FriendParts['users']
  readonly #presence: FriendParts['presence']

  constructor({ store, bus, users, presence }: FriendParts) {
    this.#store = store
    this.#bus = bus
    this.#users = users
    this.#presence = presence
  }

  /** The actor's friends with their presence, newest friendship first. */
  async list(actor: Actor, { limit = PAGE_SIZE, after }: { limit?: number; after?: string } = {}): Promise<FriendPage> {
    const from = after === undefined ? undefined : new ObjectId(after)
    const rows = await this.#store.friendships.page(new ObjectId(actor.userId), limit + 1, from)
    const page = rows.slice(0, limit)
    const ids = page.map(row => otherOf(row, actor).toHexString())
    const [profiles, presences] = await Promise.all([this.#users.findMany(actor, ids), this.#presence.get(actor, ids)])
    const userOf = new Map(profiles.map(user => [user.id, user]))
    const presenceOf = new Map(presences.map(presence => [presence.userId, presence]))
    const friends = page.flatMap(row => {
      const id = userId(otherOf(row, actor))
      const user = userOf.get(id)
      const presence = presenceOf.get(id)
      if (user === undefined || presence === undefined) return []
      return [{ user, presence, since: row.createdAt.toISOString() }]
    })
    const last = page.at(-1)
    return { friends, ...(rows.length > limit && last !== undefined ? { next: last._id.toHexString() } : {}) }
  }

  /** Whether two people are friends. Ids in either form. */
  async areFriends(a: string, b: string): Promise<boolean> {
    return await this.#store.friendships.exists(pairKeyOf(bareId(a), bareId(b)))
  }

  /** Ends a friendship, for both; a repeat changes nothing. They stay contacts. */
  async remove(actor: Actor, otherId: string): Promise<void> {
    const pairKey = pairKeyOf(actor.userId, bareId(otherId))
    if (!(await this.#store.friendships.exists(pairKey))) return
    const me = new ObjectId(actor.userId)
    const both = [me, new ObjectId(bareId(otherId))]
    const revs = await this.#store.accounts.changeAll(both, 'contacts', me, async session => {
      await this.#store.friendships.remove(pairKey, session)
    })
    for (const [id, rev] of revs) {
      this.#bus.emit('account', { userId: id, rev, type: 'contacts:updated', data: {} })
    }
  }
}

function otherOf({ userIds }: FriendshipDoc, { userId: me }: Actor): ObjectId {
  const other = userIds.find(id => id.toHexString() !== me)
  if (other === undefined) throw new Error('A friendship is between two people')
  return other
}
