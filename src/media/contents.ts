import type { Readable } from 'node:stream'
import parseRange from 'range-parser'
import { bareId } from '../../protocol/ids.ts'
import type { FileVariant } from '../../protocol/media/entities.ts'
import type { Actor } from '../actor.ts'
import { ObjectId } from '../database/object-id.ts'
import { boundedMap } from '../limits/bounded-map.ts'
import { linkOf } from '../present/file-links.ts'
import { noSuchFile } from '../store/missing.ts'
import type { FileAccess } from './access.ts'
import { servedAs } from './content-type.ts'
import type { BlobStore, ByteRange } from './storage/index.ts'
import { SmallBlobs } from './storage/small-blobs.ts'
import { type FileDoc, type FileStore, keyOf } from './store.ts'

/** Time for which browsers keep what they have fetched, seconds: access is asked again after it. */
const KEPT_SECONDS = 3_600

/** Files whose rows are kept in memory. */
const MAX_FILES = 10_000

interface ContentsDeps {
  readonly store: { readonly files: FileStore }
  readonly storage: BlobStore
  readonly access: FileAccess
}

/** Request for the bytes of a file. */
export interface Wanted {
  readonly fileId: string
  readonly variant: FileVariant
  /** Signed part of the address. */
  readonly query: Parameters<typeof linkOf>[1]
  readonly range?: string
  readonly ifNoneMatch?: string
  readonly ifRange?: string
}

/** Answer to it: 200, 206 of a range, 304 of what the client has, 416 of a range that there is not. */
export interface Content {
  readonly status: 200 | 206 | 304 | 416
  readonly headers: Readonly<Record<string, string>>
  /** Opened when it is asked for; absent where nothing is sent. */
  readonly open?: () => Promise<Readable | Buffer>
}

/** The bytes of files, whole or in ranges, for who may read them. */
export class FileContents {
  readonly #deps: ContentsDeps
  readonly #small: SmallBlobs
  /** Rows of files: what they show never changes, and whether a file is still there is asked with the access. */
  readonly #files = boundedMap<FileDoc>(MAX_FILES)

  constructor(deps: ContentsDeps) {
    this.#deps = deps
    this.#small = new SmallBlobs(deps.storage)
  }

  /** @throws {AppError} `not_found`, `gone`, `account_disabled` */
  async find(actor: Actor | null, wanted: Wanted): Promise<Content> {
    const { access, storage } = this.#deps
    const file = await this.#fileOf(bareId(wanted.fileId))
    await access.requireLink(file, actor, linkOf(wanted.fileId, wanted.query))
    const about = wanted.variant === 'original' ? file : file.variants[wanted.variant]
    if (about === undefined) throw noSuchFile()
    const key = keyOf(file._id, wanted.variant)
    // The bytes under a key never change.
    const etag = `"${key}"`
    const headers = headersOf(file, { ...about, etag })
    if (isFresh(wanted.ifNoneMatch, etag)) return { status: 304, headers }
    const range = rangeOf(wanted, { etag, bytes: about.bytes })
    if (range === 'none') return { status: 416, headers: { ...headers, 'content-range': `bytes */${about.bytes}` } }
    if (range === undefined) {
      const open = async () => await (this.#small.read(key, about.bytes) ?? storage.read(key))
      return { status: 200, headers: { ...headers, 'content-length': `${about.bytes}` }, open }
    }
    const { start, end } = range
    const part = { 'content-range': `bytes ${start}-${end}/${about.bytes}`, 'content-length': `${end - start + 1}` }
    return { status: 206, headers: { ...headers, ...part }, open: async () => await storage.read(key, range) }
  }

  async #fileOf(id: string): Promise<FileDoc> {
    const known = this.#files.get(id)
    if (known !== undefined) return known
    const [file] = await this.#deps.store.files.findStored([new ObjectId(id)])
    if (file === undefined) throw noSuchFile()
    this.#files.set(id, file)
    return file
  }
}

interface About {
  readonly mimeType: string
  readonly etag: string
}

/** Headers of a file: no browser takes one for a page of this server. */
function headersOf({ name }: FileDoc, { mimeType, etag }: About): Record<string, string> {
  const { type, isShown } = servedAs(mimeType)
  const ascii = name.replace(/[^\w. -]/g, '_')
  const fileName = `filename="${ascii}"; filename*=UTF-8''${percentEncoded(name)}`
  return {
    'content-type': type,
    'content-disposition': `${isShown ? 'inline' : 'attachment'}; ${fileName}`,
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'cross-origin',
    'cache-control': `private, max-age=${KEPT_SECONDS}`,
    'accept-ranges': 'bytes',
    etag
  }
}

/** Text as RFC 5987 writes it, which leaves fewer characters as they are than an address does. */
function percentEncoded(text: string): string {
  return encodeURIComponent(text).replace(/['()*]/g, it => `%${it.charCodeAt(0).toString(16).toUpperCase()}`)
}

function isFresh(ifNoneMatch: string | undefined, etag: string): boolean {
  return ifNoneMatch?.split(',').some(it => ['*', etag, `W/${etag}`].includes(it.trim())) ?? false
}

/** The range that is asked for; `undefined` for the whole, also where there are several, `none` where it is not there. */
function rangeOf(
  { range, ifRange }: Wanted,
  { etag, bytes }: { etag: string; bytes: number }
): ByteRange | 'none' | undefined {
  if (range === undefined || (ifRange !== undefined && ifRange !== etag)) return undefined
  const ranges = parseRange(bytes, range)
  if (ranges === -1) return 'none'
  const [only, ...others] = ranges === -2 || ranges.type !== 'bytes' ? [] : ranges
  return others.length > 0 ? undefined : only
}
