import { Readable } from 'node:stream'
import type { Lock, Server, Upload as TusUpload } from '@tus/server'
import type { ErrorCode } from '../../../protocol/errors.ts'
import { prefixedId } from '../../../protocol/ids.ts'
import type { Actor } from '../../actor.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { noSuchFile } from '../../store/missing.ts'
import { UNUSED_MS } from '../keeping.ts'
import type { UploadLocks } from './locks.ts'
import type { Upload, UploadService } from './uploads.ts'

/** Version of the protocol that is spoken. */
export const TUS_VERSION = '1.0.0'
/** Parts of it that are offered besides its core. */
export const TUS_EXTENSIONS = ['creation', 'creation-with-upload', 'termination', 'expiration']
/** Headers that are for the protocol; nothing else of a request is shown to it. */
const HEADERS = [
  ...['tus-resumable', 'upload-length', 'upload-offset', 'upload-metadata', 'upload-defer-length', 'upload-concat'],
  ...['content-type', 'content-length']
]
const PATH = '/uploads'

/** Request about an upload. */
export interface TusRequest {
  readonly method: 'POST' | 'HEAD' | 'PATCH' | 'DELETE'
  /** The upload that it names, 24 hexadecimal digits; a new one has none. */
  readonly fileId?: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly bytes?: Readable | undefined
}

/** Answer to it, and the upload as it is then; none where it was given up. */
export interface TusAnswer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly upload: Upload | undefined
}

interface TusDeps {
  readonly uploads: UploadService
  readonly locks: UploadLocks
  /** Address that those of uploads begin with, without a slash at the end; empty where clients complete it. */
  readonly base: string
}

/** Protocol of uploads that can be continued (tus 1.0, https://tus.io); of the library it has the rules of the headers. */
export class Tus {
  readonly #deps: TusDeps

  constructor(deps: TusDeps) {
    this.#deps = deps
  }

  /** @throws {AppError} `precondition_failed` for another version; `conflict` for another offset; as `UploadService` */
  async answer(actor: Actor, request: TusRequest): Promise<TusAnswer> {
    requireUnderstood(request)
    const talk = new Talk(this.#deps, actor, request)
    const { status, headers } = await talk.run()
    const answered = Object.fromEntries([...headers].filter(([name]) => !/^(access-control-|content-)/.test(name)))
    return { status, headers: { ...answered, ...talk.metadata }, upload: talk.upload }
  }
}

/** @throws {AppError} `precondition_failed`, `invalid`, `unsupported_media_type`, where the library would say less */
function requireUnderstood({ method, headers, bytes }: TusRequest): void {
  if (headers['tus-resumable'] !== TUS_VERSION)
    throw new AppError('precondition_failed', `Tus-Resumable must be ${TUS_VERSION}`)
  if (headers['upload-defer-length'] !== undefined)
    throw new AppError('invalid', 'Upload-Length must be known at first')
  if (headers['upload-concat'] !== undefined) throw new AppError('invalid', 'Uploads are not put together')
  if (method === 'POST' && headers['upload-length'] === undefined)
    throw new AppError('invalid', 'Upload-Length is missing')
  if (method !== 'PATCH') return
  if (headers['upload-offset'] === undefined) throw new AppError('invalid', 'Upload-Offset is missing')
  if (bytes === undefined)
    throw new AppError('unsupported_media_type', 'The body must be application/offset+octet-stream')
}

/** Request of one person, as the library asks what it needs for it. */
class Talk {
  readonly #deps: TusDeps
  readonly #actor: Actor
  readonly #request: TusRequest
  readonly #id: ObjectId
  #upload: Upload | undefined

  constructor(deps: TusDeps, actor: Actor, request: TusRequest) {
    this.#deps = deps
    this.#actor = actor
    this.#request = request
    this.#id = new ObjectId(request.fileId)
  }

  /** State of the upload, as far as it is known. */
  get upload(): Upload | undefined {
    return this.#upload
  }

