import type { Bench } from './bench.ts'
import type { Section } from './report.ts'
import { figure, median, ratios, withSpread } from './stats.ts'

const CONNECTIONS = 10_000

/** Memory per idle, authenticated connection, against bare `ws`. */
export async function runIdle(bench: Bench): Promise<Section> {
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 1; round <= bench.options.rounds; round++) {
    theirs.push(await measure(bench, 'bare'))
    ours.push(await measure(bench, 'parley'))
    bench.progress(`round ${round}: Parley ${figure(ours.at(-1) ?? 0)}, bare ws ${figure(theirs.at(-1) ?? 0)} bytes`)
  }
  return {
    title: 'idle',
    notes: [
      `Resident memory of the server with ${figure(CONNECTIONS)} idle connections less that without, after garbage ` +
        'collection both times, per connection. Parley’s connections are authenticated, each as a person of its own ' +
        'whom the server sees for the first time.'
    ],
    tables: [
      {
        title: 'Bytes per connection',
        columns: ['', 'bytes', 'ratio'],
        rows: [
          ['bare ws', figure(median(theirs)), ''],
          ['Parley', figure(median(ours)), withSpread(ratios(ours, theirs))]
        ]
      }
    ]
  }
}

async function measure(bench: Bench, kind: 'bare' | 'parley'): Promise<number> {
  const isCollectable = true
  const side =
    kind === 'bare' ? await bench.startBareWs(0, { isCollectable }) : await bench.startParley({ isCollectable })
  const { bytesPerConnection } = await bench.load('holdIdle', { target: side.target, connections: CONNECTIONS })
  await side.stop()
  return bytesPerConnection
}
