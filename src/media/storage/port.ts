import type { Readable } from 'node:stream'

/** Range of bytes; both ends belong to it. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** Store of bytes by key. Keys are made by the server alone. */
export interface BlobStore {
  /** Puts a file of this machine there, whole or not at all; nobody may write to it afterwards. @throws {AppError} `busy` where there is no room */
  put(key: string, path: string, mimeType: string): Promise<void>
  /** Reads it, or a range of it. @throws {AppError} `not_found` where there is none, before the first byte */
  read(key: string, range?: ByteRange): Promise<Readable>
  /** Removes all of them that are there. */
  remove(keys: readonly string[]): Promise<void>
}
