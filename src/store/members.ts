import { type ClientSession, type Collection, type Db, type Document, type IndexDescription, ObjectId } from 'mongodb'
import { Batcher } from '../limits/batcher.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { byConversation } from './by-conversation.ts'
import type { MemberDoc, PreferencesDoc } from './documents.ts'
import { type RevRange, revFilter } from './rev-range.ts'

/** Number of reads that are kept. */
const MAX_READS = 8
/** Memberships that are read together. */
const READ_TOGETHER = 100
/** Such reads that are under way beside each other. */
const AT_ONCE = 4
const LEADING = { role: { $in: ['owner', 'admin'] satisfies MemberDoc['role'][] } }
const PRESENT = { leftAt: { $exists: false } }

/** Memberships of a list: those without preferences, and the others; and which of all are of groups that are new to them. */
export interface ListedMemberships {
  readonly joined: readonly Pick<MemberDoc, 'conversationId' | 'joinedAt'>[]
  readonly plain: readonly ObjectId[]
  readonly kept: readonly { readonly conversationId: ObjectId; readonly preferences: PreferencesDoc }[]
}

type Membership = Pick<MemberDoc, 'conversationId' | 'userId'>

const keyOf = ({ conversationId, userId }: Membership): string => `${conversationId} ${userId}`

/** Memberships; who is in is written by `Commits` alone, receipts, preferences and what is cleared are written here. */
export class MemberStore {
  static readonly indexes: IndexDescription[] = [
    { key: { conversationId: 1, userId: 1 }, unique: true }, // find, page
    { key: { conversationId: 1, rev: 1 } }, // changedSince
    { key: { userId: 1, conversationId: 1 } }, // findByUser, findCrowded
    { key: { conversationId: 1, role: 1 }, partialFilterExpression: LEADING } // firstOfEach
  ]

