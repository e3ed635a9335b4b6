import { ObjectId, type Store } from '../store/index.ts'
import type { Actor } from './actor.ts'
import { pairKeyOf } from './policy.ts'
import { pairOf, peerOf } from './present.ts'
import { RecentCache } from './recent-cache.ts'

const CACHE_MS = 3_600_000
const MAX_CACHED = 50_000

/** Which conversations are direct ones, and between whom: that never changes. */
export class Pairs {
  readonly #store: Pick<Store, 'conversations'>
  readonly #cache: RecentCache<readonly [string, string] | undefined>
  /** Conversations by their pairs, in the order of their last use. */
  readonly #ids = new Map<string, string>()

  constructor(store: Pick<Store, 'conversations'>) {
    this.#store = store
    this.#cache = new RecentCache(
      async id => pairOf((await store.conversations.find(new ObjectId(id))) ?? {}),
      CACHE_MS,
      MAX_CACHED
    )
  }

  /** The two people of a direct conversation. @param conversationId 24 hexadecimal digits, as are the answer's ids */
  async of(conversationId: string): Promise<readonly [string, string] | undefined> {
    return await this.#cache.get(conversationId)
  }

  /** The direct conversation of two people, if there is one; read once. Ids are 24 hexadecimal digits. */
  async idOf(a: string, b: string): Promise<string | undefined> {
    const pairKey = pairKeyOf(a, b)
    const id = this.#ids.get(pairKey) ?? (await this.#store.conversations.findPair(pairKey))?._id.toHexString()
    // Whether there is none may change at any time.
    if (id !== undefined) this.#remember(pairKey, id)
    return id
  }

  #remember(pairKey: string, id: string): void {
    this.#ids.delete(pairKey)
    this.#ids.set(pairKey, id)
    if (this.#ids.size <= MAX_CACHED) return
    for (const oldest of this.#ids.keys()) {
      this.#ids.delete(oldest)
      break
    }
  }
}

/** Conversations of one person whose other side is looked up. */
const MAX_PEERS = 1_000

/** Whom a person is in touch with. */
export class PeerService {
  readonly #store: Pick<Store, 'conversations' | 'members'>

  constructor(store: Pick<Store, 'conversations' | 'members'>) {
    this.#store = store
  }

  /** Those with a direct conversation with the person, 24 hexadecimal digits each; at most a thousand. */
  async of({ userId }: Pick<Actor, 'userId'>): Promise<string[]> {
    const memberships = await this.#store.members.ofUser(new ObjectId(userId), MAX_PEERS)
    const pairKeys = await this.#store.conversations.pairKeys(memberships.map(it => it.conversationId))
    return pairKeys.flatMap(pairKey => peerOf({ pairKey }, userId) ?? [])
  }
}
