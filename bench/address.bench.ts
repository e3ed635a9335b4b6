import type { Bench } from './bench.ts'
import type { Section } from './report.ts'
import { figure } from './stats.ts'

const PEOPLE = 1_000
/** Time in which all of them come, if they come as fast as is promised; `--seconds` of 600 is that. */
const PROMISED_S = 600

/** A school behind one address comes in the morning, while somebody elsewhere tries the passwords of ten pupils. */
export async function runAddress(bench: Bench): Promise<Section> {
  const side = await bench.startParley({
    hasDefaultLimits: true,
    env: { TRUST_PROXY: 'loopback', DEFAULT_REGION: 'DE', OTP_DELIVERY: 'log', LOG_LEVEL: 'fatal' }
  })
  const { target } = side
  const people = await bench.load('seedSchool', { target, people: PEOPLE })
  bench.progress(`${people} people come within ${bench.options.seconds} s`)
  const result = await bench.load('openSchool', { target, people, withinMs: bench.options.seconds * 1_000 })
  await side.stop()
  const { refused, signInP50Ms, signInP99Ms, ...counts } = result
  const refusals = Object.entries(refused).map(([what, times]) => `${what}: ${times}`)
  return {
    title: 'address',
    notes: [
      `${PEOPLE} people behind one address, at the default limits, sign in by password within ${bench.options.seconds} s ` +
        `(promised are ${PROMISED_S}), open an event stream, refresh, and show a QR code; meanwhile a stranger on another ` +
        'network tries passwords and codes of ten of them without a pause.'
    ],
    tables: [
      {
        title: 'Behind one address',
        columns: ['', 'figure'],
        rows: [
          ...Object.entries(counts).map(([name, count]) => [name, figure(count)]),
          ['sign-in p50, ms', figure(signInP50Ms)],
          ['sign-in p99, ms', figure(signInP99Ms)],
          ['refused', refusals.length === 0 ? 'nobody' : refusals.join('; ')]
        ]
      }
    ]
  }
}