  /** Metadata that a client is told again. */
  get metadata(): Record<string, string> {
    if (this.#request.method !== 'HEAD') return {}
    return omitUndefined({ 'upload-metadata': this.#upload?.file.upload.metadata })
  }

  async run(): Promise<Response> {
    try {
      const response = await (await this.#server()).handleWeb(this.#asked())
      if (response.status >= 400) throw new AppError('invalid', 'The headers are not as tus has them')
      return response
    } catch (error) {
      // Its client has not heard how it is named.
      if (this.#request.method === 'POST' && this.#upload !== undefined) await this.#cancel().catch(() => undefined)
      throw error
    }
  }

  #asked(): Request {
    const { method, headers, bytes, fileId } = this.#request
    const shown = HEADERS.flatMap((name): [string, string][] => {
      const value = headers[name]
      return typeof value === 'string' ? [[name, value]] : []
    })
    const body = bytes === undefined ? {} : { body: Readable.toWeb(bytes), duplex: 'half' }
    const address = `http://tus${PATH}${fileId === undefined ? '' : `/${fileId}`}`
    return new Request(address, { method, headers: shown, ...body } as RequestInit)
  }

  async #server(): Promise<Server> {
    const tus = await import('@tus/server')
    const datastore = Object.assign(new tus.DataStore(), {
      extensions: TUS_EXTENSIONS,
      getExpiration: () => UNUSED_MS,
      create: async (asked: TusUpload) => await this.#create(asked),
      getUpload: async () => new tus.Upload(await this.#find()),
      write: async (bytes: Readable) => await this.#write(bytes),
      remove: async () => await this.#cancel()
    })
    return new tus.Server({
      ...{ path: PATH, datastore, locker: { newLock: () => this.#lock() } },
      // A holder that is asked to stop has nothing to wait for: what it has received stays.
      lockDrainTimeout: 1,
      namingFunction: () => this.#id.toHexString(),
      generateUrl: (_, { id }) => `${this.#deps.base}/v1/uploads/${prefixedId('file', id)}`,
      onResponseError: (_, error) => {
        throw refusalOf(error)
      }
    })
  }

  /** Lock of the upload, to which nobody but its owner gets: whoever does stops what is under way. */
  #lock(): Lock {
    let giveBack: (() => void) | undefined
    const key = `${this.#actor.userId}/${this.#id.toHexString()}`
    return {
      lock: async (signal, requestRelease) => {
        giveBack = await this.#deps.locks.acquire(key, () => void requestRelease(), signal)
      },
      unlock: async () => giveBack?.()
    }
  }

  async #create(asked: TusUpload): Promise<TusUpload> {
    const metadata = this.#request.headers['upload-metadata']
    this.#upload = await this.#deps.uploads.begin(this.#actor, this.#id, {
      fileName: asked.metadata?.['filename'] ?? undefined,
      length: asked.size ?? 0,
      ...(typeof metadata === 'string' ? { metadata } : {})
    })
    asked.creation_date = this.#upload.file.createdAt.toISOString()
    return asked
  }

  async #find() {
    const { uploads } = this.#deps
    this.#upload ??= await uploads.find(this.#actor, this.#id)
    const { file, offset } = this.#upload
    // Its client takes what is all there for kept.
    if (this.#request.method === 'HEAD' && offset === file.upload.length)
      this.#upload = await uploads.finish(this.#actor, this.#upload)
    return { id: this.#id.toHexString(), size: file.upload.length, offset, creation_date: file.createdAt.toISOString() }
  }

  async #write(bytes: Readable): Promise<number> {
    if (this.#upload === undefined) throw noSuchFile()
    this.#upload = await this.#deps.uploads.write(this.#actor, this.#upload, bytes)
    return this.#upload.offset
  }

  async #cancel(): Promise<void> {
    await this.#deps.uploads.cancel(this.#actor, this.#id)
  }
}

/** Errors of the library by their status, in the words of this server. */
const REFUSALS: Record<number, readonly [ErrorCode, string]> = {
  400: ['bad_frame', 'The bytes ended too early'],
  404: ['not_found', 'There is no such file'],
  409: ['conflict', 'The upload goes on at another Upload-Offset, which HEAD tells, or is finished'],
  410: ['gone', 'The time of the upload is over; begin it anew'],
  413: ['too_large', 'These are more bytes than were announced']
}

function refusalOf(error: unknown): unknown {
  if (error instanceof AppError) return error
  const [code, message] = REFUSALS[(error as { status_code?: number }).status_code ?? 0] ?? []
  return code === undefined || message === undefined ? error : new AppError(code, message, { cause: error })
}
