import type { Collection, Db, IndexDescription, MongoClient, ObjectId } from 'mongodb'
import type { FileKind, FileVariant } from '../../protocol/media/entities.ts'
import type { ConversationDoc, MessageDoc } from '../store/documents.ts'
import { pictureOf } from '../store/pictures.ts'

/** Smaller picture of a file. */
export interface VariantDoc {
  readonly mimeType: string
  readonly bytes: number
}

/** A file that somebody has uploaded. */
export interface FileDoc {
  _id: ObjectId
  ownerId: ObjectId
  /** `stored` once all its bytes are there; `removing` when nobody uses it. */
  state: 'storing' | 'stored' | 'removing'
  kind: FileKind
  name: string
  mimeType: string
  /** Of the original, as it is kept. */
  bytes: number
  /** SHA-256 of it, base64url. */
  hash: string
  variants: { [name in Exclude<FileVariant, 'original'>]?: VariantDoc }
  thumbhash?: string
  width?: number
  height?: number
  durationSeconds?: number
  /** Loudness over time, where the server has heard it. */
  waveform?: number[]
  createdAt: Date
  /** Moment until which it stays, whether a message has it or not: a scheduled one will. */
  heldUntil?: Date
  /** Time to look whether anybody uses it; absent while somebody is known to. */
  checkAt?: Date
}

/** Message that has a file, as far as it must be known who sees it. */
export type FileUse = Pick<MessageDoc, '_id' | 'seq' | 'hiddenFor'>

/** Bytes of all files of one person. */
interface UsageDoc {
  _id: ObjectId
  bytes: number
}

/** Messages of one conversation with the same file that are looked at. */
const MAX_USES = 100

/** Files, and how much of the quota of each person they take: written together or not at all. */
export class FileStore {
  static readonly indexes: Record<string, IndexDescription[]> = {
    files: [
      { key: { checkAt: 1 }, sparse: true } // due
    ],
    fileUsage: []
  }

  readonly #client: MongoClient
  readonly #files: Collection<FileDoc>
  readonly #usage: Collection<UsageDoc>
  readonly #messages: Collection<MessageDoc>
  readonly #users: Collection<Pick<ConversationDoc, '_id' | 'avatarUrl'>>
  readonly #conversations: Collection<ConversationDoc>

  constructor(client: MongoClient, db: Db) {
    this.#client = client
    this.#files = db.collection('files')
    this.#usage = db.collection('fileUsage')
    this.#messages = db.collection('messages')
    this.#users = db.collection('users')
    this.#conversations = db.collection('conversations')
  }

  /** Adds a file within the quota of its owner. @returns false when it is beyond it */
  async insert(file: FileDoc, quota: number): Promise<boolean> {
    const { ownerId: _id } = file
    const bytes = bytesOf(file)
    if (bytes > quota) return false
    // Not in the transaction: two first files at once would conflict.
    await this.#usage.updateOne({ _id }, { $setOnInsert: { bytes: 0 } }, { upsert: true })
    return await this.#client.withSession(
      async session =>
        await session.withTransaction(async () => {
          const filter = { _id, bytes: { $lte: quota - bytes } }
          const { matchedCount } = await this.#usage.updateOne(filter, { $inc: { bytes } }, { session })
          if (matchedCount === 0) return false
          await this.#files.insertOne(file, { session })
          return true
        })
    )
  }

  /** Lets a file be looked at from a moment on. */
  async lookAt(_id: ObjectId, checkAt: Date): Promise<void> {
    await this.#files.updateOne({ _id }, { $set: { checkAt } })
  }

  /** Says that all bytes of a file are stored. */
  async finish(_id: ObjectId): Promise<void> {
    await this.#files.updateOne({ _id, state: 'storing' }, { $set: { state: 'stored' } })
  }

  /** Finds the files among these that can be read, in no order. */
  async findStored(ids: readonly ObjectId[]): Promise<FileDoc[]> {
    return await this.#files.find({ _id: { $in: [...ids] }, state: 'stored' }).toArray()
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

  /** Removes a file, and gives its owner the room back. */
  async remove(file: FileDoc): Promise<void> {
    await this.#client.withSession(
      async session =>
        await session.withTransaction(async () => {
          const { deletedCount } = await this.#files.deleteOne({ _id: file._id, state: 'removing' }, { session })
          if (deletedCount === 0) return
          await this.#usage.updateOne({ _id: file.ownerId }, { $inc: { bytes: -bytesOf(file) } }, { session })
        })
    )
  }

  /** Messages of a conversation that have a file and are not over, newest first; the last hundred of them. */
  async findUses(conversationId: ObjectId, fileId: ObjectId, now: Date): Promise<FileUse[]> {
    const filter = { 'attachments.fileId': fileId, conversationId, $nor: [{ expiresAt: { $lte: now } }] }
    return await this.#messages
      .find(filter, { projection: { seq: 1, hiddenFor: 1 } })
      .sort({ seq: -1 })
      .limit(MAX_USES)
      .toArray()
  }

  /** Whether a message anywhere has a file, or somebody or a group as its picture. */
  async isUsed(fileId: ObjectId): Promise<boolean> {
    const projection = { _id: 1 }
    const avatarUrl = pictureOf(fileId)
    return (
      (await this.#messages.findOne({ 'attachments.fileId': fileId }, { projection })) !== null ||
      (await this.#users.findOne({ avatarUrl }, { projection })) !== null ||
      (await this.#conversations.findOne({ avatarUrl, memberCount: { $gt: 0 } }, { projection })) !== null
    )
  }

  /** Whether a file is the picture of a person. */
  async isProfilePicture(fileId: ObjectId, _id: ObjectId): Promise<boolean> {
    const filter = { _id, avatarUrl: pictureOf(fileId) }
    return (await this.#users.findOne(filter, { projection: { _id: 1 } })) !== null
  }

  /** Whether a file is the picture of a group that has not ended. */
  async isGroupPicture(fileId: ObjectId, _id: ObjectId): Promise<boolean> {
    const filter = { _id, avatarUrl: pictureOf(fileId), memberCount: { $gt: 0 } }
    return (await this.#conversations.findOne(filter, { projection: { _id: 1 } })) !== null
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
