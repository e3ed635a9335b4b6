import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Listener for progress, told a line at a time. */
export type Tell = (line: string) => void

/** Progress for a person at a terminal. */
export function toStderr(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Interval of the lines, and of a bar's steps, ms. */
const LINE_MS = 3_000
const BAR_MS = 200
const BAR_WIDTH = 30

/** How far something is. */
interface Progress {
  readonly bytes: number
  /** Of all of it, or 0 where that is not known. */
  readonly total: number
}

/** A bar where somebody looks, else a line every few seconds. @returns what ends it */
export function showProgress(measure: () => Promise<Progress>, tell: Tell): () => void {
  const isLive = process.stderr.isTTY && tell === toStderr
  const show = async (): Promise<void> => {
    const { bytes, total } = await measure()
    const part = total === 0 ? 0 : Math.min(bytes / total, 0.99)
    const words = `${megabytes(bytes)}${total === 0 ? '' : ` of about ${megabytes(total)}`} MB`
    const bar = '#'.repeat(Math.round(part * BAR_WIDTH)).padEnd(BAR_WIDTH, '.')
    if (isLive) process.stderr.write(`\r[${bar}] ${words} `)
    else tell(`… ${words}`)
  }
  const timer = setInterval(() => void show(), isLive ? BAR_MS : LINE_MS)
  return () => {
    clearInterval(timer)
    if (isLive) process.stderr.write('\r\u001B[K')
  }
}

/** Bytes in millions, rounded. */
export function megabytes(bytes: number): number {
  return Math.round(bytes / 1_000_000)
}

/** Bytes of all files in a folder. */
export async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  const sizes = await Promise.all(
    names.map(name =>
      stat(join(folder, name)).then(
        found => (found.isFile() ? found.size : 0),
        () => 0
      )
    )
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
