import type { ClientSession, Collection, Db, IndexDescription, ObjectId } from 'mongodb'
import type { ExportStatus } from '../../../protocol/messages/exports/entities.ts'

/** An archive of a conversation for one of its members, and how far it is made. */
export interface ExportDoc {
  _id: ObjectId
  userId: ObjectId
  conversationId: ObjectId
  status: ExportStatus
  writtenCount: number
  messageCount: number
  /** File that the last run makes, or has made; there may be none yet. */
  fileId?: ObjectId
  /** Facts of the archive, once it is whole. */
  archive?: { name: string; bytes: number }
  refusal?: { code: string; message: string }
  createdAt: Date
  /** Moment at which the row goes; absent while it is under way. */
  expiresAt?: Date
}

/** End of an export. */
export type Outcome = Required<Pick<ExportDoc, 'archive'>> | Required<Pick<ExportDoc, 'refusal'>>

const UNDER_WAY: ExportStatus[] = ['waiting', 'running']

/** Exports of all people. The database removes those that have expired. */
export class ExportStore {
  static readonly indexes: IndexDescription[] = [
    { key: { userId: 1, createdAt: -1 } }, // newest, findUnderWay, findNth
    { key: { expiresAt: 1 }, expireAfterSeconds: 0 }
  ]

  readonly #exports: Collection<ExportDoc>

  constructor(db: Db) {
    this.#exports = db.collection('exports')
  }

  async find(_id: ObjectId): Promise<ExportDoc | null> {
    return await this.#exports.findOne({ _id })
  }

  /** Exports of a person among the given, in no order. */
  async findMany(userId: ObjectId, ids: readonly ObjectId[]): Promise<ExportDoc[]> {
    return await this.#exports.find({ _id: { $in: [...ids] }, userId }).toArray()
  }

  /** Exports of a person, the newest first. */
  async newest(userId: ObjectId, limit: number): Promise<ExportDoc[]> {
    return await this.#exports.find({ userId }, { sort: { createdAt: -1 }, limit }).toArray()
  }

  /** Export of a person and a conversation that has not ended. */
  async findUnderWay(userId: ObjectId, conversationId: ObjectId, session?: ClientSession): Promise<ExportDoc | null> {
    const filter = { userId, conversationId, status: { $in: UNDER_WAY } }
    return await this.#exports.findOne(filter, session === undefined ? {} : { session })
  }

  /** The oldest of the last `count` that a person has begun since a moment; null where they are fewer. */
  async findNth(userId: ObjectId, since: Date, count: number, session: ClientSession): Promise<ExportDoc | null> {
    const filter = { userId, createdAt: { $gt: since } }
    return await this.#exports.findOne(filter, { sort: { createdAt: -1 }, skip: count - 1, session })
  }

  async insert(doc: ExportDoc, session: ClientSession): Promise<void> {
    await this.#exports.insertOne({ ...doc }, { session })
  }

  /** Begins a run, which makes a file. @returns the export as it was before, or null when it has ended */
  async begin(_id: ObjectId, fileId: ObjectId): Promise<ExportDoc | null> {
    return await this.#exports.findOneAndUpdate(
      { _id, status: { $in: UNDER_WAY } },
      { $set: { status: 'running', fileId, writtenCount: 0 } },
      { returnDocument: 'before' }
    )
  }

  /** Notes how far the run is that makes a file. @returns false when it is not wanted any more, or another run has begun */
  async advance(
    { _id, fileId }: Required<Pick<ExportDoc, '_id' | 'fileId'>>,
    counts: Pick<ExportDoc, 'writtenCount' | 'messageCount'>
  ): Promise<boolean> {
    return (await this.#exports.updateOne({ _id, fileId, status: 'running' }, { $set: counts })).matchedCount === 1
  }

  /** Ends the export by the run that makes a file. @returns it as it is then, or null as `advance` is false */
  async finish(
    { _id, fileId }: Required<Pick<ExportDoc, '_id' | 'fileId'>>,
    outcome: Outcome,
    expiresAt: Date,
    session: ClientSession
  ): Promise<ExportDoc | null> {
    const status: ExportStatus = 'archive' in outcome ? 'done' : 'failed'
    return await this.#exports.findOneAndUpdate(
      { _id, fileId, status: 'running' },
      { $set: { status, expiresAt, ...outcome } },
      { session, returnDocument: 'after' }
    )
  }

  /** Takes it back, with its archive. @returns it as it is then, or null when it is taken back or was refused */
  async cancel(_id: ObjectId, expiresAt: Date, session: ClientSession): Promise<ExportDoc | null> {
    return await this.#exports.findOneAndUpdate(
      { _id, status: { $in: [...UNDER_WAY, 'done'] } },
      { $set: { status: 'cancelled', expiresAt } },
      { session, returnDocument: 'after' }
    )
  }
}
