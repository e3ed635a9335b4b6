import type { Collection, Db, Filter, FindOptions, IndexDescription, ObjectId } from 'mongodb'
import { omitUndefined } from '../omit-undefined.ts'
import type { ConversationDoc } from './documents.ts'

/** Reads conversations; they are written by `Commits` alone. */
export class ConversationStore {
  static readonly indexes: IndexDescription[] = [
    { key: { pairKey: 1 }, unique: true, partialFilterExpression: { pairKey: { $exists: true } } }, // findPair
    { key: { changedAt: 1, rev: 1 } } // movedSince
  ]

  readonly #conversations: Collection<ConversationDoc>

  constructor(db: Db) {
    this.#conversations = db.collection('conversations')
  }

  async find(id: ObjectId): Promise<ConversationDoc | null> {
    return await this.#conversations.findOne({ _id: id })
  }

  /** Conversations among the given that exist, in no order. */
  async findMany(ids: readonly ObjectId[]): Promise<ConversationDoc[]> {
    return await this.#among(ids)
  }

  /** The heads of the given, in no order. */
  async heads(ids: readonly ObjectId[]): Promise<Pick<ConversationDoc, '_id' | 'rev' | 'seq'>[]> {
    return await this.#among(ids, { projection: { rev: 1, seq: 1 } })
  }

  /** The pair keys of those of the given that are direct ones. */
  async pairKeys(ids: readonly ObjectId[]): Promise<string[]> {
    const found = await this.#among(ids, { projection: { pairKey: 1 } })
    return found.flatMap(({ pairKey }) => (pairKey === undefined ? [] : [pairKey]))
  }

  /** Heads of the given, and the time of their last message, in no order. */
  async activity(
    ids: readonly ObjectId[]
  ): Promise<Pick<ConversationDoc, '_id' | 'rev' | 'seq' | 'lastActivityAt' | 'type' | 'name' | 'pairKey'>[]> {
    const projection = { rev: 1, seq: 1, lastActivityAt: 1, type: 1, name: 1, pairKey: 1 }
    return await this.#among(ids, { projection })
  }

  async findPair(pairKey: string): Promise<ConversationDoc | null> {
    return await this.#conversations.findOne({ pairKey })
  }

  /** Direct conversations by their pairs, in no order. */
  async findPairs(pairKeys: readonly string[]): Promise<ConversationDoc[]> {
    return await this.#conversations.find({ pairKey: { $in: [...pairKeys] } }).toArray()
  }

  /** The newest by activity among the given, after a place in that order. */
  async newest(
    ids: readonly ObjectId[],
    limit: number,
    { after, type }: { after?: { at: Date; id: ObjectId } | undefined; type?: ConversationDoc['type'] | undefined }
  ): Promise<ConversationDoc[]> {
    const older =
      after === undefined
        ? {}
        : { $or: [{ lastActivityAt: { $lt: after.at } }, { lastActivityAt: after.at, _id: { $lt: after.id } }] }
    return await this.#conversations
      .find({ _id: { $in: [...ids] }, ...older, ...omitUndefined({ type }) })
      .sort({ lastActivityAt: -1, _id: -1 })
      .limit(limit)
      .toArray()
  }

  /** Conversations among the given that changed since a moment of the database's clock. */
  async movedAmong(ids: readonly ObjectId[], moment: Date): Promise<ConversationDoc[]> {
    return await this.#among(ids, {}, { changedAt: { $gt: moment } })
  }

  /** Conversations that changed since a moment of the database's clock, with their `rev`. Read from the index alone. */
  async movedSince(moment: Date): Promise<{ id: string; rev: number }[]> {
    const moved = await this.#conversations
      .find({ changedAt: { $gt: moment } }, { projection: { rev: 1 }, hint: { changedAt: 1, rev: 1 } })
      .toArray()
    return moved.map(({ _id, rev }) => ({ id: _id.toHexString(), rev }))
  }

  /** The database is not asked for none: many people are in no conversation yet. */
  async #among(
    ids: readonly ObjectId[],
    options: FindOptions = {},
    filter: Filter<ConversationDoc> = {}
  ): Promise<ConversationDoc[]> {
    if (ids.length === 0) return []
    const inOneReply = { batchSize: ids.length, ...options }
    return await this.#conversations.find({ ...filter, _id: { $in: [...ids] } }, inOneReply).toArray()
  }
}
