import type { Bench, Side } from './bench.ts'
import type { IdleResult } from './load/idle.ts'
import type { Section } from './report.ts'
import { figure, median, ratios, withSpread } from './stats.ts'

const CONNECTIONS = 10_000
const PARTS = ['residentBytes', 'liveBytes'] as const

/** Sides and how they are started; the first of each pair is the peer. */
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
  const results = new Map<SideName, IdleResult[]>()
  for (let round = 1; round <= bench.options.rounds; round++) {
    for (const name of PAIRS.flat()) {
      const measured = await measure(bench, name)
      results.set(name, [...(results.get(name) ?? []), measured])
      const [resident, live] = [figure(measured.residentBytes), figure(measured.liveBytes)]
      bench.progress(`round ${round}, ${name}: ${resident} bytes resident, ${live} alive`)
    }
  }
  const of = (name: SideName, part: keyof IdleResult) => (results.get(name) ?? []).map(it => it[part])
  const rows = PAIRS.flatMap(([peer, ours]) => [
    [peer, ...PARTS.flatMap(part => [figure(median(of(peer, part))), ''])],
    [
      ours,
      ...PARTS.flatMap(part => [figure(median(of(ours, part))), withSpread(ratios(of(ours, part), of(peer, part)))])
    ]
  ])
  return {
    title: 'idle',
    notes: [
      `Memory of the server with ${figure(CONNECTIONS)} idle connections less that without, after garbage ` +
        'collection both times, per connection: what the process holds, and what of that is alive. The rest are gaps ' +
        'that connecting has left. Parley’s connections are authenticated, each as a person of its own whom the ' +
        'server sees for the first time.'
    ],
    tables: [{ title: 'Bytes per connection', columns: ['', 'resident', 'ratio', 'alive', 'ratio'], rows }]
  }
}

async function measure(bench: Bench, name: SideName): Promise<IdleResult> {
  const side = await SIDES[name](bench)
  const result = await bench.load('holdIdle', { target: side.target, connections: CONNECTIONS })
  await side.stop()
  return result
}
