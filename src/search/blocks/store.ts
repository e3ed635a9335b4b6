import {
  type ClientSession,
  type Collection,
  type Db,
  type Document,
  type IndexDescription,
  type MongoClient,
  ObjectId
} from 'mongodb'
import type { Collections } from '../../database/index.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { MessageDoc } from '../../store/documents.ts'
import type { Term } from '../facets.ts'
import { TERMS_VERSION } from '../text/terms.ts'
import { type Block, type IndexedMessage, type PlacedBlock, seqsOf, spansAround } from './cut.ts'

/** How far the index of a conversation goes. */
export interface Mark {
  /** Messages up to this `seq` are in blocks. */
  readonly seq: number
  /** Changes up to this `rev` of these messages are too. */
  readonly rev: number
}

interface MarkDoc extends Mark {
  _id: ObjectId
  /** Version of the terms of its blocks. */
  v: number
}

interface BlockDoc {
  _id: ObjectId
  c: ObjectId
  span: number
  at: Date
  terms: string[]
}

interface FollowerDoc {
  _id: string
  at: Date
}

/** Place of a block, as the index alone has it. */
export type FoundBlock = Omit<PlacedBlock, 'terms'>

/** Blocks that are asked for. */
export interface BlockQuery {
  readonly conversationIds: readonly ObjectId[]
  readonly term: Term
  /** Blocks that end at this moment or earlier. */
  readonly upTo?: Date | undefined
  /** Blocks that end at this moment or later. */
  readonly from?: Date | undefined
}

/** A new state of the index of a conversation. */
export interface IndexChange {
  readonly conversationId: ObjectId
  /** The mark that it was made from; none where there was no index. */
  readonly before: Mark | undefined
  readonly mark: Mark
  /** Spans of the blocks that go. */
  readonly dropped: readonly number[]
  readonly added: readonly Block[]
}

export const blockCollections: Collections = {
  searchMarks: [],
  searchFollowers: [],
  searchBlocks: [
    { key: { c: 1, terms: 1, at: -1, span: 1 } }, // find, straddling
    { key: { c: 1, span: 1 }, unique: true } // covering, replace
  ] satisfies IndexDescription[]
}

const BY_TERM = { c: 1, terms: 1, at: -1, span: 1 } as const
const PLACE = { _id: 0, c: 1, at: 1, span: 1 } as const
const INDEXED = {
  seq: 1,
  createdAt: 1,
  senderId: 1,
  type: 1,
  text: 1,
  'attachments.type': 1,
  mentions: 1,
  mentionsEveryone: 1,
  deletedAt: 1
}

/** The blocks of the search, and how far they go. */
export class SearchBlockStore {
  readonly #client: MongoClient
  readonly #blocks: Collection<BlockDoc>
  readonly #marks: Collection<MarkDoc>
  readonly #followers: Collection<FollowerDoc>
  readonly #messages: Collection<MessageDoc>

  constructor(client: MongoClient, db: Db) {
    this.#client = client
    this.#blocks = db.collection('searchBlocks')
    this.#marks = db.collection('searchMarks')
    this.#followers = db.collection('searchFollowers')
    this.#messages = db.collection('messages')
  }

  /** The marks of the indexes that there are, by conversation id (hex). One of other terms is as good as none. */
  async marks(conversationIds: readonly ObjectId[]): Promise<Map<string, Mark>> {
    if (conversationIds.length === 0) return new Map()
    const found = await this.#marks
      .find({ _id: { $in: [...conversationIds] }, v: TERMS_VERSION }, { batchSize: conversationIds.length })
      .toArray()
    return new Map(found.map(({ _id, seq, rev }) => [_id.toHexString(), { seq, rev }]))
  }

  /** Blocks with a term, the newest first, at most `limit`. Read from the index alone. */
  async find(query: BlockQuery, limit: number): Promise<FoundBlock[]> {
    const options = { projection: PLACE, sort: { at: -1 }, limit, batchSize: limit + 1, hint: BY_TERM } as const
    const found = await this.#blocks.find(filterOf(query), options).toArray()
    return found.map(({ c, at, span }) => ({ conversationId: c, at, span }))
  }

  /**
   * Blocks with a word that begins so, the newest first; undefined where they are more than `limit`. Read from the index
   * alone.
   */
  async findBeginning(
    { term, ...query }: BlockQuery & { readonly term: string },
    limit: number
  ): Promise<FoundBlock[] | undefined> {
    // Letters, digits and marks only: nothing that means something in a pattern.
    const filter = { ...filterOf({ term, ...query }), terms: new RegExp(`^${term}`, 'u') }
    const options = { projection: PLACE, limit: limit + 1, batchSize: limit + 2, hint: BY_TERM }
    const found = await this.#blocks.find(filter, options).toArray()
    if (found.length > limit) return undefined
    const blocks = new Map(
      found.map(({ c, at, span }) => [`${c.toHexString()}${span}`, { conversationId: c, at, span }])
    )
    return [...blocks.values()].sort((a, b) => b.at.getTime() - a.at.getTime())
  }

