import t from 'tap'
import { startServer } from '../kit/helper.ts'
import { Findings } from './findings.ts'
import { fuzzRest } from './rest.ts'
import { seed } from './seed.ts'
import { ENV, World } from './world.ts'

/** Of each operation. */
const CASES = 4

t.test('REST answers only what its documents say', async t => {
  const server = await startServer(t, { env: ENV })
  const findings = new Findings()
  t.comment(`FUZZ_SEED=${seed()}`)
  await fuzzRest(await World.open(server), findings, { seed: seed(), cases: CASES })
  t.comment(findings.summary())
  for (const { where, problem, example } of findings.all) t.fail(`${where} ${problem}: ${example}`)
  t.equal((await server.call(undefined, 'GET', '/health/ready')).status, 200)
})
