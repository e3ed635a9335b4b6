import { createWriteStream, type WriteStream } from 'node:fs'
import { devNull } from 'node:os'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Upload as PresentedUpload } from '../../../protocol/media/entities.ts'
import type { Actor } from '../../actor.ts'
import type { Config } from '../../config/config.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { fileId as presentId } from '../../ids.ts'
import type { FairGate } from '../../limits/fair-gate.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { noSuchFile } from '../../store/missing.ts'
import type { FileKeeping } from '../keeping.ts'
import { asRefusal, MEBIBYTE, plainName, type Staging } from '../receive.ts'
import type { FileStore, SentFileDoc, UploadDoc } from '../store.ts'

/** Type of a file until its bytes tell it. */
const UNKNOWN = { kind: 'file', mimeType: 'application/octet-stream', variants: {} } as const
/** Time without a byte after which it is asked whether an upload is still wanted, ms. */
const SILENT_MS = 3_600_000
/** Uploads that are looked up together. */
const CLEANED_TOGETHER = 1_000
/** Refusals after which the same bytes would be refused again. */
const FINAL = ['invalid', 'too_large', 'quota_reached']

interface UploadServiceDeps {
  readonly store: { readonly files: FileStore }
  readonly keeping: FileKeeping
  readonly staging: Staging
  readonly gate: FairGate
  readonly config: Pick<Config, 'limits'>
}

/** A file that is announced. */
interface NewUpload extends UploadDoc {
  /** As the client has it. */
  readonly fileName: string | undefined
}

/** A file that comes in pieces. */
export interface Upload {
  readonly file: SentFileDoc
  /** Bytes of it that are there. */
  readonly offset: number
}

/**
 * Files that come in pieces, each continued where the last one ended. The row of the file is there from the beginning
 * and keeps the room; its bytes are in the staging folder of one server until they are all there. What is not finished
 * after a day is removed like a file that nobody uses. Of one upload one thing is done at a time: see `UploadLocks`.
 */
export class UploadService {
  readonly #deps: UploadServiceDeps

  constructor(deps: UploadServiceDeps) {
    this.#deps = deps
  }

  /** Largest file, bytes. */
  get maxBytes(): number {
    return this.#deps.config.limits.fileMebibytes * MEBIBYTE
  }

  /** Keeps room for a file. @throws {AppError} `invalid` for an empty one, `too_large`, `quota_reached`, `busy` */
  async begin(actor: Actor, _id: ObjectId, { fileName, length, metadata }: NewUpload): Promise<Upload> {
    const { store, staging, keeping, config } = this.#deps
    if (length === 0) throw new AppError('invalid', 'The file is empty')
    if (length > this.maxBytes) throw new AppError('too_large', `A file has ${config.limits.fileMebibytes} MiB at most`)
    const file: SentFileDoc = {
      ...{ _id, ownerId: new ObjectId(actor.userId), state: 'receiving', name: plainName(fileName), bytes: length },
      ...{ ...UNKNOWN, upload: { length, ...omitUndefined({ metadata }) }, ...keeping.times() }
    }
    if (!(await store.files.insert(file, keeping.quota, config.limits.unfinishedUploads)))
      throw new AppError('quota_reached', 'There is no room for more files, or too many uploads are unfinished')
    try {
      await staging.create(_id.toHexString())
    } catch (error) {
      await this.#discard(file)
      throw asRefusal(error)
    }
    return { file, offset: 0 }
  }

  /** @throws {AppError} `not_found` for what is not there, somebody else's, or begun at another server */
  async find(actor: Actor, id: ObjectId): Promise<Upload> {
    const file = await this.#find(actor, id)
    if (file.state === 'stored') return { file, offset: file.upload.length }
    const offset = await this.#deps.staging.lengthOf(id.toHexString())
    if (offset === undefined) throw noSuchFile()
    return { file, offset }
  }

