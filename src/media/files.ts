import { stat } from 'node:fs/promises'
import { bareId } from '../../protocol/ids.ts'
import type { File } from '../../protocol/media/entities.ts'
import type { Actor } from '../actor.ts'
import type { Config } from '../config/config.ts'
import type { FormPart } from '../contract/route.ts'
import type { DatabaseClock } from '../database/index.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { fileId as presentId } from '../ids.ts'
import { FairGate } from '../limits/fair-gate.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { FileLinks } from '../present/file-links.ts'
import type { AttachmentDoc } from '../store/documents.ts'
import { noSuchFile } from '../store/missing.ts'
import type { FileAccess } from './access.ts'
import { type ContentType, contentTypeOf } from './content-type.ts'
import { readPicture } from './pictures.ts'
import { hashOf, MEBIBYTE, plainName, receive, type Staging } from './receive.ts'
import type { Recordings } from './recordings/recordings.ts'
import type { Scanner } from './scanner.ts'
import type { BlobStore } from './storage/index.ts'
import { type FileDoc, type FileStore, keyOf } from './store.ts'

/** Time in which an upload must be used, ms. */
const UNUSED_MS = 86_400_000
/** Uploads at once, of everybody. */
const UPLOADS = 64

interface FileServiceDeps {
  readonly store: { readonly files: FileStore }
  readonly storage: BlobStore
  readonly staging: Staging
  readonly access: FileAccess
  readonly links: FileLinks
  readonly clock: DatabaseClock
  readonly config: Pick<Config, 'limits'>
  readonly recordings: Recordings
  readonly scanner: Scanner | undefined
}

/** Files: receiving them, and bringing them into messages. */
export class FileService {
  readonly #deps: FileServiceDeps
  readonly #gate: FairGate

  constructor(deps: FileServiceDeps) {
    this.#deps = deps
    const widthEach = deps.config.limits.uploadsAtOnce
    this.#gate = new FairGate({ width: UPLOADS, widthEach, maxWaiting: 1_000, maxWaitingEach: 20 })
  }

  /**
   * Keeps the file of a form for its owner, once the whole form is there, its parts in whichever order they come. What
   * nobody has used after a day is removed.
   * @param readFields reads the other fields, and throws for what is not taken; nothing is kept then
   * @throws {AppError} `too_large`, `invalid`, `bad_frame`, `quota_reached`, `busy` where there is no room
   */
  async upload<Fields>(
    actor: Actor,
    form: AsyncIterable<FormPart>,
    readFields: (fields: Readonly<Record<string, string>>) => Fields
  ): Promise<{ file: File; fields: Fields }> {
    const { staging, config } = this.#deps
    return await this.#gate.run(
      { party: actor.userId },
      async () =>
        await staging.within(async path => {
          const texts: Record<string, string> = {}
          let fileName: string | undefined
          for await (const part of form) {
            if (part.bytes === undefined) texts[part.name] = part.value
            else {
              await receive(part.bytes, path, config.limits.fileMebibytes)
              fileName = plainName(part.fileName)
            }
          }
          if (fileName === undefined) throw new AppError('invalid', 'There is no file in the form')
          const fields = readFields(texts)
          return { file: await this.#keep(actor, path, fileName), fields }
        })
    )
  }

  /** @throws {AppError} `not_found` for what is missing, or somebody else's */
  async find(actor: Actor, id: string): Promise<File> {
    const [file] = await this.#deps.store.files.findStored([new ObjectId(bareId(id))])
    if (file?.ownerId.equals(actor.userId) !== true) throw noSuchFile()
    return this.#present(file)
  }

  /**
   * Attachments as they are stored: of those that are addresses of this server the server says what they are. Those of
   * a message that is forwarded name their file already.
   * @param until moment until which their files stay though no message has them; now unless told
   * @throws {AppError} `not_found` for files that the actor may not read
   */
  async attach(actor: Actor, attachments: readonly AttachmentDoc[], until?: Date): Promise<AttachmentDoc[]> {
    const { links, store, access, clock } = this.#deps
    const ids = attachments.map(({ url, fileId }) => fileId?.toHexString() ?? (url && links.fileIdIn(url)))
    const wanted = [...new Set(ids.flatMap(id => id ?? []))].map(id => new ObjectId(id))
    if (wanted.length === 0) return [...attachments]
    // Before they are read: from here on they are not removed before the message is there.
    await store.files.hold(wanted, new Date(clock.now() + UNUSED_MS))
    const files = new Map((await store.files.findStored(wanted)).map(file => [file._id.toHexString(), file]))
    if (files.size < wanted.length) throw noSuchFile()
    for (const [index, { url }] of attachments.entries()) {
      const file = files.get(ids[index] ?? '')
      if (file !== undefined && url !== undefined) await access.require(actor, file, url)
    }
    if (until !== undefined) await store.files.keepUntil(wanted, new Date(until.getTime() + UNUSED_MS))
    return attachments.map((attachment, index) => {
      const file = files.get(ids[index] ?? '')
      return file === undefined || attachment.fileId !== undefined ? attachment : attachmentOf(attachment, file)
    })
  }

