import type { ClientSession, Collection, Db, IndexDescription, ObjectId } from 'mongodb'
import { omitUndefined } from '../../omit-undefined.ts'

/** Login on one device. Nothing in it can be used to sign in. */
export interface SessionDoc {
  _id: ObjectId
  userId: ObjectId
  device?: { id: string; platform?: string; name?: string }
  /** The refresh token of this number is the valid one. */
  generation: number
  /** Newest generation of which a refresh token, or an access token made with one, has come in; absent in older ones. */
  usedGeneration?: number
  /** Goes into the refresh tokens of this session. */
  salt: string
  createdAt: Date
  lastSeenAt: Date
  /** Moment at which the generation last went up. */
  rotatedAt: Date
  expiresAt: Date
  /** Moment by the database's clock. */
  revokedAt?: Date
  /** Session that approved this one: its end within a day ends this one too. */
  approvedBy?: ObjectId
  /** True where a foreign token approved it: a refresh does not prolong it. */
  isFixed?: true
}

/** The logins. A session is live until it expires or is revoked. */
export class SessionStore {
  static readonly indexes: IndexDescription[] = [
    { key: { userId: 1, createdAt: -1 } }, // list, idsExcept
    { key: { expiresAt: 1 }, expireAfterSeconds: 0 }, // removed by the database
    { key: { approvedBy: 1 }, partialFilterExpression: { approvedBy: { $exists: true } } }, // findApprovedBy
    { key: { revokedAt: 1 }, partialFilterExpression: { revokedAt: { $exists: true } } } // revokedSince
  ]

  readonly #sessions: Collection<SessionDoc>

  constructor(db: Db) {
    this.#sessions = db.collection('sessions')
  }

  /** @param transaction that it is part of, if it is part of one */
  async insert(session: SessionDoc, transaction?: ClientSession): Promise<void> {
    await this.#sessions.insertOne(session, omitUndefined({ session: transaction }))
  }

  /** Live sessions among the given. */
  async findLive(ids: readonly ObjectId[], now: Date): Promise<SessionDoc[]> {
    return await this.#sessions
      .find({ _id: { $in: [...ids] }, revokedAt: { $exists: false }, expiresAt: { $gt: now } })
      .toArray()
  }

  /** The session in any state; the database removes expired ones only now and then. */
  async find(_id: ObjectId): Promise<SessionDoc | null> {
    return await this.#sessions.findOne({ _id })
  }

  /** Of all who present a generation exactly one turns it into the next. @returns whether it was this one */
  async rotate(_id: ObjectId, generation: number, now: Date, expiresAt: Date): Promise<boolean> {
    const before = await this.#sessions.findOneAndUpdate(
      { _id, generation, revokedAt: { $exists: false }, expiresAt: { $gt: now } },
      { $set: { generation: generation + 1, usedGeneration: generation, rotatedAt: now, lastSeenAt: now, expiresAt } },
      { projection: { _id: 1 } }
    )
    return before !== null
  }

  /** Notes that a token of a generation has come in; of older sessions, where that is not noted, nothing. */
  async noteUse(_id: ObjectId, generation: number): Promise<void> {
    await this.#sessions.updateOne(
      { _id, usedGeneration: { $lt: generation } },
      { $set: { usedGeneration: generation } }
    )
  }

  async touch(_id: ObjectId, lastSeenAt: Date): Promise<void> {
    await this.#sessions.updateOne({ _id }, { $max: { lastSeenAt } })
  }

  /** Live sessions of somebody, newest first. */
  async list(userId: ObjectId, now: Date, limit: number): Promise<SessionDoc[]> {
    return await this.#sessions
      .find({ userId, revokedAt: { $exists: false }, expiresAt: { $gt: now } }, { sort: { createdAt: -1 }, limit })
      .toArray()
  }

  /** Lets a session stand for others in what they have approved. */
  async handApprovals(from: readonly ObjectId[], to: ObjectId): Promise<void> {
    if (from.length === 0) return
    await this.#sessions.updateMany({ approvedBy: { $in: [...from] }, _id: { $ne: to } }, { $set: { approvedBy: to } })
  }

  /** Live sessions that one has approved since a moment. @returns their ids */
  async findApprovedBy(approvedBy: ObjectId, since: Date): Promise<ObjectId[]> {
    const sessions = await this.#sessions
      .find({ approvedBy, createdAt: { $gt: since }, revokedAt: { $exists: false } })
      .project<{ _id: ObjectId }>({ _id: 1 })
      .toArray()
    return sessions.map(({ _id }) => _id)
  }

  /** @returns whether it was this person's and had not been revoked */
  async revoke(_id: ObjectId, userId: ObjectId): Promise<boolean> {
    const { modifiedCount } = await this.#sessions.updateOne(
      { _id, userId, revokedAt: { $exists: false } },
      { $currentDate: { revokedAt: true } }
    )
    return modifiedCount === 1
  }

  /** Live sessions of a person but one. @returns their ids */
  async idsExcept(userId: ObjectId, kept: ObjectId | undefined): Promise<ObjectId[]> {
    const sessions = await this.#sessions
      .find({ userId, revokedAt: { $exists: false }, ...omitUndefined({ _id: kept && { $ne: kept } }) })
      .project<{ _id: ObjectId }>({ _id: 1 })
      .toArray()
    return sessions.map(({ _id }) => _id)
  }

  /** Ids (hex) of the sessions revoked since a moment of the database's clock, by whatever process. */
  async revokedSince(moment: Date): Promise<string[]> {
    const revoked = await this.#sessions
      .find({ revokedAt: { $gt: moment } }, { hint: { revokedAt: 1 } })
      .project<{ _id: ObjectId }>({ _id: 1 })
      .toArray()
    return revoked.map(({ _id }) => _id.toHexString())
  }
}
