import { PAGE_SIZE } from '../protocol/limits.ts'
import type { Bench } from './bench.ts'
import type { Timing } from './load/history.ts'
import type { SeededList } from './load/seed-list.ts'
import type { Target } from './load/wire.ts'
import type { Section, Table } from './report.ts'
import { figure, median, ratios, withSpread } from './stats.ts'

const SIZES = [20, 1_000]
const MESSAGES = 1e6
/** As many for both, and what a page holds when nobody says how many. */
const LIMITS = [20, PAGE_SIZE]

interface Reading extends Timing {
  readonly conversations: number
  readonly limit: number
}

/** The first page of the list of somebody in few conversations and of somebody in many. */
export async function runList(bench: Bench): Promise<Section> {
  const database = bench.newDatabase()
  const first = await bench.startParley({ database })
  bench.progress('writing the conversations')
  const people = await bench.load('seedList', { target: first.target, sizes: SIZES, messages: MESSAGES })
  await first.stop()
  const side = await bench.startParley({ database })
  await readAll(bench, side.target, people)
  bench.progress('warmed up')
  const readings: Reading[] = []
  for (let round = 1; round <= bench.options.rounds; round++) {
    readings.push(...(await readAll(bench, side.target, people)))
    bench.progress(`round ${round} is done`)
  }
  await side.stop()
  await bench.database.drop(database)
  return { title: 'list', notes: NOTES, tables: LIMITS.map(limit => table(limit, readings)) }
}

/** Read the list of each person with each limit. */
async function readAll(bench: Bench, target: Target, people: readonly SeededList[]): Promise<Reading[]> {
  const { seconds } = bench.options
  const readings: Reading[] = []
  for (const limit of LIMITS) {
    for (const { user, conversations } of people) {
      const timing = await bench.load('readList', { target, user, limit, seconds })
      readings.push({ ...timing, conversations, limit })
    }
  }
  return readings
}

function table(limit: number, all: readonly Reading[]): Table {
  const readings = (size: number | undefined) => all.filter(it => it.limit === limit && it.conversations === size)
  const p50s = (list: readonly Timing[]) => list.map(({ p50Ms }) => p50Ms)
  const rows = SIZES.map(size => [
    figure(size),
    figure(median(p50s(readings(size)))),
    figure(median(readings(size).map(({ p99Ms }) => p99Ms))),
    withSpread(ratios(p50s(readings(size)), p50s(readings(SIZES[0]))))
  ])
  const columns = ['conversations', 'p50 ms', 'p99 ms', 'p50 to the fewest']
  return { title: `The first page (up to ${limit} conversations, REST)`, columns, rows }
}

const NOTES = [
  `One person, one call at a time, with ${figure(MESSAGES)} messages stored; a first round that does not count warms ` +
    'the server and the database up. The ratio is that of the p50s, round by round.'
]
