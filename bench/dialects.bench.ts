import type { Bench } from './bench.ts'
import { ALL_DIALECTS, compare, FANNED_OUT, SENT } from './compare.ts'
import type { FanoutResult } from './load/fanout.ts'
import type { TrafficResult } from './load/traffic.ts'
import type { Section } from './report.ts'
import { figure } from './stats.ts'

const SEND = { senders: 200, members: 2, inFlight: 1, isWatched: false }
const FAN_OUT = { members: 1_000, rate: 200, maxUnderWay: 100 }
/** Values of `DIALECTS`, one for each side; the last one is the first again, and shows the noise. */
const SIDES = [
  { side: 'none', dialects: 'none' },
  { side: 'all', dialects: ALL_DIALECTS },
  { side: 'none again', dialects: 'none' }
] as const

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
      compare(`${SEND.senders} senders in pairs`, sent, SENT),
      compare(`${figure(FAN_OUT.members)} members, ${FAN_OUT.rate} messages/s`, fannedOut, FANNED_OUT)
    ]
  }
}
