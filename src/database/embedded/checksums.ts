import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, rename, stat, writeFile } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

/** Large pieces, which halve the time. */
const READ_BYTES = 1_048_576

/** Digest of a program, and the state of its file when it was last seen to have that. */
interface KeptDigest {
  readonly sha256: string
  readonly state?: string
}

/** SHA-256 of a file, in hexadecimal digits. */
export async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: READ_BYTES }), hash)
  return hash.digest('hex')
}

/** Writes the digest that a program must have into a file beside it. */
export async function keepDigest(program: string, digest: string): Promise<void> {
  await write(program, { sha256: digest })
}

/**
 * Whether a program has the digest that is kept beside it, or one of those known. It is read only when its size or one
 * of its times is another than at the last look: reading 140 MB takes some hundred milliseconds. That finds what a fault
 * or a program without ill will has changed; who may write into the folder can change the digest too.
 */
export async function hasKeptDigest(program: string, known: readonly string[]): Promise<boolean> {
  const kept = await read(program)
  const state = await stateOf(program)
  if (kept?.state === state) return true
  const digest = await sha256(program)
  if (digest !== kept?.sha256 && !known.includes(digest)) return false
  // In a folder that cannot be written, it is read at each start.
  await write(program, { sha256: digest, state }).catch(() => undefined)
  return true
}

/** Other after every write, also after one that sets the time of change back: that itself is noted. */
async function stateOf(program: string): Promise<string> {
  const { size, mtimeMs, ctimeMs } = await stat(program)
  return [size, mtimeMs, ctimeMs].join(' ')
}

async function read(program: string): Promise<KeptDigest | undefined> {
  try {
    return JSON.parse(await readFile(fileOf(program), 'utf8'))
  } catch {
    return undefined
  }
}

async function write(program: string, kept: KeptDigest): Promise<void> {
  const draft = `${fileOf(program)}.${process.pid}`
  await writeFile(draft, JSON.stringify(kept))
  await rename(draft, fileOf(program))
}

function fileOf(program: string): string {
  return `${program}.json`
}
