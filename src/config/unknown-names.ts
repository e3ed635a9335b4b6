/** Names of `.env` that are for Node, for programs that Parley runs, or for the network. */
const OF_OTHERS = /^((NODE|NPM|MONGOMS|PIP|UV|XDG|SSL|COMPOSE|DOCKER)_.*|.*_PROXY|PATH|HOME|TMPDIR|TZ|LANG|LC_.*)$/i
/** Length from which two letters may differ: `HOME` is no `HOST`. */
const LONG = 8

/** Variable that means nothing to Parley, and the one that may be meant. */
export interface UnknownName {
  readonly name: string
  readonly meant: string | undefined
}

/**
 * Names that somebody may have set for nothing: all of the `.env` file that are not known, and of the environment,
 * which is full of others, those within a letter or two of a known one.
 */
export function unknownNames(
  env: NodeJS.ProcessEnv,
  inDotEnv: ReadonlySet<string>,
  known: readonly string[]
): UnknownName[] {
  return Object.keys(env)
    .filter(name => !known.includes(name) && !OF_OTHERS.test(name))
    .map(name => ({ name, meant: nearest(name, known) }))
    .filter(({ name, meant }) => meant !== undefined || inDotEnv.has(name))
}

function nearest(name: string, known: readonly string[]): string | undefined {
  const allowed = name.length < LONG ? 1 : 2
  const upper = name.toUpperCase()
  const near = known
    .filter(it => Math.abs(it.length - upper.length) <= allowed)
    .map(it => ({ it, distance: distance(upper, it) }))
    .filter(found => found.distance <= allowed)
  return near.sort((a, b) => a.distance - b.distance)[0]?.it
}

/** Letters to be added, removed, changed or swapped with the next. */
function distance(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= from.length; i++) {
    rows.push([i])
    for (let j = 1; j <= to.length; j++) rows[i]?.push(Math.min(...waysTo(rows, [from, i], [to, j])))
  }
  return rows.at(-1)?.at(-1) ?? 0
}

/** Costs of the ways to make the first letters of one text from those of another. */
function waysTo(rows: number[][], [from, i]: [string, number], [to, j]: [string, number]): number[] {
  const at = (up: number, left: number): number => rows[i - up]?.[j - left] ?? Infinity
  const isSame = from[i - 1] === to[j - 1]
  const isSwapped = i > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
  return [at(1, 0) + 1, at(0, 1) + 1, at(1, 1) + (isSame ? 0 : 1), isSwapped ? at(2, 2) + 1 : Infinity]
}
