import { parseArgs } from 'node:util'

/** Options of a run: cases and durations. */
export interface Options {
  /** Names of cases; empty: all. */
  readonly cases: readonly string[]
  readonly rounds: number
  /** Length of one measurement, without its warm-up. */
  readonly seconds: number
  /** Path of the report; `results.md` beside the sources by default. */
  readonly out: string
  /** Folder of another checkout, built, for the case `before`. */
  readonly before: string | undefined
}

/** Reads `send fanout --rounds 5 --seconds 5 --out bench/results.md`. @throws on what it does not know */
export function parseOptions(args: readonly string[]): Options {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      out: { type: 'string', default: 'bench/results.md' },
      before: { type: 'string' }
    }
  })
  return {
    cases: positionals,
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    out: values.out,
    before: values.before
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0, not ${JSON.stringify(text)}`)
  return value
}
