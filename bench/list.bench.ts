import type { Bench } from './bench.ts'
import type { Timing } from './load/history.ts'
import type { Section } from './report.ts'
import { figure, median, ratios, withSpread } from './stats.ts'

const SIZES = [20, 1_000]
const MESSAGES = 1e6
const LIMIT = 20

/** The first page of the list of somebody in few conversations and of somebody in many. */
export async function runList(bench: Bench): Promise<Section> {
  const database = bench.newDatabase()
  const first = await bench.startParley({ database })
  bench.progress('writing the conversations')
  const people = await bench.load('seedList', { target: first.target, sizes: SIZES, messages: MESSAGES })
  await first.stop()
  const side = await bench.startParley({ database })
  const results = new Map<number, Timing[]>(SIZES.map(size => [size, []]))
  const { rounds, seconds } = bench.options
  for (let round = 0; round <= rounds; round++) {
    for (const { user, conversations } of people) {
      const timing = await bench.load('readList', { target: side.target, user, limit: LIMIT, seconds })
      if (round > 0) results.get(conversations)?.push(timing)
    }
    bench.progress(round === 0 ? 'warmed up' : `round ${round} is done`)
  }
  await side.stop()
  await bench.database.drop(database)
  const p50s = (list: readonly Timing[] = []) => list.map(({ p50Ms }) => p50Ms)
  const rows = [...results].map(([size, list]) => [
    figure(size),
    figure(median(p50s(list))),
    figure(median(list.map(({ p99Ms }) => p99Ms))),
    withSpread(ratios(p50s(list), p50s(results.get(SIZES[0] ?? 0))))
  ])
  const columns = ['conversations', 'p50 ms', 'p99 ms', 'p50 to the fewest']
  return {
    title: 'list',
    notes: NOTES,
    tables: [{ title: `The first page (${LIMIT} conversations, REST)`, columns, rows }]
  }
}

const NOTES = [
  `One person, one call at a time, with ${figure(MESSAGES)} messages stored; a first round that does not count warms ` +
    'the server and the database up. The ratio is that of the p50s, round by round.'
]
