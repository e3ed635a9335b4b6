import { buffer } from 'node:stream/consumers'
import { boundedMap } from '../../limits/bounded-map.ts'
import type { BlobStore } from './port.ts'

/** Largest blob that is kept in memory, bytes; thumbnails have 2 to 20 KiB. */
const MAX_BYTES = 65_536
/** Bytes that are kept in memory, of all of them. */
const MAX_KEPT_BYTES = 33_554_432

/**
 * Small blobs, kept in memory for a while: all who open a conversation ask for the same thumbnails. A blob never changes;
 * who may read it is asked before.
 */
export class SmallBlobs {
  readonly #storage: Pick<BlobStore, 'read'>
  readonly #kept = boundedMap<{ readonly bytes: number; readonly blob: Promise<Buffer> }>(MAX_KEPT_BYTES, {
    sizeCalculation: ({ bytes }) => bytes
  })

  constructor(storage: Pick<BlobStore, 'read'>) {
    this.#storage = storage
  }

  /** @returns nothing for a blob that is too large @throws {AppError} `not_found` where there is none */
  read(key: string, bytes: number): Promise<Buffer> | undefined {
    if (bytes > MAX_BYTES) return undefined
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept.blob
    const blob = this.#storage.read(key).then(async stream => await buffer(stream))
    this.#kept.set(key, { bytes: Math.max(1, bytes), blob })
    blob.catch(() => this.#kept.delete(key))
    return blob
  }
}
