import t from 'tap'
import { startServer } from '../kit/helper.ts'
import { allDialects } from '../matrix/routes/table.ts'
import { Findings } from './findings.ts'
import { seed } from './seed.ts'
import { fuzzSockets } from './sockets.ts'
import { ENV, World } from './world.ts'

/** Of each command and framing. */
const CASES = 8

t.test('Sockets answer only what their documents say', async t => {
  const server = await startServer(t, { env: ENV })
  const findings = new Findings()
  t.comment(`FUZZ_SEED=${seed()}`)
  const dialects = await allDialects(t)
  await fuzzSockets(t, await World.open(server), findings, { dialects, seed: seed(), cases: CASES })
  t.comment(findings.summary())
  for (const { where, problem, example } of findings.all) t.fail(`${where} ${problem}: ${example}`)
  t.equal((await server.call(undefined, 'GET', '/health/ready')).status, 200)
})
