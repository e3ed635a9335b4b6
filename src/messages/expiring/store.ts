import type { Collection, Db, Filter } from 'mongodb'
import type { DatabaseClock } from '../../database/index.ts'
import type { MessageDoc } from '../../store/documents.ts'

/** A message that is over, and since when. */
export type ExpiredMessage = Pick<MessageDoc, '_id' | 'conversationId'> & Required<Pick<MessageDoc, 'expiresAt'>>

/** Messages that are over, as they are stored; the commit removes them, and their index is that of all messages. */
export class ExpiredMessageStore {
  readonly #messages: Collection<MessageDoc>
  readonly #clock: DatabaseClock

  constructor(db: Db, clock: DatabaseClock) {
    this.#messages = db.collection('messages')
    this.#clock = clock
  }

  /** Messages that are over and not stored as tombstones, the oldest first, after one of them. */
  async find(limit: number, after: ExpiredMessage | undefined): Promise<ExpiredMessage[]> {
    const $lte = new Date(this.#clock.now())
    const filter: Filter<MessageDoc> =
      after === undefined
        ? { expiresAt: { $lte } }
        : {
            expiresAt: { $gte: after.expiresAt, $lte },
            $nor: [{ expiresAt: after.expiresAt, _id: { $lte: after._id } }]
          }
    const projection = { conversationId: 1, expiresAt: 1 } as const
    return await this.#messages
      .find<ExpiredMessage>(filter, { projection, sort: { expiresAt: 1, _id: 1 }, limit })
      .toArray()
  }
}
