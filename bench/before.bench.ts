import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Bench } from './bench.ts'
import type { FanoutResult } from './load/fanout.ts'
import type { TrafficResult } from './load/traffic.ts'
import type { Section, Table } from './report.ts'
import { type Metric, medianRow, ratioRow } from './rounds.ts'
import { figure } from './stats.ts'

const SENDS = [
  { senders: 1, members: 2, inFlight: 1, isWatched: false },
  { senders: 20, members: 10, inFlight: 1, isWatched: false },
  { senders: 200, members: 2, inFlight: 1, isWatched: false },
  { senders: 200, members: 10, inFlight: 1, isWatched: false }
]
const FAN_OUTS = [
  { members: 100, rate: 0, maxUnderWay: 100 },
  { members: 1_000, rate: 0, maxUnderWay: 100 },
  { members: 1_000, rate: 200, maxUnderWay: 100 }
]
/** Values of `DIALECTS`: each load is measured with all of them served, and with none. */
const DIALECTS = { all: 'mobile,unified,chatapp,reals2chat,taatom', none: 'none' }
type Dialects = keyof typeof DIALECTS

const SENT: readonly Metric<TrafficResult>[] = [
  { title: 'messages/s', isMoreBetter: true, of: ({ acked, seconds }) => acked / seconds },
  { title: 'ack p50 ms', isMoreBetter: false, of: ({ ackP50Ms }) => ackP50Ms },
  { title: 'per server CPU s', isMoreBetter: true, of: ({ acked, serverCpuMs }) => (acked * 1000) / serverCpuMs }
]
const FANNED_OUT: readonly Metric<FanoutResult>[] = [
  { title: 'deliveries/s', isMoreBetter: true, of: ({ deliveries, seconds }) => deliveries / seconds },
  {
    title: 'per server CPU s',
    isMoreBetter: true,
    of: ({ deliveries, serverCpuMs }) => (deliveries * 1000) / serverCpuMs
  }
]

/** A load, and what it gave at each side, round by round. */
interface Pair<Result> {
  readonly title: string
  readonly metrics: readonly Metric<Result>[]
  readonly measure: (script: string | undefined) => Promise<Result>
  readonly before: Result[]
  readonly now: Result[]
}

/**
 * This server and that of another checkout (`--before <folder>`, built), in turn under the same load. A side is
 * started anew for each measurement, and the order changes from round to round.
 */
export async function runBefore(bench: Bench): Promise<Section> {
  const folder = bench.options.before ?? ''
  const script = ['dist/server/main.js', 'dist/src/main.js'].map(it => resolve(join(folder, it))).find(existsSync)
  if (script === undefined) throw new Error('Name another checkout that is built: --before <folder>')
  const dialects = Object.keys(DIALECTS) as Dialects[]
  const sends = dialects.flatMap(served => SENDS.map(shape => sendPair(bench, shape, served)))
  const fanOuts = dialects.flatMap(served => FAN_OUTS.map(shape => fanOutPair(bench, shape, served)))
  for (let round = 1; round <= bench.options.rounds; round++) {
    for (const pair of sends) await measure(pair, script, round)
    for (const pair of fanOuts) await measure(pair, script, round)
    bench.progress(`round ${round} is done`)
  }
  const notes = ['This server and that of an earlier commit in turn, under the same load.']
  return { title: 'before', notes, tables: [...sends.map(table), ...fanOuts.map(table)] }
}

function sendPair(bench: Bench, shape: (typeof SENDS)[number], served: Dialects): Pair<TrafficResult> {
  return {
    title: `${shape.senders} senders, conversations of ${shape.members}, dialects: ${served}`,
    metrics: SENT,
    measure: async script => {
      const side = await bench.startParley({ script, env: { DIALECTS: DIALECTS[served] } })
      const { seconds } = bench.options
      const result = await bench.load('sendClosedLoop', { target: side.target, ...shape, seconds })
      await side.stop()
      return result
    },
    before: [],
    now: []
  }
}

function fanOutPair(bench: Bench, shape: (typeof FAN_OUTS)[number], served: Dialects): Pair<FanoutResult> {
  const rate = shape.rate === 0 ? 'one message at a time' : `${shape.rate} messages/s`
  return {
    title: `${figure(shape.members)} members, ${rate}, dialects: ${served}`,
    metrics: FANNED_OUT,
    measure: async script => {
      const side = await bench.startParley({ script, env: { DIALECTS: DIALECTS[served] } })
      const { seconds } = bench.options
      const result = await bench.load('fanOut', { target: side.target, ...shape, seconds })
      await side.stop()
      return result
    },
    before: [],
    now: []
  }
}

async function measure<Result>(pair: Pair<Result>, script: string, round: number): Promise<void> {
  const isNowFirst = round % 2 === 0
  if (isNowFirst) pair.now.push(await pair.measure(undefined))
  pair.before.push(await pair.measure(script))
  if (!isNowFirst) pair.now.push(await pair.measure(undefined))
}

function table<Result>({ title, metrics, before, now }: Pair<Result>): Table {
  const [earlier, ours] = [
    { side: 'before', results: before },
    { side: 'now', results: now }
  ]
  return {
    title,
    columns: ['', ...metrics.map(it => it.title)],
    rows: [
      ...[earlier, ours].map(series => [series.side, ...medianRow(series, metrics)]),
      ['ratio', ...ratioRow(ours, [earlier], metrics)]
    ]
  }
}
