import type { ClientSession, Collection, Db, IndexDescription, MongoClient, UpdateFilter } from 'mongodb'
import { ObjectId } from 'mongodb'
import { Batcher } from '../limits/batcher.ts'

/** Heads that are read with one query: many people come back at once. */
const READ_TOGETHER = 500

/** Types of changes of an account, and what `ref` names in each. */
export type AccountChangeType =
  | 'membership'
  | 'hidden'
  | 'star'
  | 'preferences'
  | 'profile'
  | 'settings'
  | 'session'
  | 'block'
  | 'contacts'
  | 'request'
  | 'draft'
  | 'scheduled'
  | 'export'

/** The last change of one thing of an account: `ref` is a conversation, a message, a request, a session, an export or a person. */
export interface AccountChangeDoc {
  _id: ObjectId
  userId: ObjectId
  rev: number
  type: AccountChangeType
  ref: ObjectId
}

interface AccountHeadDoc {
  _id: ObjectId
  rev: number
  changedAt: Date
}

/** The streams of what concerns single people: a head each, and one row for each thing that has changed. */
export class AccountStore {
  static readonly indexes: Record<string, IndexDescription[]> = {
    accounts: [{ key: { changedAt: 1, rev: 1 } }], // movedSince
    accountChanges: [
      { key: { userId: 1, type: 1, ref: 1 }, unique: true }, // record
      { key: { userId: 1, rev: 1 }, unique: true } // changesSince
    ]
  }

  readonly #client: MongoClient
  readonly #heads: Collection<AccountHeadDoc>
  readonly #changes: Collection<AccountChangeDoc>
  readonly #headReads = new Batcher<ObjectId, number>(async userIds => await this.#readHeads(userIds), READ_TOGETHER)

  constructor(client: MongoClient, db: Db) {
    this.#client = client
    this.#heads = db.collection('accounts')
    this.#changes = db.collection('accountChanges')
  }

  /**
   * Writes something of one account and its place in the account's stream, together or not at all.
   * @returns the `rev` of the change
   */
  async change(
    userId: ObjectId,
    type: AccountChangeType,
    ref: ObjectId,
    write: (session: ClientSession) => Promise<unknown>
  ): Promise<number> {
    const revs = await this.changeAll([userId], type, ref, write)
    return revs.get(userId.toHexString()) ?? 0
  }

  /** The same for something that concerns several people. @returns the `rev` by user id (hex) */
  async changeAll(
    userIds: readonly ObjectId[],
    type: AccountChangeType,
    ref: ObjectId,
    write: (session: ClientSession) => Promise<unknown>
  ): Promise<Map<string, number>> {
    return await this.#client.withSession(
      async session =>
        await session.withTransaction(async () => {
          await write(session)
          return await this.record(userIds, type, ref, session)
        })
    )
  }

  /**
   * Writes something of one account, and its place in the account's stream if that has changed anything.
   * @param write says whether it has
   * @returns the `rev` of the change; undefined where there was none
   */
  async changeIf(
    userId: ObjectId,
    type: AccountChangeType,
    ref: ObjectId,
    write: (session: ClientSession) => Promise<boolean>
  ): Promise<number | undefined> {
    return await this.#client.withSession(
      async session =>
        await session.withTransaction(async () => {
          if (!(await write(session))) return undefined
          return (await this.record([userId], type, ref, session)).get(userId.toHexString())
        })
    )
  }

  /** Takes the next `rev` of each account for a change of the same thing. @returns the `rev` by user id (hex) */
  async record(
    userIds: readonly ObjectId[],
    type: AccountChangeType,
    ref: ObjectId,
    session: ClientSession
  ): Promise<Map<string, number>> {
    const heads = await this.#advance(userIds, session)
    await this.#changes.bulkWrite(
      heads.map(({ _id, rev }) => ({
        updateOne: {
          filter: { userId: _id, type, ref },
          update: { $set: { rev }, $setOnInsert: { _id: new ObjectId() } },
          upsert: true
        }
      })),
      { session, ordered: false }
    )
    return new Map(heads.map(({ _id, rev }) => [_id.toHexString(), rev]))
  }

  async #advance(userIds: readonly ObjectId[], session: ClientSession): Promise<AccountHeadDoc[]> {
    const update: UpdateFilter<AccountHeadDoc> = { $inc: { rev: 1 }, $currentDate: { changedAt: true } }
    const [_id, ...others] = userIds
    if (_id !== undefined && others.length === 0) {
      const head = await this.#heads.findOneAndUpdate({ _id }, update, {
        session,
        upsert: true,
        returnDocument: 'after'
      })
      return head === null ? [] : [head]
    }
    const updates = userIds.map(_id => ({ updateOne: { filter: { _id }, update, upsert: true } }))
    await this.#heads.bulkWrite(updates, { session, ordered: false })
    return await this.#heads.find({ _id: { $in: [...userIds] } }, { session }).toArray()
  }

  /** The account's last `rev`; 0 when nothing has ever changed. */
  async head(userId: ObjectId): Promise<number> {
    return await this.#headReads.add(userId)
  }

  async #readHeads(userIds: readonly ObjectId[]): Promise<number[]> {
    const heads = await this.#heads.find({ _id: { $in: [...userIds] } }, { projection: { rev: 1 } }).toArray()
    const revs = new Map(heads.map(({ _id, rev }) => [_id.toHexString(), rev]))
    return userIds.map(id => revs.get(id.toHexString()) ?? 0)
  }

  /** Changes after `since`, by `rev`, at most `limit` rows. */
  async changesSince(userId: ObjectId, since: number, limit: number): Promise<AccountChangeDoc[]> {
    return await this.#changes.find({ userId, rev: { $gt: since } }, { sort: { rev: 1 }, limit }).toArray()
  }

  /** Accounts that changed since a moment of the database's clock, with their `rev`. */
  async movedSince(moment: Date): Promise<{ id: string; rev: number }[]> {
    const moved = await this.#heads
      .find({ changedAt: { $gt: moment } }, { projection: { rev: 1 }, hint: { changedAt: 1, rev: 1 } })
      .toArray()
    return moved.map(({ _id, rev }) => ({ id: _id.toHexString(), rev }))
  }
}
