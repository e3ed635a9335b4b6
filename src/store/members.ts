import type { Collection, Db, IndexDescription, ObjectId } from 'mongodb'
import type { MemberDoc } from './documents.ts'
import { type RevRange, revFilter } from './rev-range.ts'

const PRESENT = { leftAt: { $exists: false } }

/** Memberships; who is in is written by `Commits` alone, receipts and what is cleared are written here. */
export class MemberStore {
  static readonly indexes: IndexDescription[] = [
    { key: { conversationId: 1, userId: 1 }, unique: true }, // find, page
    { key: { conversationId: 1, rev: 1 } }, // changedSince
    { key: { userId: 1, conversationId: 1 } } // ofUser
  ]

  readonly #members: Collection<MemberDoc>

  constructor(db: Db) {
    this.#members = db.collection('members')
  }

  /** The present membership of somebody. */
  async find(conversationId: ObjectId, userId: ObjectId): Promise<MemberDoc | null> {
    return await this.#members.findOne({ conversationId, userId, ...PRESENT })
  }

  /** Memberships of these people, ended ones too. */
  async findAll(conversationId: ObjectId, userIds: readonly ObjectId[]): Promise<MemberDoc[]> {
    return await this.#members.find({ conversationId, userId: { $in: [...userIds] } }).toArray()
  }

  /** Present memberships of one person in the order of the conversations' ids, at most `limit`. */
  async ofUser(userId: ObjectId, limit: number, after?: ObjectId): Promise<MemberDoc[]> {
    const from = after === undefined ? {} : { conversationId: { $gt: after } }
    return await this.#members.find({ userId, ...from, ...PRESENT }, { sort: { conversationId: 1 }, limit }).toArray()
  }

  /** Present memberships of one person in the given conversations. */
  async ofUserIn(userId: ObjectId, conversationIds: readonly ObjectId[]): Promise<MemberDoc[]> {
    return await this.#members.find({ userId, conversationId: { $in: [...conversationIds] }, ...PRESENT }).toArray()
  }

  /** Present members of all of these conversations; for small ones. */
  async ofAll(conversationIds: readonly ObjectId[]): Promise<MemberDoc[]> {
    return await this.#members
      .find({ conversationId: { $in: [...conversationIds] }, ...PRESENT }, { sort: { conversationId: 1, userId: 1 } })
      .toArray()
  }

  /** Present members in the order of their ids. */
  async page(conversationId: ObjectId, limit: number, after?: ObjectId): Promise<MemberDoc[]> {
    const from = after === undefined ? {} : { userId: { $gt: after } }
    return await this.#members.find({ conversationId, ...from, ...PRESENT }, { sort: { userId: 1 }, limit }).toArray()
  }

  /** Memberships changed after `since`, by `rev`, ended ones too; all of the last `rev`, even beyond `limit`. */
  async changedSince(conversationId: ObjectId, since: number, limit: number): Promise<MemberDoc[]> {
    const page = await this.#members
      .find({ conversationId, rev: { $gt: since } }, { sort: { rev: 1 }, limit })
      .toArray()
    const last = page.at(-1)
    if (last === undefined || page.length < limit) return page
    const sameRev = await this.#members.find({ conversationId, rev: last.rev }).toArray()
    return [...page.filter(({ rev }) => rev < last.rev), ...sameRev]
  }

  /** Memberships changed within ranges of `rev`, ended ones too. */
  async changedWithin(ranges: readonly RevRange[]): Promise<MemberDoc[]> {
    return await this.#members.find({ $or: ranges.map(revFilter) }).toArray()
  }

  /** Moves the cursors forward, never back. @returns the membership before, or null when there is none */
  async advance(
    conversationId: ObjectId,
    userId: ObjectId,
    cursors: { deliveredSeq: number; readSeq: number }
  ): Promise<MemberDoc | null> {
    return await this.#members.findOneAndUpdate({ conversationId, userId, ...PRESENT }, { $max: cursors })
  }
}
