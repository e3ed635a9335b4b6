import { createReadStream } from 'node:fs'
import { copyFile, link, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { noSuchFile } from '../../store/missing.ts'
import type { BlobStore, ByteRange } from './port.ts'

/** Blobs in a folder. */
export class DiskStore implements BlobStore {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async put(key: string, path: string): Promise<void> {
    const place = this.#placeOf(key)
    const half = halfOf(place)
    const made = await mkdir(dirname(place), { recursive: true, mode: 0o700 })
    try {
      await rm(half, { force: true })
      // On the same disk nothing is copied; elsewhere, and where the file system has no links, it is.
      await link(path, half).catch(async () => await copyFile(path, half))
      const file = await open(half, 'r+')
      await file.sync().finally(async () => await file.close())
      await rename(half, place)
      await syncFolder(dirname(place))
      if (made !== undefined) await syncFolder(dirname(made))
    } catch (error) {
      await rm(half, { force: true })
      throw error
    }
  }

  async read(key: string, range?: ByteRange): Promise<Readable> {
    const file = await open(this.#placeOf(key), 'r').catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' ? noSuchFile() : error
    })
    return createReadStream('', { fd: file, ...range })
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      // A server that died may have left the half of one.
      for (const place of [this.#placeOf(key), halfOf(this.#placeOf(key))]) await rm(place, { force: true })
    }
  }

  /** Spread over folders, so that none gets too many. */
  #placeOf(key: string): string {
    return join(this.#folder, key.slice(22, 24), key)
  }
}

/** Place of a blob that is not yet whole. */
function halfOf(place: string): string {
  return `${place}.part`
}

/** Has the disk know the names in a folder as well; where a system cannot, it knows them by itself. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined)
  await folder?.sync().catch(() => undefined)
  await folder?.close()
}