  /**
   * Adds bytes at the end, and keeps the file once the last one is there. What came before the bytes stopped stays.
   * @throws {AppError} as `finish`; `busy`
   */
  async write(actor: Actor, upload: Upload, bytes: Readable): Promise<Upload> {
    const { file, offset } = upload
    return await this.#deps.gate.run({ party: actor.userId }, async () => {
      // Whoever sent them may have gone while this one waited.
      if (bytes.destroyed) throw new AppError('bad_frame', 'The bytes ended too early')
      const target = this.#open(upload)
      await pipeline(bytes, target).catch((error: unknown) => {
        throw asRefusal(error)
      })
      const written = { file, offset: offset + target.bytesWritten }
      return written.offset < file.upload.length ? written : await this.#finish(actor, written)
    })
  }

  /** Opens the place of the next bytes, which are on the disk once they are acknowledged. What is kept gets no more. */
  #open({ file, offset }: Upload): WriteStream {
    const isKept = file.state === 'stored'
    const path = isKept ? devNull : this.#deps.staging.pathOf(file._id.toHexString())
    return createWriteStream(path, { flags: 'r+', start: offset, flush: !isKept })
  }

  /**
   * Keeps a file whose bytes are all there, if it is not yet kept: a server may die between the two.
   * @throws {AppError} `invalid`, `too_large`, `quota_reached`: nothing is left of it then; `busy`, `not_found`
   */
  async finish(actor: Actor, upload: Upload): Promise<Upload> {
    return await this.#deps.gate.run({ party: actor.userId }, async () => await this.#finish(actor, upload))
  }

  /** Gives up what is not finished, at whichever server it was begun. @throws {AppError} `not_found`, `conflict` */
  async cancel(actor: Actor, id: ObjectId): Promise<void> {
    const { store, staging } = this.#deps
    const file = await this.#find(actor, id)
    if (!(await store.files.remove(file, 'receiving')))
      throw new AppError('conflict', 'The upload is finished; its file goes when no message has it')
    await staging.remove(id.toHexString())
  }

  /** Removes the bytes on this server of what was given up at another one, or is over. */
  async clean(): Promise<void> {
    const { store, staging } = this.#deps
    const names = (await staging.silent(SILENT_MS)).filter(name => /^[0-9a-f]{24}$/.test(name))
    for (let from = 0; from < names.length; from += CLEANED_TOGETHER) {
      const some = names.slice(from, from + CLEANED_TOGETHER)
      const there = new Set((await store.files.findUnfinished(some.map(name => new ObjectId(name)))).map(String))
      for (const name of some.filter(it => !there.has(it))) await staging.remove(name)
    }
  }

  /** The upload as its owner sees it. */
  present({ file, offset }: Upload): PresentedUpload {
    const about = { id: presentId(file._id), offset, length: file.upload.length }
    return file.state === 'stored' ? { ...about, file: this.#deps.keeping.present(file) } : about
  }

  async #find(actor: Actor, id: ObjectId): Promise<SentFileDoc> {
    const file = await this.#deps.store.files.findUpload(id, new ObjectId(actor.userId))
    if (file === null || file.state === 'removing') throw noSuchFile()
    return file
  }

  async #finish(actor: Actor, { file, offset }: Upload): Promise<Upload> {
    if (file.state === 'stored') return { file, offset }
    const { staging } = this.#deps
    const name = file._id.toHexString()
    const kept = await this.#keep(actor, file, staging.pathOf(name)).catch(async (error: unknown) => {
      if (error instanceof AppError && FINAL.includes(error.code)) await this.#discard(file)
      // It was given up meanwhile, maybe at another server, unless that is the one that keeps it.
      const isGone = error instanceof AppError && error.code === 'not_found'
      if (isGone && (await this.#deps.store.files.findUnfinished([file._id])).length === 0) await staging.remove(name)
      throw asRefusal(error)
    })
    await staging.remove(name)
    return { file: kept, offset }
  }

  async #keep(actor: Actor, file: SentFileDoc, path: string): Promise<SentFileDoc> {
    const { store, keeping } = this.#deps
    const { facts, paths } = await keeping.examine(path, actor.userId)
    const { createdAt, name, ownerId, upload, _id } = file
    const { checkAt } = keeping.times()
    const kept = { ...{ _id, ownerId, state: 'storing' as const, upload, name, createdAt }, ...facts, checkAt }
    const isSettled = await store.files.settle(file, kept, keeping.quota)
    if (isSettled === undefined) throw noSuchFile()
    if (!isSettled) throw new AppError('quota_reached', 'There is no room for more files')
    await keeping.put(kept, paths)
    return { ...kept, state: 'stored' }
  }

  /** Gives the room of what is refused back at once; what was stored of it already goes with the unused files. */
  async #discard(file: SentFileDoc): Promise<void> {
    const { store, staging } = this.#deps
    if (!(await store.files.remove(file, 'receiving'))) await store.files.lookAt(file._id, file.createdAt)
    await staging.remove(file._id.toHexString())
  }
}
