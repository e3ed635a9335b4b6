import type { Bench } from './bench.ts'
import type { StormResult } from './load/come-back.ts'
import type { Section } from './report.ts'
import { figure } from './stats.ts'
import { type StormRound, stormTable, talkThrough } from './storm.ts'

const SHAPE = { clients: 1000, conversationsPerClient: 5, behind: 200 } as const

/** Everybody comes back at once, and somebody else goes on talking. */
export async function runCatchUp(bench: Bench): Promise<Section> {
  const side = await bench.startParley()
  const { target } = side
  bench.progress('writing what will have been missed')
  const { laggards, bystanders: conversation } = await bench.load('seedCatchUp', { target, ...SHAPE })
  const rounds: StormRound<StormResult>[] = []
  for (let number = 1; number <= bench.options.rounds; number++) {
    const round = await talkThrough(bench, { target, conversation }, () => bench.load('comeBack', { target, laggards }))
    rounds.push(round)
    const { meanwhile, storm } = round
    bench.progress(`round ${number}: level after ${figure(storm.seconds)} s, p99 ${figure(meanwhile.p99Ms)} ms`)
  }
  await side.stop()
  return section(rounds)
}

function section(rounds: readonly StormRound<StormResult>[]): Section {
  return {
    title: 'catchup',
    notes: [
      `${figure(SHAPE.clients)} clients connect at once, each ${SHAPE.behind} messages behind in each of ` +
        `${SHAPE.conversationsPerClient} conversations, and pull until they are level. Meanwhile a bystander sends in ` +
        'a closed loop; the ratio is its p99 to that of the quiet stretch just before.'
    ],
    tables: [
      stormTable('Coming back', rounds, {
        'all level after, s': ({ storm }) => storm.seconds,
        'items pulled': ({ storm }) => storm.items,
        'items per server CPU s': ({ storm }) => (storm.items * 1000) / storm.serverCpuMs,
        'items per server+mongod CPU s': ({ storm }) => (storm.items * 1000) / (storm.serverCpuMs + storm.mongodCpuMs),
        'load CPU s': ({ storm }) => storm.loadCpuMs / 1000,
        'bystander p50 in quiet, ms': ({ quiet }) => quiet.p50Ms,
        'bystander p99 in quiet, ms': ({ quiet }) => quiet.p99Ms,
        'bystander p50 meanwhile, ms': ({ meanwhile }) => meanwhile.p50Ms,
        'bystander p99 meanwhile, ms': ({ meanwhile }) => meanwhile.p99Ms
      })
    ]
  }
}
