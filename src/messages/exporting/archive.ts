import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { type Readable, Transform } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { ZipFile } from 'yazl'
import { AppError } from '../../errors.ts'

/** Name of the file in an archive that has its lines. */
const LINES = 'conversation.jsonl'

/** An archive that is being written: files, and lines that are put beside them at the end. */
export interface Archive {
  /** Adds a file, all of it. @param name safe one, that no other file has */
  addFile(name: string, bytes: Readable, changedAt: Date): Promise<void>
  /** Adds lines: values that are JSON. */
  addLines(values: readonly object[]): Promise<void>
}

interface ArchiveOptions {
  readonly maxBytes: number
  readonly signal: AbortSignal
}

/**
 * Writes a zip archive, a piece at a time: whatever its size, little of it is in memory. Beside it is a file with its
 * lines, whose name begins with its own.
 * @throws {AppError} `too_large` beyond `maxBytes`, packed or of lines; what `fill` throws
 */
export async function writeArchive(
  path: string,
  { maxBytes, signal: given }: ArchiveOptions,
  fill: (archive: Archive) => Promise<void>
): Promise<void> {
  const stop = new AbortController()
  const signal = AbortSignal.any([given, stop.signal])
  let cause: unknown
  const fail = (error: unknown): void => {
    cause ??= error
    stop.abort()
  }
  const zip = new ZipFile()
  zip.on('error', fail)
  const target = createWriteStream(path, { flags: 'wx', mode: 0o600 })
  const written = pipeline(zip.outputStream, limitOf(maxBytes), target, { signal })
  written.catch(fail)
  try {
    await fillFiles(zip, `${path}.lines`, { maxBytes, signal }, fill)
    zip.addFile(`${path}.lines`, LINES)
    zip.end()
    await written
  } catch (error) {
    fail(error)
    await written.catch(() => undefined)
    throw cause
  }
}

async function fillFiles(
  zip: ZipFile,
  path: string,
  { maxBytes, signal }: ArchiveOptions,
  fill: (archive: Archive) => Promise<void>
): Promise<void> {
  const lines = await open(path, 'wx', 0o600)
  let length = 0
  try {
    await fill({
      addFile: async (name, bytes, changedAt) => {
        // What is packed already stays as it is.
        zip.addReadStream(bytes, name, { mtime: changedAt, compress: false })
        await finished(bytes, { signal, writable: false }).finally(() => bytes.destroy())
      },
      addLines: async values => {
        const text = values.map(value => `${JSON.stringify(value)}\n`).join('')
        length += Buffer.byteLength(text)
        if (length > maxBytes) throw tooLarge(maxBytes)
        await lines.appendFile(text)
      }
    })
  } finally {
    await lines.close()
  }
}

function limitOf(maxBytes: number): Transform {
  let length = 0
  return new Transform({
    transform: (chunk: Buffer, _, done) => {
      length += chunk.length
      done(length > maxBytes ? tooLarge(maxBytes) : null, chunk)
    }
  })
}

function tooLarge(maxBytes: number): AppError {
  return new AppError('too_large', `An archive has ${maxBytes / 2 ** 20} MiB at most`)
}
