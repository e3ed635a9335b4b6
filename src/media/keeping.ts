import { stat } from 'node:fs/promises'
import type { File } from '../../protocol/media/entities.ts'
import type { Config } from '../config/config.ts'
import type { DatabaseClock } from '../database/index.ts'
import { AppError } from '../errors.ts'
import { fileId as presentId } from '../ids.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { FileLinks } from '../present/file-links.ts'
import { type ContentType, contentTypeOf } from './content-type.ts'
import { readPicture } from './pictures.ts'
import { MEBIBYTE } from './receive.ts'
import type { Recordings } from './recordings/recordings.ts'
import type { Scanner } from './scanner.ts'
import type { BlobStore } from './storage/index.ts'
import { type FileDoc, type FileStore, keyOf } from './store.ts'

/** Time in which an upload must be used, ms. */
export const UNUSED_MS = 86_400_000

/** Facts that its bytes tell of a file. */
type Facts = Pick<
  FileDoc,
  'kind' | 'mimeType' | 'bytes' | 'variants' | 'thumbhash' | 'width' | 'height' | 'durationSeconds' | 'waveform'
>

/** Files of this machine with the forms of a file that are kept. */
type Paths = { readonly [variant in keyof FileDoc['variants'] | 'original']?: string }

interface FileKeepingDeps {
  readonly store: { readonly files: FileStore }
  readonly storage: BlobStore
  readonly recordings: Recordings
  readonly scanner: Scanner | undefined
  readonly links: FileLinks
  readonly clock: DatabaseClock
  readonly config: Pick<Config, 'limits'>
}

/** Keeping files whose bytes are all there, whichever way they came. */
export class FileKeeping {
  readonly #deps: FileKeepingDeps

  constructor(deps: FileKeepingDeps) {
    this.#deps = deps
  }

  /** Room for all files of one person, bytes. */
  get quota(): number {
    return this.#deps.config.limits.filesPerUserMebibytes * MEBIBYTE
  }

  /** Facts of a file, and the forms that are kept of it, beside it. @throws {AppError} as `readPicture` */
  async examine(path: string, ownerId: string): Promise<{ facts: Facts; paths: Paths }> {
    await this.scan(path, ownerId)
    const type = await contentTypeOf(path)
    const { paths, ...facts } = await this.#factsOf(path, type, ownerId)
    return { facts: { ...type, ...facts, bytes: (await stat(paths.original)).size }, paths }
  }

  /** Has the scanner look at a file, before anything else reads it. @throws {AppError} `invalid`, `busy`, `too_large` */
  async scan(path: string, ownerId: string): Promise<void> {
    await this.#deps.scanner?.require(path, ownerId)
  }

  /** @throws {AppError} as `readPicture` */
  async #factsOf(path: string, { kind }: ContentType, ownerId: string) {
    if (kind === 'image') return await readPicture(path, ownerId)
    const facts = kind === 'file' ? {} : await this.#deps.recordings.read(path, ownerId)
    return { ...facts, variants: {}, paths: { original: path } }
  }

  /**
   * Keeps a new file. The row goes first: by what it names everything is found and removed again when the server dies.
   * @param quota room for all files of its owner, bytes
   * @throws {AppError} `quota_reached`, `busy`
   */
  async add(file: FileDoc, paths: Paths, quota = this.quota): Promise<void> {
    const { files } = this.#deps.store
    if (!(await files.insert(file, quota))) throw new AppError('quota_reached', 'There is no room for more files')
    try {
      await this.put(file, paths)
    } catch (error) {
      await files.lookAt(file._id, file.createdAt).catch(() => undefined)
      throw error
    }
  }

  /** Stores the bytes of a file whose row is there. */
  async put(file: FileDoc, paths: Paths): Promise<void> {
    const { store, storage } = this.#deps
    for (const variant of ['original', 'preview', 'thumbnail'] as const) {
      const [path, about] = [paths[variant], variant === 'original' ? file : file.variants[variant]]
      if (path !== undefined && about !== undefined) await storage.put(keyOf(file._id, variant), path, about.mimeType)
    }
    await store.files.finish(file._id)
  }

  times(): Required<Pick<FileDoc, 'createdAt' | 'checkAt'>> {
    const now = this.#deps.clock.now()
    return { createdAt: new Date(now), checkAt: new Date(now + UNUSED_MS) }
  }

  /** The file as its owner sees it. */
  present({ _id, kind, name, bytes, mimeType, ownerId, variants, createdAt, ...file }: FileDoc): File {
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
