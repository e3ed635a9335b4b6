import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Bench, Side } from './bench.ts'
import { ALL_DIALECTS, compare, FANNED_OUT, SENT } from './compare.ts'
import type { Section } from './report.ts'
import type { Metric } from './rounds.ts'
import { figure } from './stats.ts'

const SENDS = [
  { senders: 1, members: 2, inFlight: 1, isWatched: false },
  { senders: 20, members: 10, inFlight: 1, isWatched: false },
  { senders: 200, members: 2, inFlight: 1, isWatched: false },
  { senders: 200, members: 10, inFlight: 1, isWatched: false }
]
const FAN_OUTS = [
  { members: 100, rate: 0, maxUnderWay: 100 },
  { members: 1_000, rate: 0, maxUnderWay: 100 },
  { members: 1_000, rate: 200, maxUnderWay: 100 }
]
/** Values of `DIALECTS`: each load is measured with all of them served, and with none. */
const DIALECTS = { all: ALL_DIALECTS, none: 'none' }

/** The other checkout: its program, and the limits that it knows. */
interface Other {
  readonly side: string
  readonly script: string
  readonly limits: string[]
}

/** A load, and what measures it. */
interface Load<Result> {
  readonly title: string
  readonly metrics: readonly Metric<Result>[]
  readonly run: (side: Side) => Promise<Result>
}

/**
 * This server and that of another checkout (`--before <folder>`, built), in turn under the same load. A side is
 * started anew for each measurement, and the order changes from round to round.
 */
export async function runBefore(bench: Bench): Promise<Section> {
  const { before: folder = '', rounds, seconds } = bench.options
  const script = ['dist/server/main.js', 'dist/src/main.js'].map(it => resolve(folder, it)).find(existsSync)
  if (folder === '' || script === undefined) {
    throw new Error('Name another checkout that is built: --before <folder>')
  }
  const { DEFAULT_LIMITS } = await import(resolve(folder, 'dist/protocol/limits.js'))
  const before = { side: 'before', script, limits: Object.keys(DEFAULT_LIMITS) }
  const series = Object.entries(DIALECTS).flatMap(([served, dialects]) => [
    ...SENDS.map(shape =>
      measured(bench, before, dialects, {
        title: `${shape.senders} senders, conversations of ${shape.members}, dialects: ${served}`,
        metrics: SENT,
        run: async ({ target }) => await bench.load('sendClosedLoop', { target, ...shape, seconds })
      })
    ),
    ...FAN_OUTS.map(shape =>
      measured(bench, before, dialects, {
        title: `${figure(shape.members)} members, ${paceOf(shape)}, dialects: ${served}`,
        metrics: FANNED_OUT,
        run: async ({ target }) => await bench.load('fanOut', { target, ...shape, seconds })
      })
    )
  ])
  for (let round = 1; round <= rounds; round++) {
    for (const { measure } of series) await measure(round)
    bench.progress(`round ${round} is done`)
  }
  const notes = ['This server and that of an earlier commit in turn, under the same load.']
  return { title: 'before', notes, tables: series.map(({ table }) => table()) }
}

/** A load at both sides, measured round by round, and the table of it. */
function measured<Result>(bench: Bench, other: Other, dialects: string, { title, metrics, run }: Load<Result>) {
  const before = { ...other, results: [] as Result[] }
  const now = { side: 'now', script: undefined, limits: undefined, results: [] as Result[] }
  return {
    measure: async (round: number): Promise<void> => {
      for (const it of round % 2 === 0 ? [now, before] : [before, now]) {
        const { script, limits } = it
        const side = await bench.startParley({ script, limits, env: { DIALECTS: dialects } })
        it.results.push(await run(side))
        await side.stop()
      }
    },
    table: () => compare(title, [before, now], metrics)
  }
}

function paceOf({ rate }: { readonly rate: number }): string {
  return rate === 0 ? 'one message at a time' : `${rate} messages/s`
}
