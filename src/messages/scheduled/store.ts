import type { ClientSession, Collection, Db, IndexDescription, ObjectId } from 'mongodb'
import type { ScheduledStatus } from '../../../protocol/messages/scheduled/entities.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { TimeCursor } from '../../store/time-cursor.ts'
import type { NewContent } from '../content.ts'

/** A message that is sent at its time. Once that is done, or it was taken back, its place stays without its content. */
export interface ScheduledDoc {
  _id: ObjectId
  userId: ObjectId
  conversationId: ObjectId
  clientId: string
  /** Digest of what was asked for first, to tell a repeat from another one with the same `clientId`. */
  bodyHash: string
  /** Grows with each change; work for an older version is none. */
  version: number
  status: ScheduledStatus
  sendAt: Date
  /** Content as it is sent, ids with their prefix; absent at the end. */
  content?: NewContent
  messageId?: ObjectId
  refusal?: { code: string; message: string }
  createdAt: Date
}

const OPEN = { content: { $exists: true } }
/** Stages in which a person may still change it. */
const CHANGEABLE: ScheduledStatus[] = ['waiting', 'refused']
/** Documents that the database hands over at once while a page fills. */
const FEW = 10

/** Scheduled messages of all people. */
export class ScheduledStore {
  static readonly indexes: IndexDescription[] = [
    { key: { userId: 1, conversationId: 1, clientId: 1 }, unique: true }, // findFirst
    { key: { userId: 1, sendAt: 1, _id: 1 }, partialFilterExpression: OPEN } // countOpen, pageByUser
  ]

  readonly #scheduled: Collection<ScheduledDoc>

  constructor(db: Db) {
    this.#scheduled = db.collection('scheduledMessages')
  }

  async find(_id: ObjectId): Promise<ScheduledDoc | null> {
    return await this.#scheduled.findOne({ _id })
  }

  /** Those of one person among the given, in no order. */
  async findMany(userId: ObjectId, ids: readonly ObjectId[]): Promise<ScheduledDoc[]> {
    return await this.#scheduled.find({ _id: { $in: [...ids] }, userId }).toArray()
  }

  /** The one that a person has made with a `clientId`. */
  async findFirst(
    { userId, conversationId, clientId }: Pick<ScheduledDoc, 'userId' | 'conversationId' | 'clientId'>,
    session?: ClientSession
  ): Promise<ScheduledDoc | null> {
    return await this.#scheduled.findOne({ userId, conversationId, clientId }, omitUndefined({ session }))
  }

  /** Number of those of one person that are not at their end. */
  async countOpen(userId: ObjectId, session: ClientSession): Promise<number> {
    return await this.#scheduled.countDocuments({ userId, ...OPEN }, { session })
  }

  /** Those of one person that are not at their end, in the order of their time; they are read as they are asked for. */
  pageByUser(userId: ObjectId, limit: number, after: TimeCursor | undefined): AsyncIterable<ScheduledDoc> {
    const later =
      after === undefined ? {} : { $or: [{ sendAt: { $gt: after.at } }, { sendAt: after.at, _id: { $gt: after.id } }] }
    return this.#scheduled.find(
      { userId, ...OPEN, ...later },
      { sort: { sendAt: 1, _id: 1 }, limit, batchSize: Math.min(limit, FEW) }
    )
  }

  async insert(doc: ScheduledDoc, session: ClientSession): Promise<void> {
    await this.#scheduled.insertOne({ ...doc }, { session })
  }

  /** Gives it another time and content. @returns it as it is then, or null when it is not to be changed any more */
  async change(
    _id: ObjectId,
    { sendAt, content }: Required<Pick<ScheduledDoc, 'sendAt' | 'content'>>,
    session: ClientSession
  ): Promise<ScheduledDoc | null> {
    return await this.#scheduled.findOneAndUpdate(
      { _id, status: { $in: CHANGEABLE } },
      { $set: { sendAt, content, status: 'waiting' }, $inc: { version: 1 }, $unset: { refusal: true } },
      { session, returnDocument: 'after' }
    )
  }

  /** Takes it back. @returns it as it is then, or null when it is not to be changed any more */
  async cancel(_id: ObjectId, session: ClientSession): Promise<ScheduledDoc | null> {
    return await this.#scheduled.findOneAndUpdate(
      { _id, status: { $in: CHANGEABLE } },
      { $set: { status: 'cancelled' }, $unset: { content: true, refusal: true } },
      { session, returnDocument: 'after' }
    )
  }

  /** Begins to send a version: from then on nobody takes it back. @returns it, or null when there is no such any more */
  async begin(_id: ObjectId, version: number): Promise<ScheduledDoc | null> {
    return await this.#scheduled.findOneAndUpdate(
      { _id, version, status: { $in: ['waiting', 'sending'] } },
      { $set: { status: 'sending' } },
      { returnDocument: 'after' }
    )
  }

  /** Ends the sending: with its message, or with why it was refused. @returns it as it is then, or null when it has ended before */
  async finish(
    _id: ObjectId,
    outcome: Required<Pick<ScheduledDoc, 'messageId'>> | Required<Pick<ScheduledDoc, 'refusal'>>,
    session: ClientSession
  ): Promise<ScheduledDoc | null> {
    const update =
      'refusal' in outcome
        ? { $set: { status: 'refused' as const, ...outcome } }
        : { $set: { status: 'sent' as const, ...outcome }, $unset: { content: true as const } }
    return await this.#scheduled.findOneAndUpdate({ _id, status: 'sending' }, update, {
      session,
      returnDocument: 'after'
    })
  }
}
