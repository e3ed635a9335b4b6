import type { Bench, Side } from './bench.ts'
import type { TrafficResult } from './load/traffic.ts'
import { findHeldRate } from './open-loop.ts'
import type { Section, Table } from './report.ts'
import { type Metric, medianRow, ratioRow, type Series } from './rounds.ts'
import { figure, median, ratios, withSpread } from './stats.ts'

/** The sides, in the order in which they run in each round. */
const SIDES = {
  'peer, embedded': (bench: Bench) => bench.startTaatom('embedded'),
  'peer, documents': (bench: Bench) => bench.startTaatom('documents'),
  Parley: (bench: Bench) => bench.startParley()
} as const satisfies Record<string, (bench: Bench) => Promise<Side>>
type SideName = keyof typeof SIDES
const SIDE_NAMES = Object.keys(SIDES) as SideName[]

interface Shape {
  readonly title: string
  readonly senders: number
  readonly members: number
  readonly inFlight: number
  readonly isWatched: boolean
}

const BUSY = { senders: 50, observers: 2, inFlight: 8 } as const
const SHAPES: readonly Shape[] = [
  ...[1, 20, 200].flatMap(senders =>
    [2, 10].map(members => ({
      title: `${senders} ${senders === 1 ? 'sender' : 'senders'}, conversations of ${members}`,
      senders,
      members,
      inFlight: 1,
      isWatched: false
    }))
  ),
  {
    title: `One busy conversation of ${BUSY.senders + BUSY.observers}: ${BUSY.senders} senders, each with ${BUSY.inFlight} messages in flight`,
    senders: BUSY.senders,
    members: BUSY.senders + BUSY.observers,
    inFlight: BUSY.inFlight,
    isWatched: true
  }
]

const METRICS: readonly Metric<TrafficResult>[] = [
  { title: 'messages/s', isMoreBetter: true, of: ({ acked, seconds }) => acked / seconds },
  { title: 'delivered/s', isMoreBetter: true, of: ({ delivered, seconds }) => delivered / seconds },
  { title: 'ack p50 ms', isMoreBetter: false, of: ({ ackP50Ms }) => ackP50Ms },
  { title: 'ack p99 ms', isMoreBetter: false, of: ({ ackP99Ms }) => ackP99Ms },
  { title: 'delivered p50 ms', isMoreBetter: false, of: ({ deliveredP50Ms }) => deliveredP50Ms },
  { title: 'delivered p99 ms', isMoreBetter: false, of: ({ deliveredP99Ms }) => deliveredP99Ms },
  {
    title: 'per server CPU s',
    isMoreBetter: true,
    of: ({ acked, serverCpuMs }) => (acked * 1000) / serverCpuMs
  },
  {
    title: 'per server+mongod CPU s',
    isMoreBetter: true,
    of: ({ acked, serverCpuMs, mongodCpuMs }) => (acked * 1000) / (serverCpuMs + mongodCpuMs)
  }
]

type Rounds<Result> = Map<SideName, Result[]>

/** Persisted send to delivered, against the fifth document's server in both its layouts. */
export async function runSend(bench: Bench): Promise<Section> {
  const results = new Map<Shape, Rounds<TrafficResult>>(SHAPES.map(shape => [shape, emptyRounds()]))
  const held: Rounds<number> = emptyRounds()
  for (let round = 1; round <= bench.options.rounds; round++) {
    const sides = await startSides(bench)
    for (const [shape, rounds] of results) {
      for (const [name, side] of sides) rounds.get(name)?.push(await measure(bench, shape, name, side))
    }
    for (const [name, { target }] of sides) {
      const rate = await findHeldRate(bench, target, held.get(name)?.at(-1))
      held.get(name)?.push(rate)
      bench.progress(`round ${round}, open loop, ${name}: ${rate}/s held`)
    }
    for (const side of sides.values()) await side.stop()
  }
  const tables = [...results].flatMap(([shape, rounds]) => shapeTables(shape, rounds))
  return { title: 'send', notes: NOTES, tables: [...tables, openLoopTable(held)] }
}