  /** Of each conversation the span of the oldest block with a term that ends after a moment: it may begin before. */
  async straddling(conversationIds: readonly ObjectId[], term: Term, moment: Date): Promise<Map<string, number>> {
    const $match = { c: { $in: [...conversationIds] }, terms: filterOfTerm(term), at: { $gt: moment } }
    const stages = [{ $match }, { $group: { _id: '$c', span: { $min: '$span' } } }]
    const found = await this.#blocks
      .aggregate<{ _id: ObjectId; span: number }>(stages, { hint: BY_TERM, batchSize: conversationIds.length + 1 })
      .toArray()
    return new Map(found.map(({ _id, span }) => [_id.toHexString(), span]))
  }

  /** Spans of the blocks that hold these messages. */
  async covering(conversationId: ObjectId, seqs: readonly number[]): Promise<number[]> {
    if (seqs.length === 0) return []
    const ranges = seqs.map(spansAround)
    const least = Math.min(...ranges.map(it => it.least))
    const most = Math.max(...ranges.map(it => it.most))
    const found = await this.#blocks
      .find({ c: conversationId, span: { $gte: least, $lte: most } }, { projection: { _id: 0, span: 1 } })
      .toArray()
    const wanted = [...new Set(seqs)]
    return found.map(({ span }) => span).filter(span => wanted.some(seq => isWithin(seq, span)))
  }

  /** Messages `from` to `to`, oldest first, as far as they are indexed. */
  async messages(conversationId: ObjectId, from: number, to: number): Promise<IndexedMessage[]> {
    const filter = { conversationId, seq: { $gte: from, $lte: to } }
    return await this.#messages.find(filter, { sort: { seq: 1 }, projection: INDEXED }).toArray()
  }

  /** Indexed messages that have changed since a mark, in the order of their changes, at most `limit`. */
  async changed(
    conversationId: ObjectId,
    { seq, rev }: Mark,
    limit: number
  ): Promise<Pick<MessageDoc, 'seq' | 'rev'>[]> {
    const options = { sort: { rev: 1 }, limit, projection: { _id: 0, seq: 1, rev: 1 } } as const
    return await this.#messages.find({ conversationId, rev: { $gt: rev }, seq: { $lte: seq } }, options).toArray()
  }

  /** Changes an index, all of it or nothing. @returns whether nobody else has meanwhile */
  async replace(change: IndexChange): Promise<boolean> {
    return await this.#client.withSession(
      async session => await session.withTransaction(async () => await this.#replace(change, session))
    )
  }

  /** How far a follower of the heads has come; the beginning of time for a new one. */
  async followedUpTo(name: string): Promise<Date> {
    return (await this.#followers.findOne({ _id: name }))?.at ?? new Date(0)
  }

  async setFollowedUpTo(name: string, at: Date): Promise<void> {
    await this.#followers.updateOne({ _id: name }, { $set: { at } }, { upsert: true })
  }

  async #replace({ conversationId, before, mark, dropped, added }: IndexChange, session: ClientSession) {
    const _id = conversationId
    // What others may change at the same time comes first.
    const current = await this.#marks.findOneAndUpdate(
      { _id },
      { $set: { ...mark, v: TERMS_VERSION } },
      { session, upsert: true, returnDocument: 'before' }
    )
    const isOld = current !== null && current.v !== TERMS_VERSION
    const isSame = current === null || isOld ? before === undefined : isEqual(current, before)
    if (!isSame) {
      await session.abortTransaction()
      return false
    }
    if (isOld) await this.#blocks.deleteMany({ c: _id }, { session })
    if (dropped.length > 0) await this.#blocks.deleteMany({ c: _id, span: { $in: [...dropped] } }, { session })
    const rows = added.map(({ span, at, terms }) => ({ _id: new ObjectId(), c: _id, span, at, terms: [...terms] }))
    if (rows.length > 0) await this.#blocks.insertMany(rows, { session })
    return true
  }
}

function filterOf({ conversationIds, term, upTo, from }: BlockQuery): Document {
  const at = omitUndefined({ $lte: upTo, $gte: from })
  return { c: { $in: [...conversationIds] }, terms: filterOfTerm(term), ...(Object.keys(at).length > 0 ? { at } : {}) }
}

const filterOfTerm = (term: Term) => (typeof term === 'string' ? term : { $in: [...term] })

function isEqual(one: Mark, other: Mark | undefined): boolean {
  return one.seq === other?.seq && one.rev === other.rev
}

function isWithin(seq: number, span: number): boolean {
  const { from, to } = seqsOf(span)
  return seq >= from && seq <= to
}