  readonly #members: Collection<MemberDoc>
  readonly #reads = new Batcher<Membership, MemberDoc | null>(
    async wanted => await this.#readAll(wanted),
    READ_TOGETHER,
    { atOnce: AT_ONCE }
  )

  constructor(db: Db) {
    this.#members = db.collection('members')
  }

  /** The present membership of somebody; outside of a session, those asked for at the same time are read together. */
  async find(conversationId: ObjectId, userId: ObjectId, session?: ClientSession): Promise<MemberDoc | null> {
    if (session === undefined) return await this.#reads.add({ conversationId, userId })
    return await this.#members.findOne({ conversationId, userId, ...PRESENT }, { session })
  }

  async #readAll(wanted: readonly Membership[]): Promise<(MemberDoc | null)[]> {
    const some = [...byConversation(wanted)].map(([id, those]) => ({
      conversationId: new ObjectId(id),
      userId: { $in: those.map(({ userId }) => userId) }
    }))
    const found = await this.#members.find({ $or: some, ...PRESENT }, { batchSize: wanted.length + 1 }).toArray()
    const members = new Map(found.map(member => [keyOf(member), member]))
    return wanted.map(it => members.get(keyOf(it)) ?? null)
  }

  /** Memberships of these people, ended ones too. */
  async findAll(conversationId: ObjectId, userIds: readonly ObjectId[]): Promise<MemberDoc[]> {
    return await this.#members.find({ conversationId, userId: { $in: [...userIds] } }).toArray()
  }

  /** Present memberships of one person in the order of the conversations' ids, at most `limit`. */
  async findByUser(userId: ObjectId, limit: number, after?: ObjectId): Promise<MemberDoc[]> {
    const from = omitUndefined({ conversationId: after && { $gt: after } })
    const options = { sort: { conversationId: 1 }, limit, batchSize: limit } as const
    return await this.#members.find({ userId, ...from, ...PRESENT }, options).toArray()
  }

  /**
   * The present memberships of one person as far as a list of conversations looks at them, at most `limit`: the ids
   * of those without preferences, which are most, and the others; and the groups that they were brought into since a
   * moment. One document, because a thousand take longer to read.
   */
  async listByUser(userId: ObjectId, limit: number, since: Date): Promise<ListedMemberships> {
    const isNew = { $and: [{ $gt: ['$joinedAt', since] }, { $ne: [{ $type: '$addedBy' }, 'missing'] }] }
    const joined = { conversationId: '$conversationId', joinedAt: '$joinedAt' }
    const isPlain = { $eq: [{ $type: '$preferences' }, 'missing'] }
    const kept = { conversationId: '$conversationId', preferences: '$preferences' }
    const [found] = await this.#members
      .aggregate<ListedMemberships>([
        { $match: { userId, ...PRESENT } },
        { $limit: limit },
        {
          $group: {
            _id: null,
            plain: { $push: { $cond: [isPlain, '$conversationId', '$$REMOVE'] } },
            kept: { $push: { $cond: [isPlain, '$$REMOVE', kept] } },
            joined: { $push: { $cond: [isNew, joined, '$$REMOVE'] } }
          }
        }
      ])
      .toArray()
    return found ?? { plain: [], kept: [], joined: [] }
  }

  /** Present memberships of one person in the given conversations. */
  async findByUserIn(userId: ObjectId, conversationIds: readonly ObjectId[]): Promise<MemberDoc[]> {
    return await this.#members.find({ userId, conversationId: { $in: [...conversationIds] }, ...PRESENT }).toArray()
  }

  /** People of these who are in as many conversations as this, or more. */
  async findCrowded(userIds: readonly ObjectId[], atLeast: number): Promise<ObjectId[]> {
    const found = await this.#members
      .aggregate<{ _id: ObjectId }>([
        { $match: { userId: { $in: [...userIds] }, ...PRESENT } },
        { $group: { _id: '$userId', count: { $sum: 1 } } },
        { $match: { count: { $gte: atLeast } } }
      ])
      .toArray()
    return found.map(({ _id }) => _id)
  }

  /** Present members of all of these conversations; for small ones. */
  async findByConversations(conversationIds: readonly ObjectId[]): Promise<MemberDoc[]> {
    return await this.#members
      .find({ conversationId: { $in: [...conversationIds] }, ...PRESENT }, { sort: { conversationId: 1, userId: 1 } })
      .toArray()
  }

  /**
   * Some present members of each of these conversations of a person: first that person, then its owner and admins, then
   * the others by their ids. Looks at no more than these, however many are in them.
   */
  async firstOfEach(conversationIds: readonly ObjectId[], userId: ObjectId, limit: number): Promise<MemberDoc[]> {
    const found = await this.#members
      .aggregate<MemberDoc & { leading: MemberDoc[]; others: MemberDoc[] }>(
        [
          { $match: { userId, conversationId: { $in: [...conversationIds] }, ...PRESENT } },
          withMembers('leading', [{ $match: { ...LEADING, ...PRESENT } }, { $sort: { role: -1 } }, { $limit: limit }]),
          withMembers('others', [{ $match: PRESENT }, { $sort: { userId: 1 } }, { $limit: limit }])
        ],
        { batchSize: conversationIds.length }
      )
      .toArray()
    return found.flatMap(({ leading, others, ...own }) => {
      const first = new Map([own, ...leading, ...others].map(member => [member.userId.toHexString(), member]))
      return [...first.values()].slice(0, limit)
    })
  }

  /** Present members in the order of their ids. */
  async page(conversationId: ObjectId, limit: number, after?: ObjectId): Promise<MemberDoc[]> {
    const from = omitUndefined({ userId: after && { $gt: after } })
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
    cursors: { deliveredSeq: number; readSeq: number },
    session?: ClientSession
  ): Promise<MemberDoc | null> {
    const filter = { conversationId, userId, ...PRESENT }
    const { deliveredSeq, readSeq } = cursors
    if (readSeq === 0) return await this.#members.findOneAndUpdate(filter, { $max: { deliveredSeq } })
    const reads = { $ifNull: ['$reads', []] }
    const longer = { $slice: [{ $concatArrays: [reads, [{ seq: readSeq, at: new Date() }]] }, -MAX_READS] }
    const update = [
      {
        $set: {
          deliveredSeq: { $max: ['$deliveredSeq', deliveredSeq] },
          readSeq: { $max: ['$readSeq', readSeq] },
          reads: { $cond: [{ $gt: [readSeq, '$readSeq'] }, longer, reads] }
        }
      }
    ]
    return await this.#members.findOneAndUpdate(filter, update, omitUndefined({ session }))
  }

  /** Changes preferences; `undefined` takes one away. @returns the membership after, or null when it has ended */
  async setPreferences(
    { conversationId, userId }: Pick<MemberDoc, 'conversationId' | 'userId'>,
    fields: { readonly [name in keyof PreferencesDoc]: unknown },
    session: ClientSession
  ): Promise<MemberDoc | null> {
    const named = Object.entries(fields).map(([name, value]) => [`preferences.${name}`, value] as const)
    const $set = Object.fromEntries(named.filter(([, value]) => value !== undefined))
    const $unset = Object.fromEntries(
      named.filter(([, value]) => value === undefined).map(([name]) => [name, true as const])
    )
    const update = omitUndefined({
      $set: Object.keys($set).length > 0 ? $set : undefined,
      $unset: Object.keys($unset).length > 0 ? $unset : undefined
    })
    const filter = { conversationId, userId, ...PRESENT }
    return await this.#members.findOneAndUpdate(filter, update, { session, returnDocument: 'after' })
  }

  /**
   * Clears everything up to a `seq`, which is read then, and with `isHidden` takes the conversation out of the list.
   * @returns the membership after, or null when it has ended
   */
  async clear(
    { conversationId, userId }: Pick<MemberDoc, 'conversationId' | 'userId'>,
    { seq, isHidden }: { seq: number; isHidden: boolean },
    session: ClientSession
  ): Promise<MemberDoc | null> {
    return await this.#members.findOneAndUpdate(
      { conversationId, userId, ...PRESENT },
      {
        $max: { clearedSeq: seq, readSeq: seq, deliveredSeq: seq },
        ...omitUndefined({ $set: isHidden ? { 'preferences.hiddenAtSeq': seq } : undefined })
      },
      { session, returnDocument: 'after' }
    )
  }
}

/** Stage that adds some members of the same conversation to a membership. */
function withMembers(as: string, pipeline: Document[]): Document {
  return { $lookup: { from: 'members', localField: 'conversationId', foreignField: 'conversationId', pipeline, as } }
}
