import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from './bench.ts'
import type { StormResult } from './load/come-back.ts'
import type { TalkResult } from './load/talk.ts'
import type { Section } from './report.ts'
import { figure, median, ratios, withSpread } from './stats.ts'

const SHAPE = { clients: 1000, conversationsPerClient: 5, behind: 200 } as const
/** For the bystander to connect and warm up before the others come. */
const LEAD_MS = 1_500

interface Round {
  readonly quiet: TalkResult
  readonly meanwhile: TalkResult
  readonly storm: StormResult
}

/** Everybody comes back at once, and somebody else goes on talking. */
export async function runCatchUp(bench: Bench): Promise<Section> {
  const side = await bench.startParley()
  const { target } = side
  bench.progress('writing what will have been missed')
  const { laggards, bystanders: conversation } = await bench.load('seedCatchUp', { target, ...SHAPE })
  const rounds: Round[] = []
  for (let number = 1; number <= bench.options.rounds; number++) {
    const talk = (until: Promise<unknown>) =>
      bench.load('talk', { target, conversation, countFrom: Date.now() + LEAD_MS }, until)
    const quiet = await talk(sleep(LEAD_MS + bench.options.seconds * 1000))
    const coming = sleep(LEAD_MS).then(() => bench.load('comeBack', { target, laggards }))
    const [meanwhile, storm] = await Promise.all([talk(coming), coming])
    rounds.push({ quiet, meanwhile, storm })
    bench.progress(`round ${number}: level after ${figure(storm.seconds)} s, p99 ${figure(meanwhile.p99Ms)} ms`)
  }
  await side.stop()
  return section(rounds)
}

function section(rounds: readonly Round[]): Section {
  const of = (read: (round: Round) => number) => rounds.map(read)
  const row = (name: string, read: (round: Round) => number) => [name, figure(median(of(read)))]
  const ratio = ratios(
    of(({ meanwhile }) => meanwhile.p99Ms),
    of(({ quiet }) => quiet.p99Ms)
  )
  return {
    title: 'catchup',
    notes: [
      `${figure(SHAPE.clients)} clients connect at once, each ${SHAPE.behind} messages behind in each of ` +
        `${SHAPE.conversationsPerClient} conversations, and pull until they are level. Meanwhile a bystander sends in ` +
        'a closed loop; the ratio is its p99 to that of the quiet stretch just before.'
    ],
    tables: [
      {
        title: 'Coming back',
        columns: ['', 'figure'],
        rows: [
          row('all level after, s', ({ storm }) => storm.seconds),
          row('items pulled', ({ storm }) => storm.items),
          row('items per server CPU s', ({ storm }) => (storm.items * 1000) / storm.serverCpuMs),
          row(
            'items per server+mongod CPU s',
            ({ storm }) => (storm.items * 1000) / (storm.serverCpuMs + storm.mongodCpuMs)
          ),
          row('load CPU s', ({ storm }) => storm.loadCpuMs / 1000),
          row('bystander p50 in quiet, ms', ({ quiet }) => quiet.p50Ms),
          row('bystander p99 in quiet, ms', ({ quiet }) => quiet.p99Ms),
          row('bystander p50 meanwhile, ms', ({ meanwhile }) => meanwhile.p50Ms),
          row('bystander p99 meanwhile, ms', ({ meanwhile }) => meanwhile.p99Ms),
          ['p99 meanwhile to quiet', withSpread(ratio)]
        ]
      }
    ]
  }
}
