import type { ClientSession, Collection, Db, IndexDescription, MongoClient, ObjectId } from 'mongodb'
import type { FileKind, FileVariant } from '../../protocol/media/entities.ts'

/** Smaller picture of a file. */
export interface VariantDoc {
  readonly mimeType: string
  readonly bytes: number
}

/** A file that is sent in pieces, as its client began it. */
export interface UploadDoc {
  /** Bytes that were announced; of the file other ones may be kept. */
  readonly length: number
  /** Metadata that the client is told again, as tus writes them. */
  readonly metadata?: string
}

/** A file that somebody has uploaded, or that the server has fetched. */
export interface FileDoc {
  _id: ObjectId
  /** Its owner; nobody's id, all zeros, of what the server has fetched. */
  ownerId: ObjectId
  /**
   * `receiving` while it comes in pieces: its bytes are those that were announced, so that there is room for them;
   * `stored` once all its bytes are there; `removing` when nobody uses it.
   */
  state: 'receiving' | 'storing' | 'stored' | 'removing'
  /** Absent of a file that came in one form. */
  upload?: UploadDoc
  kind: FileKind
  name: string
  mimeType: string
  /** Of the original, as it is kept. */
  bytes: number
  variants: { [name in Exclude<FileVariant, 'original'>]?: VariantDoc }
  thumbhash?: string
  width?: number
  height?: number
  durationSeconds?: number
  /** Conversation whose member its owner must be to read it: the server has made it of what they see there. */
  conversationId?: ObjectId
  /** Loudness over time, where the server has heard it. */
  waveform?: number[]
  createdAt: Date
  /** Moment until which it stays, whether a message has it or not: a scheduled one will. */
  heldUntil?: Date
  /** Time to look whether anybody uses it; absent while somebody is known to. */
  checkAt?: Date
}

/** A file that came, or comes, in pieces. */
export type SentFileDoc = FileDoc & { readonly upload: UploadDoc }

/** Bytes of all files of one person. */
interface UsageDoc {
  _id: ObjectId
  bytes: number
}

/** Files, and how much of the quota of each person they take: written together or not at all. */
export class FileStore {
  static readonly indexes: Record<string, IndexDescription[]> = {
    files: [
      { key: { checkAt: 1 }, sparse: true }, // due
      { key: { ownerId: 1 }, partialFilterExpression: { state: 'receiving' } } // uploads of a person
    ],
    fileUsage: []
  }

  readonly #client: MongoClient
  readonly #files: Collection<FileDoc>
  readonly #usage: Collection<UsageDoc>

  constructor(client: MongoClient, db: Db) {
    this.#client = client
    this.#files = db.collection('files')
    this.#usage = db.collection('fileUsage')
  }

  /**
   * Adds a file within the quota of its owner, and within so many that are to be received.
   * @returns false when it is beyond one of them
   */
  async insert(file: FileDoc, quota: number, maxReceiving = Number.MAX_SAFE_INTEGER): Promise<boolean> {
    const { ownerId: _id } = file
    const bytes = bytesOf(file)
    if (bytes > quota) return false
    // Not in the transaction: two first files at once would conflict.
    await this.#usage.updateOne({ _id }, { $setOnInsert: { bytes: 0 } }, { upsert: true })
    return await this.#client.withSession(
      async session =>
        await session.withTransaction(async () => {
          // Those who insert for one person meet at the usage, so that nobody counts past another.
          if (file.state === 'receiving' && (await this.#countReceiving(_id, session)) >= maxReceiving) return false
          const filter = { _id, bytes: { $lte: quota - bytes } }
          const { matchedCount } = await this.#usage.updateOne(filter, { $inc: { bytes } }, { session })
          if (matchedCount === 0) return false
          await this.#files.insertOne(file, { session })
          return true
        })
    )
  }

  async #countReceiving(ownerId: ObjectId, session: ClientSession): Promise<number> {
    return await this.#files.countDocuments({ ownerId, state: 'receiving' }, { session })
  }

  /** Finds a file that its owner sends, or has sent, in pieces. */
  async findUpload(_id: ObjectId, ownerId: ObjectId): Promise<SentFileDoc | null> {
    return await this.#files.findOne<SentFileDoc>({ _id, ownerId, upload: { $exists: true } })
  }

