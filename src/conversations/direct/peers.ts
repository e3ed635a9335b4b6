import type { Actor } from '../../actor.ts'
import { ObjectId } from '../../database/object-id.ts'
import { peerOf } from '../../present/present.ts'
import type { ConversationStore } from '../../store/conversations.ts'
import type { MemberStore } from '../../store/members.ts'

/** Conversations of one person whose other side is looked up. */
const MAX_PEERS = 1_000

/** Whom a person is in touch with. */
export class DirectPeers {
  readonly #store: { readonly conversations: ConversationStore; readonly members: MemberStore }

  constructor(store: { readonly conversations: ConversationStore; readonly members: MemberStore }) {
    this.#store = store
  }

  /** People with a direct conversation with the person, 24 hexadecimal digits each; at most a thousand. */
  async findByUser({ userId }: Pick<Actor, 'userId'>): Promise<string[]> {
    const memberships = await this.#store.members.findByUser(new ObjectId(userId), MAX_PEERS)
    const pairKeys = await this.#store.conversations.pairKeys(memberships.map(it => it.conversationId))
    return pairKeys.flatMap(pairKey => peerOf({ pairKey }, userId) ?? [])
  }
}
