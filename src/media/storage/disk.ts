import { createReadStream } from 'node:fs'
import { copyFile, mkdir, open, rename, rm } from 'node:fs/promises'
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

  async take(key: string, path: string): Promise<void> {
    const place = this.#placeOf(key)
    const half = `${place}.part`
    await mkdir(dirname(place), { recursive: true, mode: 0o700 })
    try {
      await move(path, half)
      const file = await open(half, 'r+')
      await file.sync().finally(async () => await file.close())
      await rename(half, place)
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
    for (const key of keys) await rm(this.#placeOf(key), { force: true })
  }

  /** Spread over folders, so that none gets too many. */
  #placeOf(key: string): string {
    return join(this.#folder, key.slice(22, 24), key)
  }
}

/** Between disks the bytes are copied. */
async function move(from: string, to: string): Promise<void> {
  await rename(from, to).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EXDEV') throw error
    await copyFile(from, to)
  })
}
