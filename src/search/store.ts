import type { Collection, Db, Document, Filter, ObjectId } from 'mongodb'
import { bareId } from '../../protocol/ids.ts'
import type { DatabaseClock } from '../database/index.ts'
import { ObjectId as Id } from '../database/object-id.ts'
import type { MessageDoc } from '../store/documents.ts'
import { type Facets, isOwnMention } from './facets.ts'
import type { Place } from './position.ts'

/** Messages of a conversation: `from` to `to`, or of these the ones that changed after a `rev`. */
export interface Stretch {
  readonly conversationId: ObjectId
  readonly from: number
  readonly to: number
  readonly changedAfter?: number
}

/** Messages that are wanted, beside what they say. */
export interface Wanted extends Facets {
  readonly userId: ObjectId
  /** Not before this moment. */
  readonly since: Date | undefined
  /** With a text; one of this pattern, where there is one. */
  readonly text: true | RegExp | undefined
}

/** A message as far as it is compared. */
export type Candidate = Pick<MessageDoc, '_id' | 'createdAt' | 'text'>

const CANDIDATE = { createdAt: 1, text: 1 } as const
/** Former texts are found by nobody. */
const WITHOUT_EDITS = { edits: 0 } as const
/** Messages that come at once: few, because they may be large. */
const BATCH = 1_000

/** Reads the messages that a search looks at. */
export class SearchedMessages {
  readonly #messages: Collection<MessageDoc>

  readonly #clock: DatabaseClock

  constructor(db: Db, clock: DatabaseClock) {
    this.#clock = clock
    this.#messages = db.collection('messages')
  }

  /** Messages of stretches that are wanted and not newer than a place, in no order, as many at a time as come at once. */
  async *read(
    stretches: readonly Stretch[],
    wanted: Wanted,
    after: Place | undefined
  ): AsyncGenerator<readonly Candidate[]> {
    const filter: Filter<MessageDoc> = { $or: stretches.map(stretchFilter), ...this.#filterOf(wanted, after) }
    const cursor = this.#messages.find(filter, { projection: CANDIDATE, batchSize: BATCH })
    try {
      while (await cursor.hasNext()) yield cursor.readBufferedDocuments()
    } finally {
      await cursor.close()
    }
  }

  /** Those of these messages that are wanted still, in no order. */
  async findWanted(ids: readonly ObjectId[], wanted: Wanted): Promise<MessageDoc[]> {
    if (ids.length === 0) return []
    const filter: Filter<MessageDoc> = { _id: { $in: [...ids] }, ...this.#filterOf(wanted) }
    return await this.#messages.find(filter, { projection: WITHOUT_EDITS, batchSize: ids.length + 1 }).toArray()
  }

  /** What is over is found by nobody. */
  #filterOf(wanted: Wanted, after?: Place): Document {
    return { ...filterOf(wanted, after), $nor: [{ expiresAt: { $lte: new Date(this.#clock.now()) } }] }
  }
}

function stretchFilter({ conversationId, from, to, changedAfter }: Stretch): Filter<MessageDoc> {
  const seq = { $gte: from, $lte: to }
  return changedAfter === undefined ? { conversationId, seq } : { conversationId, rev: { $gt: changedAfter }, seq }
}

function filterOf(wanted: Wanted, after?: Place): Document {
  const { userId, since, text, senderId, type, hasFile, mention } = wanted
  const createdAt = {
    ...(after === undefined ? {} : { $lte: after.at }),
    ...(since === undefined ? {} : { $gte: since })
  }
  return {
    hiddenFor: { $ne: userId },
    deletedAt: { $exists: false },
    encryptedContent: { $exists: false },
    type: { $nin: ['system', 'call'], ...(type === undefined ? {} : { $eq: type }) },
    ...(Object.keys(createdAt).length === 0 ? {} : { createdAt }),
    ...(text === undefined ? {} : { text: text === true ? { $exists: true } : text }),
    ...(senderId === undefined ? {} : { senderId: new Id(bareId(senderId)) }),
    ...(hasFile === undefined ? {} : { 'attachments.0': { $exists: hasFile } }),
    ...(mention === undefined ? {} : mentionFilter(mention, userId))
  }
}

/** Who looks for what mentions them is in every conversation that they look through, and so among everyone. */
function mentionFilter(mention: string, userId: ObjectId): Document {
  const mentions = new Id(bareId(mention))
  return isOwnMention(mention, userId) ? { $and: [{ $or: [{ mentions }, { mentionsEveryone: true }] }] } : { mentions }
}
