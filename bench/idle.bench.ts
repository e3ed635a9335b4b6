import type { Bench, Side } from './bench.ts'
import type { Section } from './report.ts'
import { figure, median, ratios, withSpread } from './stats.ts'

const CONNECTIONS = 10_000

/** How each side is started; the first of each pair is the peer. */
const SIDES = {
  'bare ws': (bench: Bench) => bench.startBareWs(0, { isCollectable: true }),
  Parley: (bench: Bench) => bench.startParley({ isCollectable: true }),
  'bare socket.io': (bench: Bench) => bench.startPackets('bare', { isCollectable: true }),
  'Parley, socket.io': (bench: Bench) => bench.startPackets('parley', { isCollectable: true })
} as const satisfies Record<string, (bench: Bench) => Promise<Side>>
type SideName = keyof typeof SIDES
const PAIRS: readonly (readonly [SideName, SideName])[] = [
  ['bare ws', 'Parley'],
  ['bare socket.io', 'Parley, socket.io']
]

/** Memory per idle, authenticated connection, against bare `ws` and bare `socket.io`. */
export async function runIdle(bench: Bench): Promise<Section> {
  const bytes = new Map<SideName, number[]>()
  for (let round = 1; round <= bench.options.rounds; round++) {
    for (const name of PAIRS.flat()) {
      const measured = await measure(bench, name)
      bytes.set(name, [...(bytes.get(name) ?? []), measured])
      bench.progress(`round ${round}, ${name}: ${figure(measured)} bytes`)
    }
  }
  const of = (name: SideName) => bytes.get(name) ?? []
  const rows = PAIRS.flatMap(([peer, ours]) => [
    [peer, figure(median(of(peer))), ''],
    [ours, figure(median(of(ours))), withSpread(ratios(of(ours), of(peer)))]
  ])
  return {
    title: 'idle',
    notes: [
      `Resident memory of the server with ${figure(CONNECTIONS)} idle connections less that without, after garbage ` +
        'collection both times, per connection. Parley’s connections are authenticated, each as a person of its own ' +
        'whom the server sees for the first time.'
    ],
    tables: [{ title: 'Bytes per connection', columns: ['', 'bytes', 'ratio'], rows }]
  }
}

async function measure(bench: Bench, name: SideName): Promise<number> {
  const side = await SIDES[name](bench)
  const { bytesPerConnection } = await bench.load('holdIdle', { target: side.target, connections: CONNECTIONS })
  await side.stop()
  return bytesPerConnection
}
