import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from './bench.ts'
import type { TalkResult } from './load/talk.ts'
import type { Cost } from './load/window.ts'
import type { Section } from './report.ts'
import { figure, median, ratios, withSpread } from './stats.ts'

const SHAPE = { devices: 100, conversationsPerDevice: 5 } as const
/** Messages that each device has missed in each conversation. */
const BEHIND = 200
const MISSED = BEHIND * SHAPE.conversationsPerDevice
/** For the bystander to connect and warm up before the others come. */
const LEAD_MS = 1_500

interface Round {
  readonly quiet: TalkResult
  readonly meanwhile: TalkResult
  readonly storm: Cost
}

/** Apps that keep no cursors come back at once, each long behind, and somebody else goes on talking. */
export async function runDevices(bench: Bench): Promise<Section> {
  const { target, stop } = await bench.startParley()
  bench.progress('setting the scene')
  const { devices, conversations, bystanders } = await bench.load('seedDevices', { target, ...SHAPE })
  const rounds: Round[] = []
  for (let number = 1; number <= bench.options.rounds; number++) {
    const after = 1 + (number - 1) * BEHIND
    await bench.load('authorMissed', { target, conversations, count: BEHIND, after })
    const talk = (until: Promise<unknown>) =>
      bench.load('talk', { target, conversation: bystanders, countFrom: Date.now() + LEAD_MS }, until)
    const quiet = await talk(sleep(LEAD_MS + bench.options.seconds * 1000))
    const storming = { target, devices, conversations: SHAPE.conversationsPerDevice, last: after + BEHIND }
    const coming = sleep(LEAD_MS).then(() => bench.load('comeBackDevices', storming))
    const [meanwhile, storm] = await Promise.all([talk(coming), coming])
    rounds.push({ quiet, meanwhile, storm })
    bench.progress(
      `round ${number}: level after ${figure(storm.seconds)} s, p99 ${figure(quiet.p99Ms)} → ${figure(meanwhile.p99Ms)} ms`
    )
  }
  await stop()
  return section(rounds)
}

function section(rounds: readonly Round[]): Section {
  const of = (read: (round: Round) => number) => rounds.map(read)
  const row = (name: string, read: (round: Round) => number) => [name, figure(median(of(read)))]
  const ratio = ratios(
    of(({ meanwhile }) => meanwhile.p99Ms),
    of(({ quiet }) => quiet.p99Ms)
  )
  const sent = SHAPE.devices * MISSED
  return {
    title: 'devices',
    notes: [
      `${SHAPE.devices} devices of apps that keep no cursors (socket.io, raw sockets and event streams in turn) connect ` +
        `at once, each ${BEHIND} messages behind in each of ${SHAPE.conversationsPerDevice} conversations, and are sent ` +
        'what they have missed. Meanwhile a bystander sends in a closed loop; the ratio is its p99 to that of the quiet ' +
        'stretch just before.'
    ],
    tables: [
      {
        title: 'Coming back without cursors',
        columns: ['', 'figure'],
        rows: [
          row('all level after, s', ({ storm }) => storm.seconds),
          row('messages per server CPU s', ({ storm }) => (sent * 1000) / storm.serverCpuMs),
          row(
            'messages per server+mongod CPU s',
            ({ storm }) => (sent * 1000) / (storm.serverCpuMs + storm.mongodCpuMs)
          ),
          row('load CPU s', ({ storm }) => storm.loadCpuMs / 1000),
          row('bystander p99 in quiet, ms', ({ quiet }) => quiet.p99Ms),
          row('bystander p99 meanwhile, ms', ({ meanwhile }) => meanwhile.p99Ms),
          ['p99 meanwhile to quiet', withSpread(ratio)]
        ]
      }
    ]
  }
}
