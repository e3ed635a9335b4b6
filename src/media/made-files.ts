import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { Actor } from '../actor.ts'
import type { DatabaseClock } from '../database/index.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { noSuchFile } from '../store/missing.ts'
import type { FileKeeping } from './keeping.ts'
import { plainName, type Staging } from './receive.ts'
import type { BlobStore } from './storage/index.ts'
import { type FileDoc, type FileStore, keyOf } from './store.ts'

interface MadeFilesDeps {
  readonly store: { readonly files: FileStore }
  readonly storage: BlobStore
  readonly staging: Staging
  readonly keeping: FileKeeping
  readonly clock: DatabaseClock
}

/** Traits of a file that the server makes: its id, and the conversation whose member its owner must be to read it. */
export interface Made {
  readonly fileId: ObjectId
  readonly conversationId: ObjectId
  readonly fileName: string
  readonly mimeType: string
}

/** Files that the server makes for somebody of what they see: they count as theirs, and go after a day. */
export class MadeFiles {
  readonly #deps: MadeFilesDeps

  constructor(deps: MadeFilesDeps) {
    this.#deps = deps
  }

  /** Hands out a place for a file, and removes everything that begins with its name afterwards. @throws {AppError} `busy` where there is no room */
  async within<T>(work: (path: string) => Promise<T>): Promise<T> {
    return await this.#deps.staging.within(work)
  }

  /** Keeps a file of this machine for somebody, for a day. @throws {AppError} `quota_reached`, `busy` */
  async keep(
    { userId }: Pick<Actor, 'userId'>,
    path: string,
    { fileId: _id, conversationId, fileName, mimeType }: Made
  ): Promise<{ name: string; bytes: number }> {
    const { store, storage, keeping } = this.#deps
    const size = { bytes: (await stat(path)).size, variants: {} }
    const about = { kind: 'file' as const, name: plainName(fileName), mimeType, conversationId }
    const file: FileDoc = {
      ...{ _id, ownerId: new ObjectId(userId), state: 'storing', ...about, ...size },
      ...keeping.times()
    }
    await keeping.add(file, { original: path })
    if (!(await store.files.isStored(_id))) {
      // It was discarded meanwhile, maybe before its bytes were there.
      await storage.remove([keyOf(_id, 'original')])
      throw noSuchFile()
    }
    return { name: file.name, bytes: file.bytes }
  }

  /** The original of a file as it is stored; nothing where it is not there any more. */
  async open(fileId: ObjectId): Promise<{ name: string; bytes: Readable } | undefined> {
    const { store, storage } = this.#deps
    const [file] = await store.files.findStored([fileId])
    if (file === undefined) return undefined
    try {
      return { name: file.name, bytes: await storage.read(keyOf(fileId, 'original')) }
    } catch (error) {
      if (error instanceof AppError && error.code === 'not_found') return undefined
      throw error
    }
  }

  /** Takes a file from everybody at once; its bytes and its row go with the next look at unused files. */
  async discard(fileId: ObjectId): Promise<void> {
    await this.#deps.store.files.discard(fileId, new Date(this.#deps.clock.now()))
  }
}
