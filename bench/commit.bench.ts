import type { Bench } from './bench.ts'
import { type CommitResult, STRATEGIES, type StrategyName } from './load/commit.ts'
import type { Section, Table } from './report.ts'
import { type Metric, medianRow, ratioRow, type Series } from './rounds.ts'

const SENDERS = [10, 200]
const CHOSEN: StrategyName = 'group transaction with compare-and-set'
const NAMES = Object.keys(STRATEGIES) as StrategyName[]

const METRICS: readonly Metric<CommitResult>[] = [
  { title: 'messages/s', isMoreBetter: true, of: ({ committed, seconds }) => committed / seconds },
  { title: 'p50 ms', isMoreBetter: false, of: ({ p50Ms }) => p50Ms },
  { title: 'p99 ms', isMoreBetter: false, of: ({ p99Ms }) => p99Ms },
  {
    title: 'per node CPU s',
    isMoreBetter: true,
    of: ({ committed, serverCpuMs }) => (committed * 1000) / serverCpuMs
  },
  {
    title: 'per mongod CPU s',
    isMoreBetter: true,
    of: ({ committed, mongodCpuMs }) => (committed * 1000) / mongodCpuMs
  }
]

/** Ways of making messages durable, on the driver alone: what Parley’s commit path was chosen from. */
export async function runCommit(bench: Bench): Promise<Section> {
  const series = new Map<number, Map<StrategyName, CommitResult[]>>()
  for (const senders of SENDERS) series.set(senders, new Map(NAMES.map(name => [name, []])))
  for (let round = 1; round <= bench.options.rounds; round++) {
    for (const [senders, results] of series) {
      for (const [name, list] of results) list.push(await measure(bench, name, senders))
    }
    bench.progress(`round ${round} is done`)
  }
  return { title: 'commit', notes: NOTES, tables: [...series].map(([senders, results]) => table(senders, results)) }
}

const NOTES = [
  'Messages in pairs, closed loop, in one Node process on the driver itself, one lane where it does not say two. Only ' +
    `“${CHOSEN}” gives every guarantee; the ideas are measured without that claim (see \`bench/commit/\`). ` +
    'A ratio is that way of committing to the chosen one.'
]

async function measure(bench: Bench, strategy: StrategyName, senders: number): Promise<CommitResult> {
  const { database, options } = bench
  const name = bench.newDatabase()
  const params = { mongoUri: database.uri(name), mongodPid: database.pid, strategy, senders, seconds: options.seconds }
  const result = await bench.load('commitMessages', params)
  await database.drop(name)
  return result
}

function table(senders: number, results: ReadonlyMap<StrategyName, readonly CommitResult[]>): Table {
  const all = [...results].map(([side, list]): Series<CommitResult> => ({ side, results: list }))
  const chosen = all.filter(({ side }) => side === CHOSEN)
  const speed = METRICS.slice(0, 1)
  return {
    title: `${senders} senders`,
    columns: ['', ...METRICS.map(({ title }) => title), 'messages/s to the chosen'],
    rows: all.map(one => [one.side, ...medianRow(one, METRICS), ...ratioRow(one, chosen, speed)])
  }
}
