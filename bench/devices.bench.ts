import type { Bench } from './bench.ts'
import type { Cost } from './load/window.ts'
import type { Section } from './report.ts'
import { figure } from './stats.ts'
import { type StormRound, stormTable, talkThrough } from './storm.ts'

const SHAPE = { devices: 100, conversationsPerDevice: 5 } as const
/** Messages that each device has missed in each conversation. */
const BEHIND = 200
const MISSED = BEHIND * SHAPE.conversationsPerDevice

/** Apps that keep no cursors come back at once, each long behind, and somebody else goes on talking. */
export async function runDevices(bench: Bench): Promise<Section> {
  const { target, stop } = await bench.startParley()
  bench.progress('setting the scene')
  const { devices, conversations, bystanders } = await bench.load('seedDevices', { target, ...SHAPE })
  const rounds: StormRound<Cost>[] = []
  for (let number = 1; number <= bench.options.rounds; number++) {
    const after = 1 + (number - 1) * BEHIND
    await bench.load('authorMissed', { target, conversations, count: BEHIND, after })
    const storming = { target, devices, conversations: SHAPE.conversationsPerDevice, last: after + BEHIND }
    const round = await talkThrough(bench, { target, conversation: bystanders }, () =>
      bench.load('comeBackDevices', storming)
    )
    rounds.push(round)
    const { quiet, meanwhile, storm } = round
    bench.progress(
      `round ${number}: level after ${figure(storm.seconds)} s, p99 ${figure(quiet.p99Ms)} → ${figure(meanwhile.p99Ms)} ms`
    )
  }
  await stop()
  return section(rounds)
}

function section(rounds: readonly StormRound<Cost>[]): Section {
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
      stormTable('Coming back without cursors', rounds, {
        'all level after, s': ({ storm }) => storm.seconds,
        'messages per server CPU s': ({ storm }) => (sent * 1000) / storm.serverCpuMs,
        'messages per server+mongod CPU s': ({ storm }) => (sent * 1000) / (storm.serverCpuMs + storm.mongodCpuMs),
        'load CPU s': ({ storm }) => storm.loadCpuMs / 1000,
        'bystander p99 in quiet, ms': ({ quiet }) => quiet.p99Ms,
        'bystander p99 meanwhile, ms': ({ meanwhile }) => meanwhile.p99Ms
      })
    ]
  }
}
