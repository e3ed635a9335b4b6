import type { FanoutResult } from './load/fanout.ts'
import type { TrafficResult } from './load/traffic.ts'
import type { Table } from './report.ts'
import { type Metric, medianRow, ratioRow, type Series } from './rounds.ts'

/** Value of `DIALECTS` with which a server speaks all of them. */
export const ALL_DIALECTS = 'mobile,unified,chatapp,reals2chat,taatom'

export const SENT: readonly Metric<TrafficResult>[] = [
  { title: 'messages/s', isMoreBetter: true, of: ({ acked, seconds }) => acked / seconds },
  { title: 'ack p50 ms', isMoreBetter: false, of: ({ ackP50Ms }) => ackP50Ms },
  { title: 'per server CPU s', isMoreBetter: true, of: ({ acked, serverCpuMs }) => (acked * 1000) / serverCpuMs }
]
export const FANNED_OUT: readonly Metric<FanoutResult>[] = [
  { title: 'deliveries/s', isMoreBetter: true, of: ({ deliveries, seconds }) => deliveries / seconds },
  {
    title: 'per server CPU s',
    isMoreBetter: true,
    of: ({ deliveries, serverCpuMs }) => (deliveries * 1000) / serverCpuMs
  }
]

/** Table of servers under the same load: the medians of each, and the ratio of each other one to the first. */
export function compare<Result>(
  title: string,
  sides: readonly Series<Result>[],
  metrics: readonly Metric<Result>[]
): Table {
  const first = sides.slice(0, 1)
  const ratios = sides.slice(1).map(it => [`${it.side} to ${first[0]?.side}`, ...ratioRow(it, first, metrics)])
  return {
    title,
    columns: ['', ...metrics.map(it => it.title)],
    rows: [...sides.map(it => [it.side, ...medianRow(it, metrics)]), ...ratios]
  }
}
