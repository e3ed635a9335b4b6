import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { FileResult } from './results.ts'

type Durations = Readonly<globalThis.Record<string, number>>

/** Files that are not known yet are taken for this long, ms. */
const UNKNOWN_MS = 3_000
const LAST_RUN = new URL('../../durations.json', import.meta.url)
const COMMITTED = new URL('../../../test/runner/durations.json', import.meta.url)

/** Puts the longest first, by the last whole run here, or by what is committed. */
export async function longestFirst(files: readonly string[]): Promise<string[]> {
  const durations = (await read(LAST_RUN)) ?? (await read(COMMITTED)) ?? {}
  const msOf = (file: string) => durations[file] ?? UNKNOWN_MS
  return [...files].sort((a, b) => msOf(b) - msOf(a) || a.localeCompare(b))
}

/** Keeps how long each file took. */
export async function keepDurations(results: readonly FileResult[]): Promise<void> {
  const durations = Object.fromEntries(results.map(({ file, ms }) => [file, ms]))
  await mkdir(new URL('.', LAST_RUN), { recursive: true })
  await writeFile(LAST_RUN, JSON.stringify(durations, null, 2))
}

async function read(file: URL): Promise<Durations | undefined> {
  return await readFile(file, 'utf8').then(JSON.parse, () => undefined)
}
