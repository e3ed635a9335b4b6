import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { S3mini } from 's3mini'
import { noSuchFile } from '../../store/missing.ts'
import type { BlobStore, ByteRange } from './port.ts'

/** Parts of larger files, bytes; each is in memory while it is sent. */
const PART_BYTES = 8 * 2 ** 20

export interface S3Options {
  /** Address of the bucket. */
  readonly url: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** Blobs in a bucket of a store that speaks S3. */
export class S3Store implements BlobStore {
  readonly #bucket: S3mini

  constructor({ url: endpoint, ...options }: S3Options) {
    this.#bucket = new S3mini({ endpoint, ...options })
  }

  async put(key: string, path: string, mimeType: string): Promise<void> {
    const { size } = await stat(path)
    if (size > PART_BYTES) return await this.#putParts(key, path, mimeType)
    const chunks = await createReadStream(path).toArray()
    await this.#bucket.putObject(key, Buffer.concat(chunks), mimeType)
  }

  async read(key: string, range?: ByteRange): Promise<Readable> {
    // The end does not belong to a range there.
    const response =
      range === undefined
        ? await this.#bucket.getObjectResponse(key)
        : await this.#bucket.getObjectRaw(key, false, range.start, range.end + 1)
    if (response?.body == null || response.status === 404) throw noSuchFile()
    return Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0])
  }

  async remove(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    const isGone = await this.#bucket.deleteObjects([...keys])
    if (!isGone.every(Boolean)) throw new Error('Some objects could not be removed')
  }

  async #putParts(key: string, path: string, mimeType: string): Promise<void> {
    const uploadId = await this.#bucket.getMultipartUploadId(key, mimeType)
    const file = await open(path, 'r')
    try {
      const parts = []
      for (let partNumber = 1, at = 0; ; partNumber++) {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(PART_BYTES), 0, PART_BYTES, at)
        if (bytesRead === 0) break
        at += bytesRead
        const { etag } = await this.#bucket.uploadPart(key, uploadId, buffer.subarray(0, bytesRead), partNumber)
        parts.push({ partNumber, etag })
      }
      await this.#bucket.completeMultipartUpload(key, uploadId, parts)
    } catch (error) {
      await this.#bucket.abortMultipartUpload(key, uploadId)
      throw error
    } finally {
      await file.close()
    }
  }
}
