import type { Bench } from './bench.ts'
import type { Cost } from './load/window.ts'
import type { Section } from './report.ts'
import { figure, median, ratios, withSpread } from './stats.ts'

const ITEMS = 100_000
const SERVERS = [1, 2]

/** A backlog of leased work, drained by one server and by two, and what a server costs beside one that is not due. */
export async function runJobs(bench: Bench): Promise<Section> {
  const drained = SERVERS.map(servers => ({ servers, rounds: [] as Cost[] }))
  const idle: Cost[] = []
  for (let round = 1; round <= bench.options.rounds; round++) {
    for (const { servers, rounds } of drained) rounds.push(await drain(bench, servers))
    idle.push(await watch(bench))
    bench.progress(`round ${round} is done`)
  }
  const [alone = []] = drained.map(({ rounds }) => rounds.map(speed))
  const rows = drained.map(({ servers, rounds }) => [
    `${servers}`,
    ...[speed, perNode, perMongod].map(of => figure(median(rounds.map(of)))),
    withSpread(ratios(rounds.map(speed), alone))
  ])
  const perSecond = (of: (cost: Cost) => number) => figure(median(idle.map(cost => of(cost) / cost.seconds)))
  return {
    title: 'jobs',
    notes: NOTES,
    tables: [
      {
        title: `${figure(ITEMS)} items that are due`,
        columns: ['servers', 'items/s', 'per node CPU s', 'per mongod CPU s', 'items/s to one server'],
        rows
      },
      {
        title: `A server beside ${figure(ITEMS)} items of which none is due`,
        columns: ['node CPU ms/s', 'mongod CPU ms/s'],
        rows: [[perSecond(({ serverCpuMs }) => serverCpuMs), perSecond(({ mongodCpuMs }) => mongodCpuMs)]]
      }
    ]
  }
}

const NOTES = [
  'Items whose runs do nothing, 100 at a time on each server; each is leased, run and removed with a majority and the ' +
    'journal. The `mongod` of the idle server includes what an idle `mongod` uses anyway.'
]

const speed = ({ seconds }: Cost) => ITEMS / seconds
const perNode = ({ serverCpuMs }: Cost) => (ITEMS * 1000) / serverCpuMs
const perMongod = ({ mongodCpuMs }: Cost) => (ITEMS * 1000) / mongodCpuMs

async function drain(bench: Bench, servers: number): Promise<Cost> {
  const { params, drop } = await seed(bench, 0)
  const costs = await Promise.all(Array.from({ length: servers }, async () => await bench.load('drainJobs', params)))
  await drop()
  const done = costs.reduce((sum, cost) => sum + cost.done, 0)
  if (done !== ITEMS) throw new Error(`${done} runs of ${ITEMS} items`)
  const most = (of: (cost: Cost) => number) => Math.max(...costs.map(of))
  return {
    seconds: most(({ seconds }) => seconds),
    serverCpuMs: costs.reduce((sum, { serverCpuMs }) => sum + serverCpuMs, 0),
    mongodCpuMs: most(({ mongodCpuMs }) => mongodCpuMs),
    loadCpuMs: 0
  }
}

async function watch(bench: Bench): Promise<Cost> {
  const { params, drop } = await seed(bench, 3_600_000)
  const cost = await bench.load('watchJobs', { ...params, seconds: bench.options.seconds })
  await drop()
  return cost
}

/** Items in a database of their own. */
async function seed(bench: Bench, inMs: number) {
  const { database } = bench
  const name = bench.newDatabase()
  const params = { mongoUri: database.uri(name), mongodPid: database.pid, items: ITEMS }
  await bench.load('seedJobs', { ...params, inMs })
  return { params, drop: async () => await database.drop(name) }
}
