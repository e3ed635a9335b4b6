import type { Collection, Document, Filter } from 'mongodb'
import type { DatabaseClock } from '../database/index.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { MessageDoc } from './documents.ts'
import { messageAt } from './tombstones.ts'

/** Size of a page. */
export interface PageSize {
  /** Messages at most. */
  readonly limit: number
  /** Bytes at most, as they are stored; a single message may have more. */
  readonly maxBytes: number
}

/** A message, or of a large one its outline: all but what was said, and its size in bytes. */
export type Row = MessageDoc & { readonly bytes?: number }

const BYTES = { $bsonSize: '$$ROOT' }
const KEPT = ['_id', 'conversationId', 'seq', 'rev', 'createdRev', 'senderId', 'clientId', 'bodyHash', 'type']
const TIMES = ['createdAt', 'editedAt', 'deletedAt', 'expiresAt']
const OUTLINE = { ...Object.fromEntries([...KEPT, ...TIMES].map(name => [name, `$${name}`])), bytes: BYTES }
/** Former texts, which may be much, are shown nowhere but by themselves. */
const WITHOUT_EDITS = { edits: 0 } as const

/**
 * Reads of messages that are bounded in bytes while they are read. A message of more than its share of the bytes
 * comes as an outline, and is read when it is known to fit: one query where all are small, two otherwise. What is over is
 * its tombstone.
 */
export class BoundedReads {
  readonly #messages: Collection<MessageDoc>

  readonly #clock: Pick<DatabaseClock, 'now'>

  constructor(messages: Collection<MessageDoc>, clock: Pick<DatabaseClock, 'now'>) {
    this.#messages = messages
    this.#clock = clock
  }

  /** The rows that match, at most one more than the limit; those that are no outlines are within the bytes together. */
  async rows(
    filter: Filter<MessageDoc>,
    { limit, maxBytes }: PageSize,
    sort?: Readonly<Record<string, 1 | -1>>,
    hint?: Readonly<Record<string, 1 | -1>>
  ): Promise<Row[]> {
    const found = [{ $match: filter }, ...(sort === undefined ? [] : [{ $sort: sort }]), { $limit: limit + 1 }]
    return await this.#read(found, { limit, maxBytes }, hint)
  }

  /** The first row, by an order, of those that match each filter; those that are no outlines are within the bytes together. */
  async firstOfEach(
    filters: readonly Filter<MessageDoc>[],
    sort: Readonly<Record<string, 1 | -1>>,
    maxBytes: number
  ): Promise<Row[]> {
    const [first = [], ...others] = filters.map(filter => [{ $match: filter }, { $sort: sort }, { $limit: 1 }])
    const unions = others.map(pipeline => ({ $unionWith: { coll: this.#messages.collectionName, pipeline } }))
    return await this.#read([...first, ...unions], { limit: filters.length, maxBytes })
  }

  async #read(
    found: readonly Document[],
    { limit, maxBytes }: PageSize,
    hint?: Readonly<Record<string, 1 | -1>>
  ): Promise<Row[]> {
    const share = Math.floor(maxBytes / Math.max(1, limit))
    const stages = [...found, { $replaceWith: { $cond: [{ $lte: [BYTES, share] }, '$$ROOT', OUTLINE] } }]
    // More than there can be, so that the first batch is known to be the last: one command.
    const options = { batchSize: limit + 2, ...omitUndefined({ hint }) }
    const rows = await this.#messages.aggregate<Row>(stages, options).toArray()
    const now = this.#clock.now()
    return rows.map(row => messageAt(row, now))
  }

  /** The messages of rows, in their order; those of outlines are read, as they are now. */
  async wholeOf(rows: readonly Row[]): Promise<MessageDoc[]> {
    const ids = rows.filter(isOutline).map(({ _id }) => _id)
    if (ids.length === 0) return [...rows]
    const found = await this.#messages
      .find({ _id: { $in: ids } }, { projection: WITHOUT_EDITS, limit: ids.length, batchSize: ids.length })
      .toArray()
    const now = this.#clock.now()
    const messages = new Map(found.map(message => [message._id.toHexString(), messageAt(message, now)]))
    return rows.flatMap(row => (isOutline(row) ? (messages.get(row._id.toHexString()) ?? []) : [row]))
  }
}

/** The first rows, as many as fit the page, at least one where there is any. */
export function firstFitting(rows: readonly Row[], { limit, maxBytes }: PageSize): Row[] {
  let left = maxBytes
  const end = rows.findIndex(({ bytes = 0 }, index) => {
    left -= bytes
    return index >= limit || (index > 0 && left < 0)
  })
  return rows.slice(0, end < 0 ? rows.length : end)
}

/** Outlines whose messages fit the bytes: the first one, and of the others those for which there is room. */
export function outlinesFitting(rows: readonly Row[], maxBytes: number): Row[] {
  let left = maxBytes
  return rows.filter(isOutline).filter(({ bytes = 0 }, index) => {
    if (index > 0 && bytes > left) return false
    left -= bytes
    return true
  })
}

function isOutline({ bytes }: Row): boolean {
  return bytes !== undefined
}
