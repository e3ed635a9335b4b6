import type { ClientSession, Collection, Db, Filter, IndexDescription, ObjectId } from 'mongodb'
import { MAX_QUOTE_LENGTH } from '../../protocol/messages/entities.ts'
import type { DatabaseClock } from '../database/index.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { BoundedReads, firstFitting, outlinesFitting, type PageSize } from './bounded-reads.ts'
import { byConversation } from './by-conversation.ts'
import type { AnsweredMessage, MessageDoc } from './documents.ts'
import { isWithin, type RevRange, revFilter } from './rev-range.ts'
import { answeredAt, messageAt } from './tombstones.ts'
import { countUnread } from './unread.ts'
import { lengthOf, rangeFilter, type SeqRange, type View } from './view.ts'

/** Page of messages, as many as fit its size. */
export interface MessagePage {
  readonly messages: MessageDoc[]
  /** True when others follow. */
  readonly more: boolean
  /** The `rev` of the last one when it was found; 0 without any. */
  readonly upToRev: number
}

/** Messages among some, as many as fit. */
interface FirstOf {
  readonly messages: MessageDoc[]
  /** The id of the last one that fits, where others follow. */
  readonly last?: ObjectId
}

/** Finds the message that a reply answers. */
export type AnsweredBy = (reply: MessageDoc) => AnsweredMessage | undefined

/** Fields of an answered message; at least as much of its text as a quote shows. */
const ANSWERED = {
  seq: 1,
  type: 1,
  deletedAt: 1,
  expiresAt: 1,
  hiddenFor: 1,
  text: { $substrCP: ['$text', 0, MAX_QUOTE_LENGTH] }
}

/** Key of the pinned messages, which are few. */
const PINNED = { conversationId: 1, seq: -1 } as const

const PLACE = { conversationId: 1, seq: 1 } as const

/** Position of a message. */
export type MessagePlace = Pick<MessageDoc, '_id' | 'conversationId' | 'seq'>

/**
 * Reads messages, each as it is now: one that is over is its tombstone. They are written by `Commits`, only hiding them
 * for oneself is done here.
 */
export class MessageStore {
  static readonly indexes: IndexDescription[] = [
    { key: { conversationId: 1, seq: 1 }, unique: true }, // below, above, unread
    { key: { conversationId: 1, rev: 1 }, unique: true }, // changedSince
    { key: { conversationId: 1, senderId: 1, clientId: 1 }, unique: true, ...thatHave('clientId') }, // the commit: a repeated send
    { key: { 'attachments.fileId': 1, conversationId: 1, seq: -1 }, ...thatHave('attachments.fileId') }, // FileUses
    { key: { 'preview.picture.fileId': 1, conversationId: 1, seq: -1 }, ...thatHave('preview.picture.fileId') }, // the same
    { key: { previewDueAt: 1, _id: 1 }, ...thatHave('previewDueAt') }, // DuePreviewStore
    { key: { expiresAt: 1, _id: 1 }, ...thatHave('expiresAt') }, // ExpiredMessageStore
    { key: PINNED, ...thatHave('pinned') } // pagePinned
  ]

  readonly #messages: Collection<MessageDoc>
  readonly #clock: Pick<DatabaseClock, 'now'>
  readonly #reads: BoundedReads

  constructor(db: Db, clock: Pick<DatabaseClock, 'now'>) {
    this.#messages = db.collection('messages')
    this.#clock = clock
    this.#reads = new BoundedReads(this.#messages, clock)
  }

