import type { Bench } from './bench.ts'
import { compare } from './compare.ts'
import { type IndexFigures, WAYS } from './load/search-index.ts'
import type { SentAndIndexed } from './load/send-and-index.ts'
import type { Section, Table } from './report.ts'
import type { Metric } from './rounds.ts'
import { figure, median } from './stats.ts'

const COMPARED = [1e4, 5e4]
const SIZES = [1e4, 1e5, 1e6]
const QUERIES = 300
/** Pause between two runs of the indexing that never comes to its end here, ms. */
const NEVER_MS = '86400000'

/** Ways to index what was said, side by side. */
export async function runSearch(bench: Bench): Promise<Section> {
  const tables: Table[] = []
  for (const messages of COMPARED) {
    const rounds: IndexFigures[] = []
    for (let round = 1; round <= Math.min(2, bench.options.rounds); round++) {
      rounds.push(...(await compareWays(bench, messages)))
      bench.progress(`${figure(messages)} messages, round ${round} is done`)
    }
    tables.push(table(messages, rounds))
  }
  tables.push(await sending(bench), await searches(bench))
  return { title: 'search', notes: NOTES, tables }
}

const NOTES = [
  'One person in 200 conversations, sentences of eight words by Zipf’s law, 150 queries of one word, the newest 20 ' +
    'messages of each. Bytes are those on disk beside the messages; CPU is that of indexing alone.',
  'Searches over REST are one after the other: a third each for the beginning of a word, a whole word, and two words. A ' +
    'search takes as many requests as it needs until its first page is full or everything was looked at.'
]

const METRICS: readonly Metric<SentAndIndexed>[] = [
  { title: 'messages/s', isMoreBetter: true, of: ({ perSecond }) => perSecond },
  { title: 'server CPU µs a message', isMoreBetter: false, of: it => (it.serverCpuMs * 1_000) / it.messages },
  {
    title: 'server+mongod CPU µs a message',
    isMoreBetter: false,
    of: it => ((it.serverCpuMs + it.mongodCpuMs) * 1_000) / it.messages
  }
]

/** Sending while what is sent is indexed, and without. */
async function sending(bench: Bench): Promise<Table> {
  const off = { side: 'search off', results: [] as SentAndIndexed[] }
  const on = { side: 'search on', results: [] as SentAndIndexed[] }
  const { rounds, seconds } = bench.options
  for (let round = 1; round <= rounds; round++) {
    for (const { side, results } of [off, on]) {
      const isIndexed = side === on.side
      const { target, stop } = await bench.startParley({ env: { TIMINGS_INDEX_MS: isIndexed ? '500' : NEVER_MS } })
      results.push(await bench.load('sendAndIndex', { target, seconds, isIndexed }))
      await stop()
    }
    bench.progress(`round ${round} of sending is done`)
  }
  return compare('Sending, 20 senders in pairs, indexing included', [off, on], METRICS)
}

async function searches(bench: Bench): Promise<Table> {
  const rows: string[][] = []
  let fewest: number | undefined
  for (const messages of SIZES) {
    const { bytes, p50Ms, p95Ms, requests } = await measure(bench, messages)
    fewest ??= p95Ms
    rows.push([messages, bytes, p50Ms, p95Ms, p95Ms / fewest, requests].map(figure))
    bench.progress(`searched ${figure(messages)} messages`)
  }
  const columns = ['messages', 'bytes of index a message', 'p50 ms', 'p95 ms', 'p95 to the fewest', 'requests a search']
  return { title: `Searches over REST, the newest page of 20`, columns, rows }
}

async function measure(bench: Bench, messages: number) {
  const database = bench.newDatabase()
  const first = await bench.startParley({ database })
  const user = await bench.load('seedSearch', { target: first.target, messages })
  await first.stop()
  const { target, stop } = await bench.startParley({ database, env: { TIMINGS_INDEX_MS: '500' } })
  const bytes = await bench.load('awaitIndex', { target, messages })
  await bench.load('readSearch', { target, user, queries: QUERIES / 10 })
  const times = await bench.load('readSearch', { target, user, queries: QUERIES })
  await stop()
  await bench.database.drop(database)
  return { bytes, ...times }
}

async function compareWays(bench: Bench, messages: number): Promise<IndexFigures[]> {
  const { database } = bench
  const name = bench.newDatabase()
  const params = { mongoUri: database.uri(name), mongodPid: database.pid, messages }
  const figures = await bench.load('compareIndexes', params)
  await database.drop(name)
  return figures
}

function table(messages: number, rounds: readonly IndexFigures[]): Table {
  const rows = WAYS.map(way => {
    const of = (part: (figures: IndexFigures) => number) =>
      figure(median(rounds.filter(it => it.way === way).map(part)))
    return [
      way,
      of(it => it.bytesPerMessage),
      of(it => it.nodeUsPerMessage),
      of(it => it.mongodUsPerMessage),
      of(it => it.p50Ms),
      of(it => it.p95Ms)
    ]
  })
  const columns = ['', 'bytes a message', 'node CPU µs', 'mongod CPU µs', 'query p50 ms', 'query p95 ms']
  return { title: `${figure(messages)} messages`, columns, rows }
}