  async #keep(actor: Actor, path: string, name: string): Promise<File> {
    // Before anything else reads it.
    await this.#deps.scanner?.require(path, actor.userId)
    const type = await contentTypeOf(path)
    const { paths, ...facts } = await this.#factsOf(path, type, actor.userId)
    const file: FileDoc = {
      _id: new ObjectId(),
      ownerId: new ObjectId(actor.userId),
      state: 'storing',
      ...type,
      name,
      ...facts,
      ...(await sizeOf(paths.original)),
      ...this.#times()
    }
    await this.#store(file, paths)
    return this.#present(file)
  }

  /** @throws {AppError} as `readPicture` */
  async #factsOf(path: string, { kind }: ContentType, ownerId: string) {
    if (kind === 'image') return await readPicture(path, ownerId)
    const facts = kind === 'file' ? {} : await this.#deps.recordings.read(path, ownerId)
    return { ...facts, variants: {}, paths: { original: path } }
  }

  /** The row first: of what it names, everything is found and removed again when the server dies. */
  async #store(file: FileDoc, paths: { readonly [variant in keyof FileDoc['variants'] | 'original']?: string }) {
    const { store, storage, config } = this.#deps
    const quota = config.limits.filesPerUserMebibytes * MEBIBYTE
    if (!(await store.files.insert(file, quota))) throw new AppError('quota_reached', 'There is no room for more files')
    try {
      for (const variant of ['original', 'preview', 'thumbnail'] as const) {
        const [path, about] = [paths[variant], variant === 'original' ? file : file.variants[variant]]
        if (path !== undefined && about !== undefined) await storage.put(keyOf(file._id, variant), path, about.mimeType)
      }
      await store.files.finish(file._id)
    } catch (error) {
      await store.files.lookAt(file._id, file.createdAt).catch(() => undefined)
      throw error
    }
  }

  #times(): Pick<FileDoc, 'createdAt' | 'checkAt'> {
    const now = this.#deps.clock.now()
    return { createdAt: new Date(now), checkAt: new Date(now + UNUSED_MS) }
  }

  #present({ _id, kind, name, bytes, mimeType, ownerId, variants, createdAt, ...file }: FileDoc): File {
    const { links } = this.#deps
    const holder = { userId: ownerId.toHexString() }
    const id = _id.toHexString()
    const { thumbhash, width, height, durationSeconds, waveform } = file
    return {
      ...{ id: presentId(_id), type: kind, fileName: name, fileSize: bytes, mimeType },
      url: links.to(id, 'original', holder),
      ...omitUndefined({
        previewUrl: variants.preview && links.to(id, 'preview', holder),
        thumbnailUrl: variants.thumbnail && links.to(id, 'thumbnail', holder),
        ...{ thumbhash, width, height, durationSeconds, waveform }
      }),
      createdAt: createdAt.toISOString()
    }
  }
}

async function sizeOf(path: string): Promise<Pick<FileDoc, 'bytes' | 'hash'>> {
  return { bytes: (await stat(path)).size, hash: await hashOf(path) }
}

/** Attachment of a file: the server's knowledge of it goes before what the client says. */
function attachmentOf({ type, durationSeconds, waveform }: AttachmentDoc, file: FileDoc): AttachmentDoc {
  const { kind, name, bytes, mimeType, width, height, thumbhash, variants } = file
  const isVoice = type === 'voice' && (kind === 'audio' || kind === 'video')
  if (type !== 'file' && type !== kind && !isVoice) throw new AppError('invalid', `The file is no ${type}`)
  const isSound = kind === 'audio' || isVoice
  return {
    type,
    fileId: file._id,
    ...{ fileName: name, fileSize: bytes, mimeType },
    hasPictures: variants.thumbnail !== undefined,
    ...omitUndefined({ width, height, thumbhash, waveform: isSound ? (file.waveform ?? waveform) : undefined }),
    ...omitUndefined({
      durationSeconds: file.durationSeconds ?? (isSound || kind === 'video' ? durationSeconds : undefined)
    })
  }
}
