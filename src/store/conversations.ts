import type { Collection, Db, Document, Filter, FindOptions, IndexDescription, ObjectId } from 'mongodb'
import { Batcher } from '../limits/batcher.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { ConversationDoc, MemberDoc } from './documents.ts'
import { PICTURE_INDEX } from './pictures.ts'

/** Head of a conversation, and the `seq` of the last message that a person wrote. */
export type Head = Pick<ConversationDoc, '_id' | 'rev' | 'seq'> & { readonly saidSeq: number }

/** How far the messages of a conversation have come, and their changes. */
export type MessageHead = Pick<ConversationDoc, '_id' | 'rev' | 'seq' | 'changedMessageRev' | 'changedAt'>

const MESSAGE_HEAD = { rev: 1, seq: 1, changedMessageRev: 1, changedAt: 1 } as const

/** Heads that are read together. */
const READ_TOGETHER = 100
/** Such reads that are under way beside each other. */
const AT_ONCE = 4

/** A conversation in a list, and the moment by which it is there. */
export interface ListedRow {
  readonly doc: ConversationDoc
  readonly at: Date
}

/** Order of a list, as far as it is one person's. */
interface ListOrder {
  readonly after: { readonly at: Date; readonly id: ObjectId } | undefined
  readonly type: ConversationDoc['type'] | undefined
  /** Groups that they were brought into lately. */
  readonly joined: readonly Pick<MemberDoc, 'conversationId' | 'joinedAt'>[]
}

/** Reads conversations; they are written by `Commits` alone. */
export class ConversationStore {
  static readonly indexes: IndexDescription[] = [
    { key: { pairKey: 1 }, unique: true, partialFilterExpression: { pairKey: { $exists: true } } }, // findPair
    { key: { changedAt: 1, rev: 1 } }, // movedSince, lastChangedWithin
    PICTURE_INDEX // FileUses: isUsed
  ]

  readonly #conversations: Collection<ConversationDoc>
  readonly #headReads = new Batcher<ObjectId, Head | undefined>(
    async ids => await this.#readHeads(ids),
    READ_TOGETHER,
    { atOnce: AT_ONCE }
  )

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

  /** The head of one; those that are asked for at the same time are read together. */
  async head(id: ObjectId): Promise<Head | undefined> {
    return await this.#headReads.add(id)
  }

  async #readHeads(ids: readonly ObjectId[]): Promise<(Head | undefined)[]> {
    const found = new Map((await this.heads(ids)).map(head => [head._id.toHexString(), head]))
    return ids.map(id => found.get(id.toHexString()))
  }

  /** The heads of the given, in no order. */
  async heads(ids: readonly ObjectId[]): Promise<Head[]> {
    const saidSeq = { $ifNull: ['$saidSeq', '$seq'] }
    return await this.#among<Head>(ids, { projection: { rev: 1, seq: 1, saidSeq } })
  }

  /** The same as far as their messages and changes of these go. */
  async messageHeads(ids: readonly ObjectId[]): Promise<MessageHead[]> {
    return await this.#among<MessageHead>(ids, { projection: MESSAGE_HEAD })
  }

  /** Conversations whose last change was after a moment and up to another one, in that order, at most `limit`. */
  async lastChangedWithin(after: Date, upTo: Date, limit: number): Promise<MessageHead[]> {
    return await this.#conversations
      .find({ changedAt: { $gt: after, $lte: upTo } }, { sort: { changedAt: 1 }, limit, projection: MESSAGE_HEAD })
      .toArray()
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

  /**
   * The newest among the given, after a place in that order: by what a person said last, or by when they were joined
   * where that was later.
   */
  async newest(ids: readonly ObjectId[], limit: number, { after, type, joined }: ListOrder): Promise<ListedRow[]> {
    const older =
      after === undefined ? {} : { $or: [{ at: { $lt: after.at } }, { at: after.at, _id: { $lt: after.id } }] }
    return await this.#conversations
      .aggregate<ListedRow>([
        { $match: { _id: { $in: [...ids] }, ...omitUndefined({ type }) } },
        {
          $project: { at: { $max: [{ $ifNull: ['$saidAt', '$lastActivityAt'] }, joinedAtOf(joined)] }, doc: '$$ROOT' }
        },
        { $match: older },
        { $sort: { at: -1, _id: -1 } },
        { $limit: limit }
      ])
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
  async #among<T extends Document = ConversationDoc>(
    ids: readonly ObjectId[],
    options: FindOptions = {},
    filter: Filter<ConversationDoc> = {}
  ): Promise<T[]> {
    if (ids.length === 0) return []
    const inOneReply = { batchSize: ids.length, ...options }
    return await this.#conversations.find<T>({ ...filter, _id: { $in: [...ids] } }, inOneReply).toArray()
  }
}

/** Expression of when somebody joined a conversation; null where that is not among the given. */
function joinedAtOf(joined: ListOrder['joined']): Document | null {
  if (joined.length === 0) return null
  const index = { $indexOfArray: [joined.map(({ conversationId }) => conversationId), '$_id'] }
  const at = { $arrayElemAt: [joined.map(({ joinedAt }) => joinedAt), '$$index'] }
  return { $let: { vars: { index }, in: { $cond: [{ $gte: ['$$index', 0] }, at, null] } } }
}
