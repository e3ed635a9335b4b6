import type { Bench } from './bench.ts'
import { compare, FANNED_OUT } from './compare.ts'
import type { FanoutResult } from './load/fanout.ts'
import type { Section, Table } from './report.ts'
import { type Metric, medianRow, ratioRow, type Series } from './rounds.ts'
import { figure } from './stats.ts'

const MEMBERS = [100, 1000, 5000]
const RATES = [0, 200]
const PICTURE_MEMBERS = 1_000
/** Messages under way at a time at most, so that neither side queues more than its clients can take. */
const MAX_UNDER_WAY = 100
const METRICS: readonly Metric<FanoutResult>[] = [
  ...FANNED_OUT,
  {
    title: 'per server+mongod CPU s',
    isMoreBetter: true,
    of: ({ deliveries, serverCpuMs, mongodCpuMs }) => (deliveries * 1000) / (serverCpuMs + mongodCpuMs)
  },
  { title: 'messages/s', isMoreBetter: true, of: ({ completed, seconds }) => completed / seconds },
  { title: 'frame bytes', isMoreBetter: false, of: ({ frameBytes }) => frameBytes }
]

interface Shape {
  readonly members: number
  readonly rate: number
  readonly ours: FanoutResult[]
  readonly theirs: FanoutResult[]
}

/** Fan-out to many connected members, against bare `ws` that sends one prepared Buffer in a loop. */
export async function runFanout(bench: Bench): Promise<Section> {
  const shapes = MEMBERS.flatMap(members => RATES.map((rate): Shape => ({ members, rate, ours: [], theirs: [] })))
  for (let round = 1; round <= bench.options.rounds; round++) {
    for (const shape of shapes) {
      const ours = await measure(bench, shape)
      const theirs = await measure(bench, shape, { bareFrameBytes: ours.frameBytes })
      shape.ours.push(ours)
      shape.theirs.push(theirs)
      const perCpu = [ours, theirs].map(({ deliveries, serverCpuMs }) => figure((deliveries * 1000) / serverCpuMs))
      bench.progress(`round ${round}, ${titleOf(shape)}: ${perCpu.join(' and ')} deliveries per server CPU second`)
    }
  }
  return { title: 'fanout', notes: NOTES, tables: [...shapes.map(table), await pictures(bench)] }
}

/** Messages with a picture, against those with a text alone. */
async function pictures(bench: Bench): Promise<Table> {
  const text: Series<FanoutResult> & { results: FanoutResult[] } = { side: 'text', results: [] }
  const picture: Series<FanoutResult> & { results: FanoutResult[] } = { side: 'picture', results: [] }
  for (let round = 1; round <= bench.options.rounds; round++) {
    for (const { side, results } of [text, picture]) {
      results.push(await measure(bench, { members: PICTURE_MEMBERS, rate: 0 }, { hasPicture: side === 'picture' }))
    }
    bench.progress(`round ${round} of pictures is done`)
  }
  return compare(`${figure(PICTURE_MEMBERS)} members, one message with a picture at a time`, [text, picture], METRICS)
}

const NOTES = [
  'One person sends to a conversation of connected members; bare `ws` sends one prepared Buffer of the same size to ' +
    'every connection in a loop and stores nothing, Parley commits each message first. One at a time: the next ' +
    `message leaves when the last one has reached everybody. At a rate: at most ${MAX_UNDER_WAY} messages are under ` +
    'way, so where a side cannot keep up, the rate falls instead of a queue growing.'
]

/** @param bareFrameBytes given: measures bare `ws` with frames of this size; else Parley */
async function measure(
  bench: Bench,
  { members, rate }: Pick<Shape, 'members' | 'rate'>,
  { bareFrameBytes, hasPicture = false }: { bareFrameBytes?: number; hasPicture?: boolean } = {}
): Promise<FanoutResult> {
  const side = bareFrameBytes === undefined ? await bench.startParley() : await bench.startBareWs(bareFrameBytes)
  const { seconds } = bench.options
  const params = { target: side.target, members, rate, maxUnderWay: MAX_UNDER_WAY, seconds, hasPicture }
  const result = await bench.load('fanOut', params)
  await side.stop()
  return result
}

const titleOf = ({ members, rate }: Shape) =>
  `${figure(members)} members, ${rate === 0 ? 'one message at a time' : `${rate} messages/s`}`

function table(shape: Shape): Table {
  const ours = { side: 'Parley', results: shape.ours }
  const theirs = { side: 'bare ws', results: shape.theirs }
  return {
    title: titleOf(shape),
    columns: ['', ...METRICS.map(({ title }) => title)],
    rows: [
      ['bare ws', ...medianRow(theirs, METRICS)],
      ['Parley', ...medianRow(ours, METRICS)],
      ['ratio', ...ratioRow(ours, [theirs], METRICS)]
    ]
  }
}