const NOTES = [
  'Persisted send to delivered. The peer is `bench/peers/taatom.ts`, in both layouts; its acknowledgement is its ' +
    '`message:sent` event, Parley’s the reply. All members are connected; each sender waits for its answer before it ' +
    'sends again. A ratio is Parley to the peer’s layout that is better in that very column.'
]

function emptyRounds<Result>(): Rounds<Result> {
  return new Map(SIDE_NAMES.map(name => [name, []]))
}

async function startSides(bench: Bench): Promise<Map<SideName, Side>> {
  const sides = new Map<SideName, Side>()
  for (const name of SIDE_NAMES) sides.set(name, await SIDES[name](bench))
  return sides
}

async function measure(bench: Bench, shape: Shape, name: SideName, { target }: Side): Promise<TrafficResult> {
  const { senders, members, inFlight, isWatched, title } = shape
  const { seconds } = bench.options
  const result = await bench.load('sendClosedLoop', { target, senders, members, inFlight, seconds, isWatched })
  const { acked, refused, unanswered, undelivered } = result
  const wrong = refused + unanswered + undelivered
  const faults = wrong === 0 ? '' : `; ${refused} refused, ${unanswered} unanswered, ${undelivered} undelivered`
  bench.progress(`${title}, ${name}: ${figure(acked / result.seconds)}/s${faults}`)
  return result
}

function shapeTables(shape: Shape, rounds: Rounds<TrafficResult>): Table[] {
  const series: Series<TrafficResult>[] = [...rounds].map(([side, results]) => ({ side, results }))
  const ours = series.find(({ side }) => side === 'Parley') as Series<TrafficResult>
  const peers = series.filter(one => one !== ours)
  const rows = [
    ...series.map(one => [one.side, ...medianRow(one, METRICS)]),
    ['ratio', ...ratioRow(ours, peers, METRICS)]
  ]
  const table = { title: shape.title, columns: ['', ...METRICS.map(({ title }) => title)], rows }
  return [table, ...(shape.isWatched ? [orderTable(series)] : []), ...faultTable(shape, series)]
}

function orderTable(series: readonly Series<TrafficResult>[]): Table {
  const sum = (results: readonly TrafficResult[], of: (result: TrafficResult) => number) =>
    figure(results.reduce((total, result) => total + of(result), 0))
  return {
    title: 'Order in the busy conversation, all rounds together',
    columns: ['', 'overtaken', 'doubled', 'observers that disagree'],
    rows: series.map(({ side, results }) => [
      side,
      sum(results, ({ overtaken }) => overtaken),
      sum(results, ({ doubled }) => doubled),
      sum(results, ({ disagreeing }) => disagreeing)
    ])
  }
}

/** Only where something went wrong. */
function faultTable({ title }: Shape, series: readonly Series<TrafficResult>[]): Table[] {
  const rows = series
    .map(({ side, results }) => {
      const total = (of: (result: TrafficResult) => number) => results.reduce((sum, result) => sum + of(result), 0)
      return [side, total(r => r.refused), total(r => r.unanswered), total(r => r.undelivered)] as const
    })
    .filter(([, ...faults]) => faults.some(count => count > 0))
    .map(row => row.map(String))
  const columns = ['', 'refused', 'unanswered', 'undelivered after 5 s']
  return rows.length === 0 ? [] : [{ title: `What went wrong (${title})`, columns, rows }]
}

function openLoopTable(held: Rounds<number>): Table {
  const ours = held.get('Parley') ?? []
  const rows = [...held].map(([side, rates]) => {
    return [side, figure(median(rates)), side === 'Parley' ? '' : withSpread(ratios(ours, rates))]
  })
  return {
    title:
      'Open loop: highest rate held, messages/s (p99 of acknowledgement and delivery under 250 ms, 200 senders in pairs)',
    columns: ['', 'messages/s', 'Parley to this'],
    rows
  }
}
