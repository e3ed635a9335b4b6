import type { Collection, Db, ObjectId } from 'mongodb'
import { Batcher } from '../../limits/batcher.ts'
import { boundedMap } from '../../limits/bounded-map.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { ConversationDoc, MessageDoc } from '../../store/documents.ts'
import { pictureOf } from '../../store/pictures.ts'

/** Message that has a file, as far as it must be known who sees it. */
export type FileUse = Pick<MessageDoc, '_id' | 'seq' | 'hiddenFor'>

/** Messages of one conversation with the same file that are looked at. */
const MAX_USES = 100
/** Questions for uses of files that are answered together, and the time in which they gather where there are many, ms. */
const READ_TOGETHER = 100
const GATHER_MS = 4
/** Files with many uses that are known, and for how long, ms. */
const MAX_CROWDED = 10_000
const CROWDED_MS = 600_000
/** Uses that one read of several files may find; where there are more, each file is read by itself. */
const MAX_USES_TOGETHER = 1_000

/** Question which messages of a conversation have a file, and are not over at a moment. */
interface Use {
  readonly conversationId: ObjectId
  readonly fileId: ObjectId
  readonly now: Date
}

const keyOf = ({ conversationId, fileId }: Pick<Use, 'conversationId' | 'fileId'>) => `${conversationId} ${fileId}`

type FoundUse = FileUse & Pick<MessageDoc, 'conversationId' | 'attachments' | 'preview'>

const FILES = { 'attachments.fileId': 1, 'preview.picture.fileId': 1 } as const
const USE = { conversationId: 1, seq: 1, hiddenFor: 1, ...FILES } as const
const ID = { projection: { _id: 1 } } as const

/** Uses of files: the messages that have them, themselves or in their preview, and the pictures of people and groups. */
export class FileUses {
  readonly #messages: Collection<MessageDoc>
  readonly #users: Collection<Pick<ConversationDoc, '_id' | 'avatarUrl'>>
  readonly #conversations: Collection<ConversationDoc>
  readonly #reads = new Batcher<Use, readonly FileUse[]>(async uses => await this.#readAll(uses), READ_TOGETHER, {
    gatherMs: GATHER_MS
  })
  /** Uses that are so many that they are read by themselves: they would keep all others waiting. */
  readonly #crowded = boundedMap<true>(MAX_CROWDED, { ttl: CROWDED_MS })

  constructor(db: Db) {
    this.#messages = db.collection('messages')
    this.#users = db.collection('users')
    this.#conversations = db.collection('conversations')
  }

  /**
   * Messages of a conversation that have a file and are not over; of more than a hundred not all. Those that are asked
   * for at the same time are read together.
   */
  async find(conversationId: ObjectId, fileId: ObjectId, now: Date): Promise<readonly FileUse[]> {
    const use = { conversationId, fileId, now }
    return this.#crowded.has(keyOf(use)) ? await this.#newest(use) : await this.#reads.add(use)
  }

  /** Whether a message anywhere has a file, or somebody or a group as its picture. */
  async isUsed(fileId: ObjectId): Promise<boolean> {
    const avatarUrl = pictureOf(fileId)
    return (
      (await this.#messages.findOne(usesOf(fileId, {}), ID)) !== null ||
      (await this.#users.findOne({ avatarUrl }, ID)) !== null ||
      (await this.#conversations.findOne({ avatarUrl, memberCount: { $gt: 0 } }, ID)) !== null
    )
  }

  /** Whether a file is the picture of a person. */
  async isProfilePicture(fileId: ObjectId, _id: ObjectId): Promise<boolean> {
    return (await this.#users.findOne({ _id, avatarUrl: pictureOf(fileId) }, ID)) !== null
  }

  /** Whether a file is the picture of a group that has not ended. */
  async isGroupPicture(fileId: ObjectId, _id: ObjectId): Promise<boolean> {
    const filter = { _id, avatarUrl: pictureOf(fileId), memberCount: { $gt: 0 } }
    return (await this.#conversations.findOne(filter, ID)) !== null
  }

  async #readAll(uses: readonly Use[]): Promise<(readonly FileUse[])[]> {
    const found = await this.#findAll(uses, MAX_USES_TOGETHER + 1)
    if (found.length > MAX_USES_TOGETHER) return await Promise.all(uses.map(async use => await this.#readAlone(use)))
    const byUse = new Map<string, FileUse[]>()
    for (const message of found) {
      for (const fileId of filesOf(message)) {
        const key = keyOf({ conversationId: message.conversationId, fileId })
        byUse.set(key, [...(byUse.get(key) ?? []), message])
      }
    }
    return uses.map(use => byUse.get(keyOf(use)) ?? [])
  }

  async #readAlone(use: Use): Promise<FileUse[]> {
    const found = await this.#newest(use)
    if (found.length === MAX_USES) this.#crowded.set(keyOf(use), true)
    return found
  }

  async #newest(use: Use): Promise<FileUse[]> {
    return await this.#findAll([use], MAX_USES, { seq: -1 })
  }

  /** Messages that have one of these files in one of these conversations. */
  async #findAll(uses: readonly Use[], limit: number, sort?: { readonly seq: -1 }): Promise<FoundUse[]> {
    const place = { conversationId: { $in: uses.map(({ conversationId }) => conversationId) } }
    const files = { $in: uses.map(({ fileId }) => fileId) }
    const now = new Date(Math.max(...uses.map(use => use.now.getTime())))
    const filter = { ...usesOf(files, place), $nor: [{ expiresAt: { $lte: now } }] }
    const options = { projection: USE, limit, batchSize: limit + 1, ...omitUndefined({ sort }) }
    return await this.#messages.find<FoundUse>(filter, options).toArray()
  }
}

/** Files of a message and of its preview. */
function filesOf({ attachments = [], preview }: FoundUse): ObjectId[] {
  return [...attachments, ...(preview?.picture === undefined ? [] : [preview.picture])].flatMap(it => it.fileId ?? [])
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
