import type { Bench } from './bench.ts'
import { type IndexFigures, WAYS } from './load/search-index.ts'
import type { Section, Table } from './report.ts'
import { figure, median } from './stats.ts'

const SIZES = [1e4, 5e4]

/** Ways to index what was said, side by side. */
export async function runSearch(bench: Bench): Promise<Section> {
  const tables: Table[] = []
  for (const messages of SIZES) {
    const rounds: IndexFigures[] = []
    for (let round = 1; round <= Math.min(2, bench.options.rounds); round++) {
      rounds.push(...(await compare(bench, messages)))
      bench.progress(`${figure(messages)} messages, round ${round} is done`)
    }
    tables.push(table(messages, rounds))
  }
  return { title: 'search', notes: NOTES, tables }
}

const NOTES = [
  'One person in 200 conversations, sentences of eight words by Zipf’s law, 150 queries of one word, the newest 20 ' +
    'messages of each. Bytes are those on disk beside the messages; CPU is that of indexing alone.'
]

async function compare(bench: Bench, messages: number): Promise<IndexFigures[]> {
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
