import { type ClientSession, type Collection, type Db, type IndexDescription, ObjectId } from 'mongodb'
import { omitUndefined } from '../../omit-undefined.ts'

/** Block of one person by another. */
export interface BlockDoc {
  _id: ObjectId
  blockerId: ObjectId
  blockedId: ObjectId
  createdAt: Date
}

/** Blocks, by blocker and blocked. */
export class BlockStore {
  static readonly indexes: IndexDescription[] = [
    { key: { blockerId: 1, blockedId: 1 }, unique: true }, // insert, remove, blockedAmong, between
    { key: { blockedId: 1, blockerId: 1 } }, // blockedPeers, between
    { key: { blockerId: 1, _id: -1 } } // page
  ]

  readonly #blocks: Collection<BlockDoc>

  constructor(db: Db) {
    this.#blocks = db.collection('blocks')
  }

  /** A repeat changes nothing. */
  async insert(blockerId: ObjectId, blockedId: ObjectId, session: ClientSession): Promise<void> {
    const $setOnInsert = { _id: new ObjectId(), createdAt: new Date() }
    await this.#blocks.updateOne({ blockerId, blockedId }, { $setOnInsert }, { upsert: true, session })
  }

  async remove(blockerId: ObjectId, blockedId: ObjectId, session: ClientSession): Promise<void> {
    await this.#blocks.deleteOne({ blockerId, blockedId }, { session })
  }

  /** People of `ids` whom `blockerId` has blocked. */
  async blockedAmong(blockerId: ObjectId, ids: readonly ObjectId[]): Promise<ObjectId[]> {
    const rows = await this.#blocks.find({ blockerId, blockedId: { $in: [...ids] } }).toArray()
    return rows.map(({ blockedId }) => blockedId)
  }

  /** Blocks between a person and people of `ids`, either way. */
  async between(id: ObjectId, ids: readonly ObjectId[]): Promise<BlockDoc[]> {
    const others = { $in: [...ids] }
    return await this.#blocks
      .find({
        $or: [
          { blockerId: id, blockedId: others },
          { blockedId: id, blockerId: others }
        ]
      })
      .toArray()
  }

  /** People whom a person has blocked, and who have blocked that person; at most `limit` of each. */
  async blockedPeers(userId: ObjectId, limit: number): Promise<ObjectId[]> {
    const [blocked, blockers] = await Promise.all([
      this.#blocks.find({ blockerId: userId }, { limit }).toArray(),
      this.#blocks.find({ blockedId: userId }, { limit }).toArray()
    ])
    return [...blocked.map(({ blockedId }) => blockedId), ...blockers.map(({ blockerId }) => blockerId)]
  }

  /** Number of people that a person has blocked. */
  async count(blockerId: ObjectId): Promise<number> {
    return await this.#blocks.countDocuments({ blockerId })
  }

  /** Whom somebody has blocked, newest first. */
  async page(blockerId: ObjectId, limit: number, after?: ObjectId): Promise<BlockDoc[]> {
    const older = omitUndefined({ _id: after && { $lt: after } })
    return await this.#blocks.find({ blockerId, ...older }, { sort: { _id: -1 }, limit }).toArray()
  }
}
