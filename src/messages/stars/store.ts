import { type ClientSession, type Collection, type Db, type IndexDescription, ObjectId } from 'mongodb'
import { omitUndefined } from '../../omit-undefined.ts'

/** Star of one person on a message. */
export interface StarDoc {
  _id: ObjectId
  userId: ObjectId
  messageId: ObjectId
  conversationId: ObjectId
  createdAt: Date
}

/** Stars, by person and message. */
export class StarStore {
  static readonly indexes: IndexDescription[] = [
    { key: { userId: 1, messageId: 1 }, unique: true }, // insert, remove, starredAmong, count
    { key: { userId: 1, _id: -1 } } // page
  ]

  readonly #stars: Collection<StarDoc>

  constructor(db: Db) {
    this.#stars = db.collection('stars')
  }

  async insert(star: Omit<StarDoc, '_id' | 'createdAt'>, session: ClientSession): Promise<void> {
    await this.#stars.insertOne({ _id: new ObjectId(), createdAt: new Date(), ...star }, { session })
  }

  /** @returns whether there was one */
  async remove(userId: ObjectId, messageId: ObjectId, session: ClientSession): Promise<boolean> {
    return (await this.#stars.deleteOne({ userId, messageId }, { session })).deletedCount > 0
  }

  /** Removes stars of a person. */
  async removeMany(userId: ObjectId, messageIds: readonly ObjectId[]): Promise<void> {
    await this.#stars.deleteMany({ userId, messageId: { $in: [...messageIds] } })
  }

  /** Messages among the given that a person has starred. */
  async starredAmong(userId: ObjectId, messageIds: readonly ObjectId[], session?: ClientSession): Promise<ObjectId[]> {
    const rows = await this.#stars
      .find({ userId, messageId: { $in: [...messageIds] } }, omitUndefined({ session }))
      .toArray()
    return rows.map(({ messageId }) => messageId)
  }

  /** Number of a person's stars, up to `limit`. */
  async count(userId: ObjectId, limit: number, session?: ClientSession): Promise<number> {
    return await this.#stars.countDocuments({ userId }, { limit, ...omitUndefined({ session }) })
  }

  /** Stars of a person, newest first. */
  async page(userId: ObjectId, limit: number, after?: ObjectId): Promise<StarDoc[]> {
    const older = omitUndefined({ _id: after && { $lt: after } })
    return await this.#stars.find({ userId, ...older }, { sort: { _id: -1 }, limit }).toArray()
  }
}
