import { ObjectId } from '../../database/object-id.ts'
import { pairKeyOf } from '../../ids.ts'
import { boundedMap } from '../../limits/bounded-map.ts'
import { RecentCache } from '../../limits/recent-cache.ts'
import { pairOf } from '../../present/present.ts'
import type { ConversationStore } from '../../store/conversations.ts'

const CACHE_MS = 3_600_000
const MAX_CACHED = 50_000

/** Pairs of direct conversations, cached: a pair never changes. */
export class DirectPairs {
  readonly #store: { readonly conversations: ConversationStore }
  readonly #cache: RecentCache<readonly [string, string] | undefined>
  /** Conversations by their pairs. */
  readonly #ids = boundedMap<string>(MAX_CACHED)

  constructor(store: { readonly conversations: ConversationStore }) {
    this.#store = store
    this.#cache = new RecentCache(
      async id => pairOf((await store.conversations.find(new ObjectId(id))) ?? {}),
      CACHE_MS,
      MAX_CACHED
    )
  }

  /** The two people of a direct conversation. @param conversationId 24 hexadecimal digits, as are the answer's ids */
  async find(conversationId: string): Promise<readonly [string, string] | undefined> {
    return await this.#cache.get(conversationId)
  }

  /** The direct conversation of two people, if there is one; read once. Ids are 24 hexadecimal digits. */
  async idOf(a: string, b: string): Promise<string | undefined> {
    const pairKey = pairKeyOf(a, b)
    const id = this.#ids.get(pairKey) ?? (await this.#store.conversations.findPair(pairKey))?._id.toHexString()
    // Whether there is none may change at any time.
    if (id !== undefined) this.#ids.set(pairKey, id)
    return id
  }
}
