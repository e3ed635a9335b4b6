import type { Collection, Db, IndexDescription, ObjectId } from 'mongodb'
import { omitUndefined } from '../../omit-undefined.ts'

/** Clients of one app on one device whose cursors are kept. */
const MAX_CLIENTS = 50

/** Delivery cursor of a client that keeps none itself. */
export interface DeviceCursorDoc {
  _id: ObjectId
  userId: ObjectId
  /** The device, and the app on it. */
  device: string
  /** Id of the connection that moves it; absent while there is none. */
  heldBy?: string
  /** Id that the client will name when it comes back, where it is one that does. */
  client?: string
  /** A connection began at this cursor while it was held: what its client may have missed is made good. */
  isCopied?: true
  /** Positions up to which everything has arrived: of the person's own stream, and of conversations by id (hex). */
  account: number
  conversations: Record<string, number>
  /** Moments by the database's clock. */
  movedAt: Date
  releasedAt?: Date
  expiresAt: Date
}

/** Positions of a cursor. */
export type CursorPositions = Pick<DeviceCursorDoc, 'account' | 'conversations'>

/** The delivery cursors of devices, one for each client there: a device may have several, such as the tabs of a browser. */
export class DeviceCursorStore {
  static readonly indexes: IndexDescription[] = [
    { key: { userId: 1, device: 1 } }, // find, hasOthers
    { key: { expiresAt: 1 }, expireAfterSeconds: 0 } // removed by the database
  ]

  readonly #cursors: Collection<DeviceCursorDoc>

  constructor(db: Db) {
    this.#cursors = db.collection('deviceCursors')
  }

  /** Cursors of a device, the last moved first. */
  async find(userId: ObjectId, device: string): Promise<DeviceCursorDoc[]> {
    return await this.#cursors
      .find({ userId, device }, { batchSize: MAX_CLIENTS + 1 })
      .sort({ movedAt: -1 })
      .limit(MAX_CLIENTS)
      .toArray()
  }

  /** Whether the person has cursors of devices whose key begins so. */
  async hasOthers(userId: ObjectId, prefix: string): Promise<boolean> {
    const filter = { userId, device: { $gte: prefix, $lt: `${prefix}\uffff` } }
    return (await this.#cursors.findOne(filter, { projection: { _id: 1 } })) !== null
  }

  async insert(cursor: Omit<DeviceCursorDoc, 'movedAt'>): Promise<void> {
    await this.#cursors.updateOne(
      { _id: cursor._id },
      { $setOnInsert: cursor, $currentDate: { movedAt: true } },
      { upsert: true }
    )
  }

  /** Holds a cursor that is free, or the client's own. @returns it, or null when another was faster */
  async hold(
    { _id, heldBy }: Pick<DeviceCursorDoc, '_id' | 'heldBy'>,
    holder: Required<Pick<DeviceCursorDoc, 'heldBy' | 'expiresAt'>> & Pick<DeviceCursorDoc, 'client'>
  ): Promise<DeviceCursorDoc | null> {
    return await this.#cursors.findOneAndUpdate(
      { _id, heldBy: heldBy ?? { $exists: false } },
      { $set: holder, $unset: { releasedAt: true, isCopied: true } },
      { returnDocument: 'after' }
    )
  }

  /** Takes away a cursor that was copied and has not moved since: the copy has had all that it lacks. */
  async dropCopied(_id: ObjectId, heldBy: string): Promise<void> {
    await this.#cursors.deleteOne({ _id, heldBy, isCopied: true })
  }

  async noteCopied(_id: ObjectId): Promise<void> {
    await this.#cursors.updateOne({ _id }, { $set: { isCopied: true } })
  }

  /** Moves positions forward, never back. */
  async move(_id: ObjectId, { account, conversations }: Partial<CursorPositions>, expiresAt: Date): Promise<void> {
    const moved = Object.entries(conversations ?? {}).map(([id, rev]) => [`conversations.${id}`, rev] as const)
    await this.#cursors.updateOne(
      { _id },
      {
        $max: { ...Object.fromEntries(moved), ...omitUndefined({ account }), expiresAt },
        $unset: { isCopied: true },
        $currentDate: { movedAt: true }
      }
    )
  }

  /** Frees a cursor. */
  async release(_id: ObjectId, heldBy: string): Promise<void> {
    await this.#cursors.updateOne({ _id, heldBy }, { $unset: { heldBy: true }, $currentDate: { releasedAt: true } })
  }
}
