import type { Actor } from '../actor.ts'
import type { Store } from '../database/database.ts'
import { ObjectId } from '../database/object-id.ts'
import { peerOf } from '../present/present.ts'

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
