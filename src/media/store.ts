import type { ClientSession, Collection, Db, IndexDescription, MongoClient, ObjectId } from 'mongodb'
import type { FileKind, FileVariant } from '../../protocol/media/entities.ts'
import { Batcher } from '../limits/batcher.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { MessageDoc } from '../store/documents.ts'

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
  createdAt: Date
  /** Moment until which it stays, whether a message has it or not: a scheduled one will. */
  heldUntil?: Date
  /** Time to look whether anybody uses it; absent while somebody is known to. */
  checkAt?: Date
}

/** A file that came, or comes, in pieces. */
export type SentFileDoc = FileDoc & { readonly upload: UploadDoc }

/** Message that has a file, as far as it must be known who sees it. */
export type FileUse = Pick<MessageDoc, '_id' | 'seq' | 'hiddenFor'>

/** Bytes of all files of one person. */
interface UsageDoc {
  _id: ObjectId
  bytes: number
}

/** Messages of one conversation with the same file that are looked at. */
const MAX_USES = 100
/** Questions for uses of files that are answered together. */
const READ_TOGETHER = 100
/** Uses that one read of several files may find; where there are more, each file is read by itself. */
const MAX_USES_TOGETHER = 1_000

/** Question which messages of a conversation have a file, and are not over at a moment. */
interface Use {
  readonly conversationId: ObjectId
  readonly fileId: ObjectId
  readonly now: Date
}

type FoundUse = FileUse & Pick<MessageDoc, 'conversationId' | 'attachments' | 'preview'>

const FILES = { 'attachments.fileId': 1, 'preview.picture.fileId': 1 } as const
const USE = { conversationId: 1, seq: 1, hiddenFor: 1, ...FILES } as const

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
  readonly #messages: Collection<MessageDoc>
  readonly #useReads = new Batcher<Use, readonly FileUse[]>(async uses => await this.#readUses(uses), READ_TOGETHER)

  constructor(client: MongoClient, db: Db) {
    this.#client = client
    this.#files = db.collection('files')
    this.#usage = db.collection('fileUsage')
    this.#messages = db.collection('messages')
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

  /** Takes a removal back: somebody uses the file. */
  async keep(_id: ObjectId): Promise<void> {
    await this.#files.updateOne({ _id, state: 'removing' }, { $set: { state: 'stored' }, $unset: { checkAt: true } })
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

  /**
   * Messages of a conversation that have a file and are not over; of more than a hundred not all. Those that are asked
   * for at the same time are read together.
   */
  async findUses(conversationId: ObjectId, fileId: ObjectId, now: Date): Promise<readonly FileUse[]> {
    return await this.#useReads.add({ conversationId, fileId, now })
  }

  /** Whether a message anywhere has a file. */
  async isUsed(fileId: ObjectId): Promise<boolean> {
    return (await this.#messages.findOne(usesOf(fileId, {}), { projection: { _id: 1 } })) !== null
  }

  async #readUses(uses: readonly Use[]): Promise<(readonly FileUse[])[]> {
    const found = await this.#usesOf(uses, MAX_USES_TOGETHER + 1)
    if (found.length > MAX_USES_TOGETHER) return await Promise.all(uses.map(async use => await this.#newestUses(use)))
    const byUse = new Map<string, FileUse[]>()
    for (const { conversationId, attachments = [], preview, ...use } of found) {
      for (const { fileId } of [...attachments, ...(preview?.picture === undefined ? [] : [preview.picture])]) {
        const key = `${conversationId} ${fileId}`
        byUse.set(key, [...(byUse.get(key) ?? []), use])
      }
    }
    return uses.map(({ conversationId, fileId }) => byUse.get(`${conversationId} ${fileId}`) ?? [])
  }

  async #newestUses(use: Use): Promise<FileUse[]> {
    return await this.#usesOf([use], MAX_USES, { seq: -1 })
  }

  /** Messages that have one of these files in one of these conversations. */
  async #usesOf(uses: readonly Use[], limit: number, sort?: { readonly seq: -1 }): Promise<FoundUse[]> {
    const place = { conversationId: { $in: uses.map(({ conversationId }) => conversationId) } }
    const files = { $in: uses.map(({ fileId }) => fileId) }
    const filter = {
      ...usesOf(files, place),
      $nor: [{ expiresAt: { $lte: new Date(Math.max(...uses.map(({ now }) => now.getTime()))) } }]
    }
    const options = { projection: USE, limit, batchSize: limit + 1, ...omitUndefined({ sort }) }
    return await this.#messages.find<FoundUse>(filter, options).toArray()
  }

  /** Bytes of all files of a person. */
  async usageOf(_id: ObjectId): Promise<number> {
    return (await this.#usage.findOne({ _id }))?.bytes ?? 0
  }
}

/** Filter of the messages that have a file, themselves or in their preview. */
function usesOf<File, Place extends object>(fileId: File, place: Place) {
  return {
    $or: [
      { 'attachments.fileId': fileId, ...place },
      { 'preview.picture.fileId': fileId, ...place }
    ]
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
