import type { Bench } from './bench.ts'
import type { TrafficResult } from './load/traffic.ts'
import type { Section } from './report.ts'
import { type Metric, medianRow, ratioRow } from './rounds.ts'
import { figure } from './stats.ts'

const SENDERS = 200
const MEMBERS = 10
const METRICS: readonly Metric<TrafficResult>[] = [
  { title: 'messages/s', isMoreBetter: true, of: ({ acked, seconds }) => acked / seconds },
  { title: 'ack p50 ms', isMoreBetter: false, of: ({ ackP50Ms }) => ackP50Ms },
  { title: 'ack p99 ms', isMoreBetter: false, of: ({ ackP99Ms }) => ackP99Ms },
  {
    title: 'per server CPU s',
    isMoreBetter: true,
    of: ({ acked, serverCpuMs }) => (acked * 1000) / serverCpuMs
  }
]

/** Two servers on one database that serve members of the same conversations, against one server. */
export async function runNodes(bench: Bench): Promise<Section> {
  const one: TrafficResult[] = []
  const two: TrafficResult[] = []
  for (let round = 1; round <= bench.options.rounds; round++) {
    one.push(await measure(bench, false))
    two.push(await measure(bench, true))
    const perSecond = [one, two].map(results => results.at(-1)).map(it => figure((it?.acked ?? 0) / (it?.seconds ?? 1)))
    bench.progress(`round ${round}: one server ${perSecond[0]}/s, two servers ${perSecond[1]}/s`)
  }
  const [single, pair] = [
    { side: 'one server', results: one },
    { side: 'two servers', results: two }
  ]
  return {
    title: 'nodes',
    notes: [
      `${SENDERS} senders in conversations of ${MEMBERS}, everybody connected. With two servers the members of each ` +
        'conversation are at both in turn, so that both commit to every conversation all the time: the worst case. ' +
        'The two servers share the same cores with `mongod` and the load.'
    ],
    tables: [
      {
        title: 'Members of the same conversations at one server and at two',
        columns: ['', ...METRICS.map(({ title }) => title)],
        rows: [
          ['one server', ...medianRow(single, METRICS)],
          ['two servers', ...medianRow(pair, METRICS)],
          ['ratio', ...ratioRow(pair, [single], METRICS)]
        ]
      }
    ]
  }
}

async function measure(bench: Bench, isPair: boolean): Promise<TrafficResult> {
  const database = bench.newDatabase()
  const first = await bench.startParley({ database })
  const other = isPair ? await bench.startParley({ database }) : undefined
  const { url, serverPid } = other?.target ?? {}
  const second = url === undefined || serverPid === undefined ? {} : { second: { url, serverPid } }
  const { seconds } = bench.options
  const load = { senders: SENDERS, members: MEMBERS, inFlight: 1, seconds, isWatched: false }
  const result = await bench.load('sendClosedLoop', { target: { ...first.target, ...second }, ...load })
  await other?.stop()
  await first.stop()
  await bench.database.drop(database)
  return result
}
