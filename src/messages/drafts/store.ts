import type { ClientSession, Collection, Db, IndexDescription, ObjectId } from 'mongodb'
import { omitUndefined } from '../../omit-undefined.ts'
import type { MessageDraftDoc } from '../../store/documents.ts'
import type { TimeCursor } from '../../store/time-cursor.ts'

/** Time for which it is kept that a draft was taken away, so that an older one that comes late does not bring it back, s. */
const TAKEN_AWAY_S = 30 * 24 * 3_600

/** Documents that the database hands over at once while a page fills. */
const FEW = 10

/** A draft that is there. */
export type PresentDraft = Omit<MessageDraftDoc, '_id'> & Required<Pick<MessageDraftDoc, 'content'>>

/** Drafts of messages, one for each person and conversation. The commit removes those of who leaves. */
export class MessageDraftStore {
  static readonly indexes: IndexDescription[] = [
    { key: { userId: 1, conversationId: 1 }, unique: true }, // find, findMany, save, the commit
    {
      key: { userId: 1, changedAt: -1, conversationId: -1 },
      partialFilterExpression: { content: { $exists: true } }
    }, // newest
    { key: { takenAwayAt: 1 }, expireAfterSeconds: TAKEN_AWAY_S }
  ]

  readonly #drafts: Collection<MessageDraftDoc>

  constructor(db: Db) {
    this.#drafts = db.collection('messageDrafts')
  }

  /** The draft as it was kept last, or that it was taken away. */
  async find(userId: ObjectId, conversationId: ObjectId, session?: ClientSession): Promise<MessageDraftDoc | null> {
    return await this.#drafts.findOne({ userId, conversationId }, omitUndefined({ session }))
  }

  /** The same for several conversations, in no order. */
  async findMany(userId: ObjectId, conversationIds: readonly ObjectId[]): Promise<MessageDraftDoc[]> {
    return await this.#drafts.find({ userId, conversationId: { $in: [...conversationIds] } }).toArray()
  }

  /** Drafts of one person that are there, the newest first; they are read as they are asked for. */
  newest(userId: ObjectId, limit: number, after: TimeCursor | undefined): AsyncIterable<PresentDraft> {
    const older =
      after === undefined
        ? {}
        : {
            $or: [{ changedAt: { $lt: after.at } }, { changedAt: after.at, conversationId: { $lt: after.id } }]
          }
    return this.#drafts.find<PresentDraft>(
      { userId, content: { $exists: true }, ...older },
      { sort: { changedAt: -1, conversationId: -1 }, limit, batchSize: Math.min(limit, FEW) }
    )
  }

  /** Puts a draft in the place of the one that is there. */
  async save(
    { userId, conversationId, ...fields }: Omit<MessageDraftDoc, '_id'>,
    session: ClientSession
  ): Promise<void> {
    const $unset = fields.content === undefined ? { content: true as const } : { takenAwayAt: true as const }
    await this.#drafts.updateOne({ userId, conversationId }, { $set: fields, $unset }, { upsert: true, session })
  }
}
