import { type ClientSession, type Collection, type Db, type IndexDescription, ObjectId } from 'mongodb'
import type { Settings } from '../../../protocol/users/entities.ts'

/** Settings that a person chose; one never chosen is absent. */
export interface SettingsDoc {
  _id: ObjectId
  userId: ObjectId
  /** Of the last change. */
  updatedAt?: Date
  notifications?: Partial<Settings['notifications']>
  privacy?: Partial<Settings['privacy']>
  theme?: Settings['theme']
  language?: string
}

/** The settings, one row for each person who changed something. */
export class SettingsStore {
  static readonly indexes: IndexDescription[] = [{ key: { userId: 1 }, unique: true }] // every query

  readonly #settings: Collection<SettingsDoc>

  constructor(db: Db) {
    this.#settings = db.collection('settings')
  }

  async find(userId: ObjectId): Promise<SettingsDoc | null> {
    return await this.#settings.findOne({ userId })
  }

  /** Of those who have a row, in no order. */
  async findMany(userIds: readonly ObjectId[]): Promise<SettingsDoc[]> {
    return await this.#settings.find({ userId: { $in: [...userIds] } }).toArray()
  }

  /** Sets single fields, named by their paths (`privacy.lastSeen`); the others stay. */
  async set(userId: ObjectId, fields: Readonly<Record<string, unknown>>, session: ClientSession): Promise<SettingsDoc> {
    const now = new Date()
    const row = await this.#settings.findOneAndUpdate(
      { userId },
      { $set: { ...fields, updatedAt: now }, $setOnInsert: { _id: new ObjectId() } },
      { upsert: true, returnDocument: 'after', session }
    )
    if (row === null) throw new Error('Settings that were just written are gone')
    return row
  }
}
