import { createHash } from 'node:crypto'

const DAY_MS = 86_400_000
/** `EXTENT=whole npm test` runs the long tests whole. */
const isWhole = process.env['EXTENT'] === 'whole'
/** What of them is chosen otherwise: other things every day, and the same again by `SEED`. */
const seed = Number(process.env['SEED'] ?? Math.floor(Date.now() / DAY_MS))

/** How much of a long test runs, in words for the end of a run. */
export const EXTENT = isWhole
  ? 'The long tests ran whole.'
  : `Of the long tests a part ran, by SEED=${seed}: EXTENT=whole npm test runs all of them.`

/** How often, or how long: less every time than in a whole run. */
export function extent<T>(everyday: T, whole: T): T {
  return isWhole ? whole : everyday
}

/** One of so many things, each on its day, chosen by their names: within `parts` days it is everything. */
export function partOf<T>(items: readonly T[], parts: number, nameOf: (item: T) => string): T[] {
  return items.filter(item => isWhole || (numberOf(nameOf(item)) + seed) % parts === 0)
}

/** At most so many, others every day. @param name spreads the choices of several callers over the days */
export function someOf<T>(items: readonly T[], count: number, name: string): T[] {
  if (isWhole || items.length <= count) return [...items]
  const first = numberOf(name) + seed
  return Array.from({ length: count }, (_, index) => items[(first * count + index) % items.length] as T)
}

/** A number below 2^32 that hangs on the name alone. */
function numberOf(name: string): number {
  return createHash('sha256').update(name).digest().readUInt32BE()
}
