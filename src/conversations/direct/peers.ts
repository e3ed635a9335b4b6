import { ObjectId } from '../../database/object-id.ts'
import { peerOf } from '../../present/present.ts'
import type { ConversationStore } from '../../store/conversations.ts'

/** Conversations of one person whose other side is looked up. */
const MAX_PEERS = 1_000

/** Whom a person is in touch with. */
export class DirectPeers {
  readonly #store: { readonly conversations: ConversationStore }

  constructor(store: { readonly conversations: ConversationStore }) {
    this.#store = store
  }

  /** The others in those of a person's conversations that are direct ones; at most a thousand. Ids are hexadecimal. */
  async among(conversationIds: readonly string[], userId: string): Promise<string[]> {
    const ids = conversationIds.slice(0, MAX_PEERS).map(id => new ObjectId(id))
    const pairKeys = await this.#store.conversations.pairKeys(ids)
    return pairKeys.flatMap(pairKey => peerOf({ pairKey }, userId) ?? [])
  }
}
