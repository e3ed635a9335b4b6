import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../errors.ts'

/** Age from which what is half received belongs to nobody any more, ms. */
const OLD_MS = 86_400_000
export const MEBIBYTE = 2 ** 20

/** Folder of this machine in which files are received and worked on; what has a name in it is gone after its work. */
export class Staging {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Hands out a place for a file, and removes everything that begins with its name afterwards. */
  async within<T>(work: (path: string) => Promise<T>): Promise<T> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const name = randomUUID()
    try {
      return await work(this.pathOf(name))
    } catch (error) {
      throw asRefusal(error)
    } finally {
      await this.remove(name)
    }
  }

  /** Place of a file in it. */
  pathOf(name: string): string {
    return join(this.#folder, name)
  }

  /** Makes an empty file that stays until it is removed, or nobody has written to it for a day. */
  async create(name: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    await writeFile(this.pathOf(name), '', { flag: 'wx', mode: 0o600 })
  }

  /** Length of a file, bytes; `undefined` where this machine has none. */
  async lengthOf(name: string): Promise<number | undefined> {
    return (await stat(this.pathOf(name)).catch(() => undefined))?.size
  }

  /** Removes everything that begins with a name. */
  async remove(name: string): Promise<void> {
    for (const it of await this.#names()) if (it.startsWith(name)) await rm(this.pathOf(it), { force: true })
  }

  /** Removes what a killed server has left. */
  async clean(): Promise<void> {
    for (const name of await this.silent(OLD_MS)) await rm(this.pathOf(name), { force: true })
  }

  /** Names of files to which nobody has written for so long, ms. */
  async silent(ms: number): Promise<string[]> {
    const before = Date.now() - ms
    const names = await this.#names()
    const times = await Promise.all(
      names.map(async name => (await stat(this.pathOf(name)).catch(() => undefined))?.mtimeMs)
    )
    return names.filter((_, index) => (times[index] ?? before) < before)
  }

  async #names(): Promise<string[]> {
    return await readdir(this.#folder).catch(() => [])
  }
}

/**
 * Writes what comes to a file.
 * @returns its length, bytes
 * @throws {AppError} `too_large`, `invalid` for an empty file, `bad_frame` for one that stops
 */
export async function receive(bytes: Readable, path: string, maxMebibytes: number): Promise<number> {
  let length = 0
  const count = new Transform({
    transform: (chunk: Buffer, _, done) => {
      length += chunk.length
      const isTooLong = length > maxMebibytes * MEBIBYTE
      done(isTooLong ? new AppError('too_large', `A file has ${maxMebibytes} MiB at most`) : null, chunk)
    }
  })
  try {
    await pipeline(bytes, count, createWriteStream(path, { flags: 'wx', mode: 0o600 }))
  } catch (error) {
    if (error instanceof AppError || isOfSystem(error)) throw error
    throw new AppError('bad_frame', 'The file ended too early', { cause: error })
  }
  if (length === 0) throw new AppError('invalid', 'The file is empty')
  return length
}

/** Turns an error of a disk that is full into a refusal. */
export function asRefusal(error: unknown): unknown {
  const isFull = isOfSystem(error) && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
  return isFull ? new AppError('busy', 'There is no room for files', { cause: error }) : error
}

/** Whether this machine could not do it, and not who sent. */
function isOfSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'errno' in error
}

/** Characters that are not shown, or that turn the direction of what is. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu
const MAX_NAME_LENGTH = 200

/** Name of a file without folders and without what is not shown: `../x\r.png` is `x.png`. */
export function plainName(name: string | undefined): string {
  const last = (name ?? '').toWellFormed().normalize('NFC').split(/[/\\]/).at(-1) ?? ''
  const plain = last.replace(HIDDEN, '').trim()
  if (plain === '' || /^\.+$/.test(plain)) return 'file'
  if (plain.length <= MAX_NAME_LENGTH) return plain
  const ending = /\.[\p{L}\p{N}]{1,10}$/u.exec(plain)?.[0] ?? ''
  return (
    plain
      .slice(0, MAX_NAME_LENGTH - ending.length)
      .toWellFormed()
      .replace(/\ufffd$/, '') + ending
  )
}
