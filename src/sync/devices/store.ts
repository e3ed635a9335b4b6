import type { Collection, Db, Filter, IndexDescription, ObjectId, UpdateFilter } from 'mongodb'
import { omitUndefined } from '../../omit-undefined.ts'

/** Clients of one app on one device whose cursors are kept. */
const MAX_CLIENTS = 50

/** Delivery cursor of a client that keeps none itself. */
export interface DeviceCursorDoc {
  _id: ObjectId
  userId: ObjectId
  /** The device, and the app on it. */
  device: string
  /** Framing of the client. */
  framing: string
  /** Id of the connection that moves it; absent while there is none. */
  heldBy?: string
  /** Id that the client will name when it comes back, where it is one that does. */
  client?: string
  /** A connection began at this cursor while it was held: what its client may have missed is made good. */
  isCopied?: true
  /** Another client has begun where this one was: nobody takes it any more but the client that names itself. */
  isTaken?: true
  /** Positions up to which everything has arrived: of the person's own stream, and of conversations by id (hex). */
  account: number
  conversations: Record<string, number>
  /** Moments by the database's clock. */
  movedAt: Date
  releasedAt?: Date
  expiresAt: Date
}

/** Connection that holds a cursor. */
export type CursorHolder = Required<Pick<DeviceCursorDoc, 'heldBy' | 'expiresAt'>> & Pick<DeviceCursorDoc, 'client'>

/** Device and framing of clients that cannot be told apart. */
export type CursorPlace = Pick<DeviceCursorDoc, 'userId' | 'device' | 'framing'>

/** Positions of a cursor. */
export type CursorPositions = Pick<DeviceCursorDoc, 'account' | 'conversations'>

const FREE: Filter<DeviceCursorDoc> = { heldBy: { $exists: false }, isTaken: { $exists: false } }

function held(holder: CursorHolder): UpdateFilter<DeviceCursorDoc> {
  return { $set: holder, $unset: { releasedAt: true, isCopied: true, isTaken: true } }
}

/** The delivery cursors of devices, one for each client there: a device may have several, such as the tabs of a browser. */
export class DeviceCursorStore {
  static readonly indexes: IndexDescription[] = [
    { key: { userId: 1, device: 1 } }, // find, hasOthers, dropTakenUnlessFree
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

  /** Holds a cursor that is free. @returns it, or null when another was faster */
  async hold(_id: ObjectId, holder: CursorHolder): Promise<DeviceCursorDoc | null> {
    return await this.#cursors.findOneAndUpdate({ _id, ...FREE }, held(holder), { returnDocument: 'after' })
  }

  /** Holds the cursor of a client that has named itself, whoever holds it. @returns null when it is gone */
  async takeOver(_id: ObjectId, holder: CursorHolder): Promise<DeviceCursorDoc | null> {
    return await this.#cursors.findOneAndUpdate({ _id }, held(holder), { returnDocument: 'after' })
  }

  /** Marks a free cursor as taken. @returns false when another was faster */
  async take(_id: ObjectId, expiresAt: Date): Promise<boolean> {
    const { matchedCount } = await this.#cursors.updateOne({ _id, ...FREE }, { $set: { isTaken: true, expiresAt } })
    return matchedCount > 0
  }

  /** Takes away the cursors that are taken and whose clients do not name themselves, unless one is free there. */
  async dropTakenUnlessFree(place: CursorPlace): Promise<void> {
    const free = await this.#cursors.findOne({ ...place, ...FREE }, { projection: { _id: 1 } })
    if (free === null) await this.#cursors.deleteMany({ ...place, isTaken: true, client: { $exists: false } })
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
