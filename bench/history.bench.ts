import type { Bench } from './bench.ts'
import type { HistoryResult, Timing } from './load/history.ts'
import type { Section, Table } from './report.ts'
import { figure, median, ratios, withSpread } from './stats.ts'

const SIZES = [1e3, 1e4, 1e5, 1e6]
const KINDS = [
  { title: 'The newest page (50 messages, REST)', of: (result: HistoryResult): Timing => result.newest },
  { title: 'A page in the middle (50 messages, REST)', of: (result: HistoryResult): Timing => result.middle },
  { title: 'A send (socket)', of: (result: HistoryResult): Timing => result.send }
] as const

/** Reading and writing as a conversation grows; the sizes take turns in each round. */
export async function runHistory(bench: Bench): Promise<Section> {
  const database = bench.newDatabase()
  const first = await bench.startParley({ database })
  bench.progress('writing the histories')
  const conversations = await bench.load('seedHistory', { target: first.target, sizes: SIZES })
  await first.stop()
  const side = await bench.startParley({ database })
  const results = new Map<number, HistoryResult[]>(SIZES.map(size => [size, []]))
  const { rounds, seconds } = bench.options
  for (let round = 0; round <= rounds; round++) {
    for (const conversation of conversations) {
      const result = await bench.load('readHistory', { target: side.target, ...conversation, seconds })
      if (round > 0) results.get(conversation.messages)?.push(result)
    }
    bench.progress(round === 0 ? 'warmed up' : `round ${round} is done`)
  }
  await side.stop()
  await bench.database.drop(database)
  return { title: 'history', notes: NOTES, tables: KINDS.map(kind => table(kind, results)) }
}

const NOTES = [
  'One person, one call at a time, in a conversation of this many messages; a first round that does not count warms ' +
    'the server and the database up. The ratio is that of the p50 to the p50 with the fewest messages, round by round.'
]

function table({ title, of }: (typeof KINDS)[number], results: ReadonlyMap<number, readonly HistoryResult[]>): Table {
  const [fewest = []] = [...results.values()]
  const p50s = (list: readonly HistoryResult[]) => list.map(result => of(result).p50Ms)
  const rows = [...results].map(([messages, list]) => [
    figure(messages),
    figure(median(p50s(list))),
    figure(median(list.map(result => of(result).p99Ms))),
    withSpread(ratios(p50s(list), p50s(fewest)))
  ])
  return { title, columns: ['messages', 'p50 ms', 'p99 ms', 'p50 to the fewest'], rows }
}
