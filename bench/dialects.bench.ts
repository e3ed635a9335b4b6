import type { Bench } from './bench.ts'
import type { FanoutResult } from './load/fanout.ts'
import type { TrafficResult } from './load/traffic.ts'
import type { Section, Table } from './report.ts'
import { type Metric, medianRow, ratioRow } from './rounds.ts'
import { figure } from './stats.ts'

const SEND = { senders: 200, members: 2, inFlight: 1, isWatched: false }
const FAN_OUT = { members: 1_000, rate: 200, maxUnderWay: 100 }
/** Values of `DIALECTS`, one for each side; the last one is the first again, and shows the noise. */
const SIDES = [
  { side: 'none', dialects: 'none' },
  { side: 'all', dialects: 'mobile,unified,chatapp,reals2chat,taatom' },
  { side: 'none again', dialects: 'none' }
] as const

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

/** Cost to canonical connections of dialects that are served but not used. */
export async function runDialects(bench: Bench): Promise<Section> {
  const sent = SIDES.map(({ side }) => ({ side, results: [] as TrafficResult[] }))
  const fannedOut = SIDES.map(({ side }) => ({ side, results: [] as FanoutResult[] }))
  const { rounds, seconds } = bench.options
  for (let round = 1; round <= rounds; round++) {
    for (const [index, { dialects }] of SIDES.entries()) {
      const env = { DIALECTS: dialects }
      const sending = await bench.startParley({ env })
      sent[index]?.results.push(await bench.load('sendClosedLoop', { target: sending.target, ...SEND, seconds }))
      await sending.stop()
      const fanning = await bench.startParley({ env })
      fannedOut[index]?.results.push(await bench.load('fanOut', { target: fanning.target, ...FAN_OUT, seconds }))
      await fanning.stop()
    }
    bench.progress(`round ${round} is done`)
  }
  return {
    title: 'dialects',
    notes: [
      'The same canonical connections at a server that speaks all dialects and at one that speaks none (`DIALECTS`). ' +
        'The side without any is measured twice in each round: the ratio of the two is the noise.'
    ],
    tables: [
      table(`${SEND.senders} senders in pairs`, sent, SENT),
      table(`${figure(FAN_OUT.members)} members, ${FAN_OUT.rate} messages/s`, fannedOut, FANNED_OUT)
    ]
  }
}

function table<Result>(
  title: string,
  sides: readonly { readonly side: string; readonly results: readonly Result[] }[],
  metrics: readonly Metric<Result>[]
): Table {
  const [none, ...others] = sides
  const ratios = others.map(it => [`${it.side} to none`, ...ratioRow(it, none === undefined ? [] : [none], metrics)])
  return {
    title,
    columns: ['dialects', ...metrics.map(it => it.title)],
    rows: [...sides.map(it => [it.side, ...medianRow(it, metrics)]), ...ratios]
  }
}