  async find(id: ObjectId): Promise<MessageDoc | null> {
    const message = await this.#messages.findOne({ _id: id })
    return message && messageAt(message, this.#clock.now())
  }

  /** Messages among the given that exist, without former texts and reactions, in no order. */
  async findMany(ids: readonly ObjectId[]): Promise<MessageDoc[]> {
    const projection = { edits: 0, reactions: 0 }
    const found = await this.#messages.find({ _id: { $in: [...ids] } }, { projection }).toArray()
    const now = this.#clock.now()
    return found.map(message => messageAt(message, now))
  }

  /** The places of messages among the given that exist, in no order. */
  async findPlaces(ids: readonly ObjectId[]): Promise<MessagePlace[]> {
    return await this.#messages.find({ _id: { $in: [...ids] } }, { projection: PLACE }).toArray()
  }

  /** The places of messages among the given that are neither deleted nor hidden by a person, in no order. */
  async findPresentPlaces(userId: ObjectId, ids: readonly ObjectId[]): Promise<MessagePlace[]> {
    const inOneReply = { projection: PLACE, batchSize: ids.length + 1 }
    return await this.#messages.find(presentFilter(userId, ids, this.#clock.now()), inOneReply).toArray()
  }

  /** The messages among the given that are neither over, deleted nor hidden by a person, in the order given, the first that fit. */
  async findPresent(userId: ObjectId, ids: readonly ObjectId[], maxBytes: number): Promise<FirstOf> {
    if (ids.length === 0) return { messages: [] }
    const size = { limit: ids.length, maxBytes }
    const found = await this.#reads.rows(presentFilter(userId, ids, this.#clock.now()), size)
    const byId = new Map(found.map(row => [row._id.toHexString(), row]))
    const rows = ids.flatMap(id => byId.get(id.toHexString()) ?? [])
    const first = firstFitting(rows, size)
    const last = first.length < rows.length ? first.at(-1)?._id : undefined
    return { messages: await this.#reads.wholeOf(first), ...omitUndefined({ last }) }
  }

  /** The ids of the messages at these places, in no order. */
  async findAtSeqs(places: readonly Omit<MessagePlace, '_id'>[]): Promise<MessagePlace[]> {
    if (places.length === 0) return []
    const $or = places.map(({ conversationId, seq }) => ({ conversationId, seq }))
    return await this.#messages.find({ $or }, { projection: PLACE }).toArray()
  }

  /** The messages that these answer, each found by its reply; one read by `_id`, and none where nothing is answered. */
  async findAnswered(messages: readonly MessageDoc[]): Promise<AnsweredBy> {
    const ids = messages.flatMap(({ replyTo }) => replyTo?.messageId ?? [])
    if (ids.length === 0) return () => undefined
    const found = await this.#messages.find<AnsweredMessage>({ _id: { $in: ids } }, { projection: ANSWERED }).toArray()
    const now = this.#clock.now()
    const byId = new Map(found.map(answered => [answered._id.toHexString(), answeredAt(answered, now)]))
    return ({ replyTo }) => replyTo && byId.get(replyTo.messageId.toHexString())
  }

  /** Below a `seq`, newest first. */
  async pageBefore(view: View, seq: number, size: PageSize): Promise<MessagePage> {
    return await this.#page(viewFilter(view, { $gt: view.afterSeq, $lt: seq }), { seq: -1 }, size)
  }

  /** Above a `seq`, oldest first. */
  async pageAfter(view: View, seq: number, size: PageSize): Promise<MessagePage> {
    return await this.#page(viewFilter(view, { $gt: Math.max(seq, view.afterSeq) }), { seq: 1 }, size)
  }

  /** Pinned ones below a `seq`, newest first. */
  async pagePinned(view: View, seq: number, size: PageSize): Promise<MessagePage> {
    const filter = { ...viewFilter(view, { $gt: view.afterSeq, $lt: seq }), pinned: { $exists: true } }
    const rows = await this.#reads.rows(filter, size, { seq: -1 }, PINNED)
    const first = firstFitting(rows, size)
    return pageOf(await this.#reads.wholeOf(first), first, rows)
  }

  /**
   * All messages of a range that the person has not hidden, newest first; those that do not fit the bytes come without
   * what was said in them.
   */
  async findRange(userId: ObjectId, range: SeqRange, maxBytes: number): Promise<MessageDoc[]> {
    const size = { limit: lengthOf(range), maxBytes }
    const rows = await this.#reads.rows(rangeFilter([range], userId), size, { seq: -1 })
    const whole = await this.#reads.wholeOf(outlinesFitting(rows, maxBytes))
    const messages = new Map(whole.map(message => [message.seq, message]))
    return rows.map(row => messages.get(row.seq) ?? row)
  }

  /** The same for several ranges, in their order; those that do not fit the bytes are left out. */
  async findRanges(userId: ObjectId, ranges: readonly SeqRange[], maxBytes: number): Promise<MessageDoc[]> {
    if (ranges.length === 0) return []
    const limit = ranges.reduce((sum, range) => sum + lengthOf(range), 0)
    const rows = await this.#reads.rows(rangeFilter(ranges, userId), { limit, maxBytes })
    const rowsOf = byConversation(rows.sort((a, b) => b.seq - a.seq))
    const inOrder = ranges.flatMap(({ conversationId }) => rowsOf.get(conversationId.toHexString()) ?? [])
    const fitting = new Set(outlinesFitting(inOrder, maxBytes))
    return await this.#reads.wholeOf(inOrder.filter(row => row.bytes === undefined || fitting.has(row)))
  }

  /**
   * The newest message of each range that the person has not hidden, where that is not its very last; of those that
   * do not fit the bytes none.
   */
  async newestBelowHidden(userId: ObjectId, ranges: readonly SeqRange[], maxBytes: number): Promise<MessageDoc[]> {
    if (ranges.length === 0) return []
    const filters = ranges.map(range => rangeFilter([range], userId))
    const rows = await this.#reads.firstOfEach(filters, { seq: -1 }, maxBytes)
    const lastOf = new Map(ranges.map(({ conversationId, upToSeq }) => [conversationId.toHexString(), upToSeq]))
    const below = rows.filter(({ conversationId, seq }) => seq !== lastOf.get(conversationId.toHexString()))
    const fitting = new Set(outlinesFitting(below, maxBytes))
    return await this.#reads.wholeOf(below.filter(row => row.bytes === undefined || fitting.has(row)))
  }

  /**
   * Messages changed after `since`, by `rev`, with no upper bound; hidden ones too, so that the scan is dense. What
   * changes again while it is read is left out: it is found at its later `rev`.
   */
  async changedSince(conversationId: ObjectId, since: number, size: PageSize): Promise<MessagePage> {
    return unmoved(await this.#page({ conversationId, rev: { $gt: since } }, { rev: 1 }, size))
  }

  /** A page of messages changed within each range, as `changedSince`; ranges may be of one conversation. */
  async changedWithin(ranges: readonly RevRange[], maxBytes: number): Promise<MessagePage[]> {
    const limit = ranges.reduce((sum, { since, upTo }) => sum + upTo - since, 0)
    const found = await this.#reads.rows({ $or: ranges.map(revFilter) }, { limit, maxBytes: maxBytes * ranges.length })
    // Not sorted by the database, which would keep whole messages for that.
    const rowsOf = byConversation(found.sort((a, b) => a.rev - b.rev))
    const pages = ranges.map(range => {
      const rows = rowsOf.get(range.conversationId.toHexString())?.filter(({ rev }) => isWithin(rev, range)) ?? []
      return { rows, first: firstFitting(rows, { limit, maxBytes }) }
    })
    const rows = [...new Set(pages.flatMap(({ first }) => first))]
    const whole = new Map((await this.#reads.wholeOf(rows)).map(message => [message._id.toHexString(), message]))
    return pages.map(({ rows, first }) => {
      const messages = first.flatMap(({ _id }) => whole.get(_id.toHexString()) ?? [])
      return unmoved(pageOf(messages, first, rows))
    })
  }

  /** The `seq` of the newest message that was sent with a `rev` or before it. Looks at all that are newer. */
  async seqAtRev(conversationId: ObjectId, rev: number): Promise<number> {
    const found = await this.#messages.findOne(
      { conversationId, createdRev: { $lte: rev } },
      { sort: { seq: -1 }, hint: { conversationId: 1, seq: 1 }, projection: { seq: 1 } }
    )
    return found?.seq ?? 0
  }

  /** The `rev` that messages were sent with, by conversation id (hex). */
  async revsAtSeqs(places: readonly Omit<MessagePlace, '_id'>[]): Promise<Map<string, number>> {
    if (places.length === 0) return new Map()
    const $or = places.map(({ conversationId, seq }) => ({ conversationId, seq }))
    const found = await this.#messages.find({ $or }, { projection: { conversationId: 1, createdRev: 1 } }).toArray()
    return new Map(found.map(it => [it.conversationId.toHexString(), it.createdRev]))
  }

  /** Time of the message at a `seq`. */
  async sentAt(conversationId: ObjectId, seq: number): Promise<Date | undefined> {
    return (await this.#messages.findOne({ conversationId, seq }, { projection: { createdAt: 1 } }))?.createdAt
  }

  /** The newest message from before a moment, from a `seq` on: the `rev` it was sent with. Looks at all that are newer. */
  async newestBefore(
    conversationId: ObjectId,
    moment: Date,
    fromSeq: number
  ): Promise<Pick<MessageDoc, 'createdRev'> | null> {
    return await this.#messages.findOne(
      { conversationId, seq: { $gte: fromSeq }, createdAt: { $lte: moment } },
      { sort: { seq: -1 }, hint: { conversationId: 1, seq: 1 }, projection: { createdRev: 1 } }
    )
  }

  /**
   * Counts of the messages of others than the person in each range, neither deleted nor over nor hidden, by conversation id
   * (hex): up to `MAX_UNREAD`, and of very long ranges only at their beginning.
   */
  async unread(userId: ObjectId, ranges: readonly SeqRange[]): Promise<Map<string, number>> {
    if (ranges.length === 0) return new Map()
    const counts = await this.#messages
      .aggregate<{ _id: ObjectId; count: number }>(countUnread(ranges, userId, new Date(this.#clock.now())), {
        batchSize: ranges.length + 1
      })
      .toArray()
    return new Map(counts.map(({ _id, count }) => [_id.toHexString(), count]))
  }

  /** Hides a message for one person. */
  async hide(id: ObjectId, userId: ObjectId, session: ClientSession): Promise<void> {
    await this.#messages.updateOne({ _id: id }, { $addToSet: { hiddenFor: userId } }, { session })
  }

  async #page(filter: Filter<MessageDoc>, sort: Record<string, 1 | -1>, size: PageSize): Promise<MessagePage> {
    const rows = await this.#reads.rows(filter, size, sort)
    const first = firstFitting(rows, size)
    return pageOf(await this.#reads.wholeOf(first), first, rows)
  }
}

/** Index of the messages alone that have a field. */
function thatHave(field: string) {
  return { partialFilterExpression: { [field]: { $exists: true } } }
}

/** Filter of the messages of a view that match a condition on `seq`. */
function viewFilter<Condition>({ conversationId, userId }: View, seq: Condition) {
  return { conversationId, seq, hiddenFor: { $ne: userId } }
}

/** Filter of messages among the given that are neither deleted nor hidden by a person. */
function presentFilter(userId: ObjectId, ids: readonly ObjectId[], now: number) {
  const isOver = { expiresAt: { $lte: new Date(now) } }
  return { _id: { $in: [...ids] }, hiddenFor: { $ne: userId }, deletedAt: { $exists: false }, $nor: [isOver] }
}

function pageOf(messages: MessageDoc[], first: readonly MessageDoc[], all: readonly MessageDoc[]): MessagePage {
  return { messages, more: first.length < all.length, upToRev: first.at(-1)?.rev ?? 0 }
}

/** The page without what has changed since it was found. */
function unmoved({ messages, upToRev, ...page }: MessagePage): MessagePage {
  return { ...page, upToRev, messages: messages.filter(({ rev }) => rev <= upToRev) }
}
