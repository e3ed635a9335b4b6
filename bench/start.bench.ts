import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench, Side, SideOptions } from './bench.ts'
import { cpuMs, rssBytes } from './process.ts'
import type { Section } from './report.ts'
import { type Metric, medianRow, ratioRow, type Series } from './rounds.ts'

const REST_MS = 3_000
/** Parley as an operator starts it: production, defaults, and the least that these ask for. */
const PRODUCTION = {
  NODE_ENV: 'production',
  LOG_LEVEL: 'info',
  AUTH_AUTOPROVISION: 'false',
  OTP_DELIVERY: 'webhook',
  OTP_WEBHOOK_URL: 'https://codes.example.com',
  OTP_WEBHOOK_SECRET: 'a secret of the benchmark'
}

/** A start and the rest after it. */
interface Measured {
  readonly readyMs: number
  readonly cpuMs: number
  readonly residentBytes: number
}

const METRICS: readonly Metric<Measured>[] = [
  { title: 'ready ms', isMoreBetter: false, of: ({ readyMs }) => readyMs },
  { title: 'CPU ms until ready', isMoreBetter: false, of: it => it.cpuMs },
  { title: 'resident MB at rest', isMoreBetter: false, of: ({ residentBytes }) => residentBytes / 1e6 }
]

/** From the start of a process to its first answer that it is ready, and its memory when nobody has come. */
export async function runStart(bench: Bench): Promise<Section> {
  const peer = await prepare(bench, async options => await bench.startBareExpress(options))
  const ours = await prepare(bench, async options => await startProduction(bench, options))
  const results: { peer: Measured[]; ours: Measured[] } = { peer: [], ours: [] }
  for (let round = 1; round <= bench.options.rounds; round++) {
    results.peer.push(await measure(peer))
    results.ours.push(await measure(ours))
    bench.progress(`round ${round}: ${[results.peer.at(-1), results.ours.at(-1)].map(describe).join('; ')}`)
  }
  const bare: Series<Measured> = { side: 'Express, Socket.IO, Mongoose', results: results.peer }
  const parley: Series<Measured> = { side: 'Parley', results: results.ours }
  const rows = [bare, parley].map(series => [series.side, ...medianRow(series, METRICS)])
  return {
    title: 'start',
    notes: NOTES,
    tables: [
      {
        title: 'Start and rest',
        columns: ['', ...METRICS.map(({ title }) => title)],
        rows: [...rows, ['ratio', ...ratioRow(parley, [bare], METRICS)]]
      }
    ]
  }
}

const NOTES = [
  'From the start of the process to its first answer of 200, on a running `mongod` and a database that has its ' +
    `collections and indexes; memory ${REST_MS / 1000} s later. The peer is \`bench/peers/bare-express.ts\`: ready when it ` +
    'is connected and its indexes are ensured. Parley is started by `node dist/server/main.js`, as `npm start` does, ' +
    'with the settings of production, all dialects on, and is ready when `/health/ready` says so, which takes a committed write.'
]

/** A way to start a side on a database that an earlier start has filled. */
async function prepare(bench: Bench, start: (options: SideOptions) => Promise<Side>): Promise<() => Promise<Side>> {
  const options = { database: bench.newDatabase() }
  const first = await start(options)
  await first.stop()
  return async () => await start(options)
}

async function startProduction(bench: Bench, options: SideOptions): Promise<Side> {
  return await bench.startParley({ ...options, env: PRODUCTION, readyPath: '/health/ready' })
}

async function measure(start: () => Promise<Side>): Promise<Measured> {
  const { readyMs, target, stop } = await start()
  const pid = target.serverPid
  const used = cpuMs(pid)
  await sleep(REST_MS)
  const residentBytes = rssBytes(pid)
  await stop()
  return { readyMs, cpuMs: used, residentBytes }
}

function describe(measured: Measured | undefined): string {
  if (measured === undefined) return ''
  const { readyMs, residentBytes } = measured
  return `${Math.round(readyMs)} ms, ${Math.round(residentBytes / 1e6)} MB`
}