  /**
   * Puts what a file turns out to be in the place of what was announced, and lets it take the room that it needs.
   * @returns false when that is beyond the quota of its owner, `undefined` when the file is no more as it was
   */
  async settle(before: FileDoc, file: FileDoc, quota: number): Promise<boolean | undefined> {
    const { _id, state, checkAt, ownerId } = before
    if (checkAt === undefined) return undefined
    const more = bytesOf(file) - bytesOf(before)
    return await this.#client.withSession(
      async session =>
        await session.withTransaction(async () => {
          const room = more > 0 ? { bytes: { $lte: quota - more } } : {}
          const used = await this.#usage.updateOne({ _id: ownerId, ...room }, { $inc: { bytes: more } }, { session })
          if (used.matchedCount === 0) return false
          const { matchedCount } = await this.#files.replaceOne({ _id, state, checkAt }, file, { session })
          if (matchedCount === 1) return true
          await session.abortTransaction()
          return undefined
        })
    )
  }

  /** Lets a file be looked at from a moment on. */
  async lookAt(_id: ObjectId, checkAt: Date): Promise<void> {
    await this.#files.updateOne({ _id }, { $set: { checkAt } })
  }

  /** Lets nobody read a file from now on, and has it be removed. */
  async discard(_id: ObjectId, checkAt: Date): Promise<void> {
    await this.#files.updateOne({ _id }, { $set: { state: 'removing', checkAt }, $unset: { heldUntil: true } })
  }

  /** Says that all bytes of a file are stored. */
  async finish(_id: ObjectId): Promise<void> {
    await this.#files.updateOne({ _id, state: 'storing' }, { $set: { state: 'stored' } })
  }

  /** Finds the files among these that can be read, in no order. */
  async findStored(ids: readonly ObjectId[]): Promise<FileDoc[]> {
    return await this.#files.find({ _id: { $in: [...ids] }, state: 'stored' }).toArray()
  }

  /** Ids of the files among these that are still being received or stored. */
  async findUnfinished(ids: readonly ObjectId[]): Promise<ObjectId[]> {
    const filter = { _id: { $in: [...ids] }, state: { $in: ['receiving', 'storing'] satisfies FileDoc['state'][] } }
    const found = await this.#files.find(filter, { projection: { _id: 1 }, batchSize: ids.length + 1 }).toArray()
    return found.map(({ _id }) => _id)
  }

  /** Whether a file can still be read. */
  async isStored(_id: ObjectId): Promise<boolean> {
    return (await this.#files.findOne({ _id, state: 'stored' }, { projection: { _id: 1 } })) !== null
  }

  /** Puts off the next look at files that are about to be used: those that are found after it are there until then. */
  async hold(ids: readonly ObjectId[], until: Date): Promise<void> {
    const filter = { _id: { $in: [...ids] }, state: 'stored' as const, checkAt: { $exists: true } }
    await this.#files.updateMany(filter, { $max: { checkAt: until } })
  }

  /** Lets files stay until a moment, whether a message has them or not. */
  async keepUntil(ids: readonly ObjectId[], moment: Date): Promise<void> {
    const filter = { _id: { $in: [...ids] }, state: 'stored' as const }
    await this.#files.updateMany(filter, { $max: { heldUntil: moment } })
  }

  /** Finds files that are due to be looked at, the longest due first. */
  async findDue(now: Date, limit: number): Promise<FileDoc[]> {
    return await this.#files
      .find({ checkAt: { $lte: now }, $nor: [{ heldUntil: { $gt: now } }] })
      .sort({ checkAt: 1 })
      .limit(limit)
      .toArray()
  }

  /** Keeps a file from being used from now on. @returns false when it has been taken since it was found */
  async beginRemoval({ _id, checkAt, heldUntil }: FileDoc): Promise<boolean> {
    if (checkAt === undefined) return false
    const filter = { _id, checkAt, heldUntil: heldUntil ?? { $exists: false } }
    return (await this.#files.updateOne(filter, { $set: { state: 'removing' } })).matchedCount === 1
  }

  /** Takes a removal back: somebody uses the file. Who has let go of it since then is heard at the next look. */
  async keep({ _id, checkAt }: FileDoc): Promise<void> {
    const [filter, $set] = [{ _id, state: 'removing' as const }, { state: 'stored' as const }]
    if (checkAt === undefined) return
    const { matchedCount } = await this.#files.updateOne({ ...filter, checkAt }, { $set, $unset: { checkAt: true } })
    if (matchedCount === 0) await this.#files.updateOne(filter, { $set })
  }

  /** Removes a file in this state, and gives its owner the room back. @returns false when there is none */
  async remove(file: FileDoc, state: 'receiving' | 'removing' = 'removing'): Promise<boolean> {
    return await this.#client.withSession(
      async session =>
        await session.withTransaction(async () => {
          const { deletedCount } = await this.#files.deleteOne({ _id: file._id, state }, { session })
          if (deletedCount === 0) return false
          await this.#usage.updateOne({ _id: file.ownerId }, { $inc: { bytes: -bytesOf(file) } }, { session })
          return true
        })
    )
  }

  /** Bytes of all files of a person. */
  async usageOf(_id: ObjectId): Promise<number> {
    return (await this.#usage.findOne({ _id }))?.bytes ?? 0
  }
}

/** Bytes of a file in all its forms. */
function bytesOf({ bytes, variants }: FileDoc): number {
  return Object.values(variants).reduce((sum, variant) => sum + variant.bytes, bytes)
}

/** Keys of the bytes of a file. */
export function keysOf({ _id, variants }: Pick<FileDoc, '_id' | 'variants'>): string[] {
  return ['original' as const, ...(Object.keys(variants) as FileVariant[])].map(variant => keyOf(_id, variant))
}

/** Key of the bytes of a form of a file. */
export function keyOf(id: ObjectId, variant: FileVariant): string {
  return `${id.toHexString()}-${variant}`
}
