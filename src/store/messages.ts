import type { ClientSession, Collection, Db, Filter, IndexDescription, ObjectId } from 'mongodb'
import { MAX_QUOTE_LENGTH } from '../../protocol/messages/entities.ts'
import type { AnsweredMessage, MessageDoc } from './documents.ts'
import { type RevRange, revFilter } from './rev-range.ts'

/** View of a conversation for one person: messages after `afterSeq` that they have not hidden. */
export interface View {
  readonly conversationId: ObjectId
  readonly userId: ObjectId
  readonly afterSeq: number
}

/** Finds the message that a reply answers. */
export type AnsweredBy = (reply: MessageDoc) => AnsweredMessage | undefined

/** Fields of an answered message; at least as much of its text as a quote shows. */
const ANSWERED = {
  seq: 1,
  type: 1,
  deletedAt: 1,
  hiddenFor: 1,
  text: { $substrCP: ['$text', 0, MAX_QUOTE_LENGTH] }
}

/** Reads messages; they are written by `Commits`, only hiding them for oneself is done here. */
export class MessageStore {
  static readonly indexes: IndexDescription[] = [
    { key: { conversationId: 1, seq: 1 }, unique: true }, // below, above, unread
    { key: { conversationId: 1, rev: 1 }, unique: true }, // changedSince
    {
      key: { conversationId: 1, senderId: 1, clientId: 1 },
      unique: true,
      partialFilterExpression: { clientId: { $exists: true } }
    } // the commit: a repeated send
  ]

  readonly #messages: Collection<MessageDoc>

  constructor(db: Db) {
    this.#messages = db.collection('messages')
  }

  async find(id: ObjectId): Promise<MessageDoc | null> {
    return await this.#messages.findOne({ _id: id })
  }

  async findMany(ids: readonly ObjectId[]): Promise<MessageDoc[]> {
    return await this.#messages.find({ _id: { $in: [...ids] } }).toArray()
  }

  /** The messages that these answer, each found by its reply; one read by `_id`, and none where nothing is answered. */
  async findAnswered(messages: readonly MessageDoc[]): Promise<AnsweredBy> {
    const ids = messages.flatMap(({ replyTo }) => replyTo?.messageId ?? [])
    if (ids.length === 0) return () => undefined
    const found = await this.#messages.find<AnsweredMessage>({ _id: { $in: ids } }, { projection: ANSWERED }).toArray()
    const byId = new Map(found.map(answered => [answered._id.toHexString(), answered]))
    return ({ replyTo }) => replyTo && byId.get(replyTo.messageId.toHexString())
  }

  /** Below a `seq`, newest first. */
  async pageBefore(view: View, seq: number, limit: number): Promise<MessageDoc[]> {
    return await this.#page(view, { $gt: view.afterSeq, $lt: seq }, -1, limit)
  }

  /** Above a `seq`, oldest first. */
  async pageAfter(view: View, seq: number, limit: number): Promise<MessageDoc[]> {
    return await this.#page(view, { $gt: Math.max(seq, view.afterSeq) }, 1, limit)
  }

  /** Messages changed after `since`, by `rev`, with no upper bound; hidden ones too, so that the scan is dense. */
  async changedSince(conversationId: ObjectId, since: number, limit: number): Promise<MessageDoc[]> {
    return await this.#messages.find({ conversationId, rev: { $gt: since } }, { sort: { rev: 1 }, limit }).toArray()
  }

  /** Messages changed within ranges of `rev`, of each conversation by `rev`. */
  async changedWithin(ranges: readonly RevRange[]): Promise<MessageDoc[]> {
    return await this.#messages.find({ $or: ranges.map(revFilter) }, { sort: { conversationId: 1, rev: 1 } }).toArray()
  }

  /** The newest message that was sent before a moment; looks at everything newer. */
  async newestBefore(conversationId: ObjectId, moment: Date): Promise<MessageDoc | null> {
    return await this.#messages.findOne(
      { conversationId, createdAt: { $lte: moment } },
      { sort: { seq: -1 }, hint: { conversationId: 1, seq: 1 } }
    )
  }

  /** The newest message of each conversation, by its `seq`. */
  async findAtSeqs(places: readonly { conversationId: ObjectId; seq: number }[]): Promise<MessageDoc[]> {
    if (places.length === 0) return []
    return await this.#messages
      .find({ $or: places.map(({ conversationId, seq }) => ({ conversationId, seq })) })
      .toArray()
  }

  /** Count the messages of others in each view, neither deleted nor hidden, by conversation id (hex). */
  async unread(views: readonly View[]): Promise<Map<string, number>> {
    if (views.length === 0) return new Map()
    const counts = await this.#messages
      .aggregate<{ _id: ObjectId; count: number }>([
        {
          $match: {
            $or: views.map(({ conversationId, userId, afterSeq }) => ({
              conversationId,
              seq: { $gt: afterSeq },
              senderId: { $ne: userId },
              hiddenFor: { $ne: userId }
            })),
            type: { $ne: 'system' },
            deletedAt: { $exists: false }
          }
        },
        { $group: { _id: '$conversationId', count: { $sum: 1 } } }
      ])
      .toArray()
    return new Map(counts.map(({ _id, count }) => [_id.toHexString(), count]))
  }

  /** Hides a message for one person. */
  async hide(id: ObjectId, userId: ObjectId, session: ClientSession): Promise<void> {
    await this.#messages.updateOne({ _id: id }, { $addToSet: { hiddenFor: userId } }, { session })
  }

  async #page(view: View, seq: Filter<MessageDoc>['seq'], direction: 1 | -1, limit: number): Promise<MessageDoc[]> {
    const { conversationId, userId } = view
    return await this.#messages
      .find({ conversationId, seq: seq as number, hiddenFor: { $ne: userId } }, { sort: { seq: direction }, limit })
      .toArray()
  }
}
