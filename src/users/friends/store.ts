import { type ClientSession, type Collection, type Db, type IndexDescription, ObjectId } from 'mongodb'
import { omitUndefined } from '../../omit-undefined.ts'

/** Two people are friends. */
export interface FriendshipDoc {
  _id: ObjectId
  /** The two user ids, sorted. */
  pairKey: string
  userIds: ObjectId[]
  createdAt: Date
}

/** Friendships, by person. */
export class FriendshipStore {
  static readonly indexes: IndexDescription[] = [
    { key: { pairKey: 1 }, unique: true }, // insert, remove, exists, allExist
    { key: { userIds: 1, _id: -1 } } // page
  ]

  readonly #friendships: Collection<FriendshipDoc>

  constructor(db: Db) {
    this.#friendships = db.collection('friendships')
  }

  /** A repeat changes nothing. */
  async insert(pairKey: string, userIds: readonly ObjectId[], session: ClientSession): Promise<void> {
    const $setOnInsert = { _id: new ObjectId(), userIds: [...userIds], createdAt: new Date() }
    await this.#friendships.updateOne({ pairKey }, { $setOnInsert }, { upsert: true, session })
  }

  async remove(pairKey: string, session: ClientSession): Promise<void> {
    await this.#friendships.deleteOne({ pairKey }, { session })
  }

  async exists(pairKey: string, session?: ClientSession): Promise<boolean> {
    return await this.allExist([pairKey], session)
  }

  /** @param pairKeys each once */
  async allExist(pairKeys: readonly string[], session?: ClientSession): Promise<boolean> {
    if (pairKeys.length === 0) return true
    const filter = { pairKey: { $in: pairKeys } }
    return (await this.#friendships.countDocuments(filter, omitUndefined({ session }))) === pairKeys.length
  }

  /** Friendships of one person, newest first. */
  async page(userId: ObjectId, limit: number, after?: ObjectId): Promise<FriendshipDoc[]> {
    const older = omitUndefined({ _id: after && { $lt: after } })
    return await this.#friendships.find({ userIds: userId, ...older }, { sort: { _id: -1 }, limit }).toArray()
  }
}
