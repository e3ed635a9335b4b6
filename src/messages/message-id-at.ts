import { ObjectId } from '../database/object-id.ts'
import { messageId } from '../ids.ts'
import { RecentCache } from '../limits/recent-cache.ts'
import type { MessageStore } from '../store/messages.ts'

const CACHE_MS = 600_000
const MAX_CACHED = 50_000

/** The messages at which cursors stand, for apps that name a message where Parley has a `seq`. */
export class MessageIdAt {
  readonly #cache: RecentCache<string | undefined>

  constructor(store: { readonly messages: MessageStore }) {
    this.#cache = new RecentCache(
      async key => {
        const [id = '', seq = ''] = key.split(':')
        const [message] = await store.messages.findAtSeqs([{ conversationId: new ObjectId(id), seq: Number(seq) }])
        return message === undefined ? undefined : messageId(message._id)
      },
      CACHE_MS,
      MAX_CACHED
    )
  }

  /** The id of the message with this `seq`; undefined when there is none. @param conversationId in either form */
  async find(conversationId: string, seq: number): Promise<string | undefined> {
    return await this.#cache.get(`${conversationId.slice(-24)}:${seq}`)
  }
}
