import { parseArgs } from 'node:util'
import t, { type Test } from 'tap'
import { startServer, type TestServer } from '../kit/helper.ts'
import { allDialects } from '../matrix/routes/table.ts'
import { openTestDatabase } from '../runner/test-database.ts'
import { Findings } from './findings.ts'
import { withKnown } from './known.ts'
import type { OpenApi } from './openapi.ts'
import { fuzzRest, SERVED } from './rest.ts'
import { findSchemathesis, runSchemathesis } from './schemathesis.ts'
import { fuzzSockets } from './sockets.ts'
import { ENV, World } from './world.ts'

// `npm run fuzz -- --minutes 30 --seed 7`: schemathesis asks by the OpenAPI documents, and beside it our own requests
// and commands go over REST and every socket, all to one server, until the time is over. What is not as documented
// fails. A round has a seed of its own, which is printed; with that as `--seed` it is the first one.
const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } })
const MINUTES = Number(values.minutes ?? 5)
const FIRST_SEED = Number(values.seed ?? Math.floor(Math.random() * 1e6))
/** Requests of each operation, and sayings of each command, in a round. */
const CASES = 12
/** Time for one operation in a round of schemathesis, and the least for a document: it takes a while to begin. */
const SECONDS_AN_OPERATION = 2
const LEAST_SECONDS = 45
const MINUTE_MS = 60_000

if (!(MINUTES > 0) || !Number.isSafeInteger(FIRST_SEED)) throw new Error('--minutes is above 0, --seed a whole number')
const program = await findSchemathesis()
const database = await openTestDatabase()
Object.assign(process.env, database.env)
// The database and schemathesis are ended when the process exits, but not when a signal ends it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
const until = Date.now() + MINUTES * MINUTE_MS
t.setTimeout(0)
await t.test('what is answered is as documented', { timeout: 0 }, async t => {
  const server = await startServer(t, { env: { ...ENV, LOG_LEVEL: 'error' } })
  const crashed = (error: unknown): void => void t.fail(`Nothing caught ${String(error)}`)
  process.on('unhandledRejection', crashed)
  await Promise.all([fuzzByOurselves(t, server), fuzzBySchemathesis(t, server)])
  process.off('unhandledRejection', crashed)
  t.equal((await server.call(undefined, 'GET', '/health/ready')).status, 200, 'the server is there')
})
await database.close()

async function fuzzByOurselves(t: Test, server: TestServer): Promise<void> {
  const dialects = await allDialects(t)
  let cases = 0
  for (let seed = FIRST_SEED; Date.now() < until; seed += 1) {
    const rest = new Findings()
    await fuzzRest(await World.open(server), rest, { seed, cases: CASES })
    const sockets = new Findings()
    await fuzzSockets(t, await World.open(server), sockets, { dialects, seed, cases: CASES })
    for (const findings of [rest, sockets]) {
      cases += findings.cases
      console.log(`# --seed ${seed}: ${findings.summary()}; ${cases} so far`)
      for (const { where, problem, example } of findings.all) t.fail(`${where} ${problem}: ${example}`)
    }
  }
  t.ok(cases > 0, `${cases} requests and commands of our own`)
}

async function fuzzBySchemathesis(t: Test, server: TestServer): Promise<void> {
  let cases = 0
  for (let seed = FIRST_SEED; Date.now() < until; seed += 1) {
    for (const { path, prefix, seconds } of await shares(server)) {
      if (Date.now() > until) break
      const world = await World.open(server)
      const document: OpenApi = (await server.call(undefined, 'GET', path)).body
      const ran = await runSchemathesis(program, {
        document: withKnown(document, world.known),
        url: server.url + prefix,
        token: world.tokenOf('ann') ?? '',
        seed,
        seconds
      })
      cases += ran.cases
      console.log(`# schemathesis ${path} at "${prefix}" --seed ${seed}: ${ran.cases} cases; ${cases} so far`)
      if (!ran.isGood) t.fail(`schemathesis ${path} at "${prefix}"\n${ran.output}`)
    }
  }
  t.ok(cases > 0, `${cases} requests by schemathesis`)
}

/** The seconds of a round for each document at each of its places, by how many operations it has. */
async function shares(server: TestServer) {
  const places = []
  for (const { path, prefixes } of SERVED) {
    const { paths }: OpenApi = (await server.call(undefined, 'GET', path)).body
    const operations = Object.values(paths).flatMap(it => Object.keys(it)).length
    places.push(
      ...prefixes.map(prefix => ({ path, prefix, wanted: Math.max(LEAST_SECONDS, operations * SECONDS_AN_OPERATION) }))
    )
  }
  const sum = places.reduce((all, { wanted }) => all + wanted, 0)
  const scale = Math.min(1, (MINUTES * MINUTE_MS) / 1_000 / sum)
  return places.map(({ wanted, ...place }) => ({ ...place, seconds: Math.max(1, Math.floor(wanted * scale)) }))
}
