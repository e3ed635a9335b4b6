import { bareId } from '../../../protocol/ids.ts'
import { PAGE_SIZE } from '../../../protocol/limits.ts'
import type { Presence } from '../../../protocol/presence/entities.ts'
import type { User } from '../../../protocol/users/entities.ts'
import { ContactsUpdated } from '../../../protocol/users/events.ts'
import type { FriendPage } from '../../../protocol/users/routes.ts'
import type { Actor } from '../../actor.ts'
import type { Bus } from '../../bus/bus.ts'
import { ObjectId } from '../../database/object-id.ts'
import { pairKeyOf, userId } from '../../ids.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { cutPage } from '../../page.ts'
import type { PresenceService } from '../../presence/presence.ts'
import type { AccountStore } from '../../streams/store.ts'
import type { ContactStore } from '../contacts/store.ts'
import type { UserService } from '../users.ts'
import type { FriendshipDoc, FriendshipStore } from './store.ts'

interface FriendDeps {
  store: { readonly accounts: AccountStore; readonly contacts: ContactStore; readonly friendships: FriendshipStore }
  bus: Bus
  users: Pick<UserService, 'findMany'>
  presence: Pick<PresenceService, 'get'>
}

type Session = Parameters<ContactStore['put']>[1]

/** People in a presence scope. */
const MAX_SCOPE = 1_000

/** Friends: who accepted a request for it. They are made in `requests.ts`. */
export class FriendService {
  readonly #store: FriendDeps['store']
  readonly #bus: Bus
  readonly #users: FriendDeps['users']
  readonly #presence: FriendDeps['presence']

  constructor({ store, bus, users, presence }: FriendDeps) {
    this.#store = store
    this.#bus = bus
    this.#users = users
    this.#presence = presence
  }

  /** The actor's friends with their presence, newest friendship first. */
  async list(actor: Actor, { limit = PAGE_SIZE, after }: { limit?: number; after?: string } = {}): Promise<FriendPage> {
    const from = after === undefined ? undefined : new ObjectId(after)
    const rows = await this.#store.friendships.page(new ObjectId(actor.userId), limit + 1, from)
    const { page, last } = cutPage(rows, limit)
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
    return {
      friends,
      ...omitUndefined({ next: last?._id.toHexString() })
    }
  }

  /**
   * The actor's friends and those who became contacts by an accepted request, newest friendship first: at most a
   * thousand, 24 hexadecimal digits each.
   */
  async presenceScope({ userId: id }: Pick<Actor, 'userId'>): Promise<string[]> {
    const me = new ObjectId(id)
    const [friends, contacts] = await Promise.all([
      this.#store.friendships.page(me, MAX_SCOPE),
      this.#store.contacts.page(me, { limit: MAX_SCOPE, source: 'request' })
    ])
    const ids = [...friends.map(row => otherOf(row, { userId: id })), ...contacts.map(row => row.contactId)]
    return [...new Set(ids.map(it => it.toHexString()))].slice(0, MAX_SCOPE)
  }

  /** The people of the presence scope, with their presence. */
  async scopePresence(actor: Pick<Actor, 'userId'>): Promise<{ user: User; presence: Presence }[]> {
    const ids = await this.presenceScope(actor)
    const [profiles, presences] = await Promise.all([this.#users.findMany(actor, ids), this.#presence.get(actor, ids)])
    const userOf = new Map(profiles.map(user => [user.id, user]))
    return presences.flatMap(presence => {
      const user = userOf.get(presence.userId)
      return user === undefined ? [] : [{ user, presence }]
    })
  }

  /** Whether two people are friends. Ids in either form. */
  async areFriends(a: string, b: string): Promise<boolean> {
    return await this.#store.friendships.exists(pairKeyOf(bareId(a), bareId(b)))
  }

  /** Ends a friendship, for both; a repeat changes nothing. They stay contacts, but not by the request. */
  async remove(actor: Actor, otherId: string): Promise<void> {
    const pairKey = pairKeyOf(actor.userId, bareId(otherId))
    if (!(await this.#store.friendships.exists(pairKey))) return
    const me = new ObjectId(actor.userId)
    const other = new ObjectId(bareId(otherId))
    const revs = await this.#store.accounts.changeAll([me, other], 'contacts', me, async session => {
      await this.#store.friendships.remove(pairKey, session)
      await this.#keepAsAdded(me, other, session)
      await this.#keepAsAdded(other, me, session)
    })
    for (const [id, rev] of revs) {
      this.#bus.publish('user', { userId: id, rev, event: ContactsUpdated.create({}) })
    }
  }

  async #keepAsAdded(ownerId: ObjectId, contactId: ObjectId, session: Session): Promise<void> {
    const [known] = await this.#store.contacts.contactsAmong(ownerId, [contactId])
    if (known !== undefined) await this.#store.contacts.put([{ ownerId, contactId, source: 'added' }], session)
  }
}

function otherOf({ userIds }: FriendshipDoc, { userId: me }: Pick<Actor, 'userId'>): ObjectId {
  const other = userIds.find(id => id.toHexString() !== me)
  if (other === undefined) throw new Error('A friendship is between two people')
  return other
}
