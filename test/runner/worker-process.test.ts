import t, { type Test } from 'tap'
import { WorkerProcess } from './worker-process.ts'

const CWD = new URL('../../..', import.meta.url).pathname
const NO_DATABASE = { env: { TEST_MONGODB_URI: 'mongodb://127.0.0.1:1/none' }, empty: async () => undefined }

function start(t: Test, timeoutMs?: number): WorkerProcess {
  const worker = new WorkerProcess({ cwd: CWD, ...NO_DATABASE, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
  t.teardown(() => worker.kill())
  return worker
}

const fixture = (name: string): string => `test/runner/fixtures/${name}.ts`

t.test('what one file does wrong is counted for that file, and the next one has a clean start', async t => {
  const worker = start(t)
  const wrong: [string, { passed: number; failed: number; notes?: RegExp[] }][] = [
    ['says-nothing', { passed: 0, failed: 1, notes: [/^no assertion$/] }],
    ['skips', { passed: 1, failed: 2, notes: [/^skipped or to do/, /^skipped or to do/] }],
    ['fails-in-teardown', { passed: 1, failed: 2 }],
    ['leaves-a-process', { passed: 1, failed: 1, notes: [/^1 processes left behind, killed$/] }],
    ['leaves-a-server', { passed: 1, failed: 1 }],
    ['changes-environment', { passed: 1, failed: 0 }],
    ['reads-environment', { passed: 1, failed: 0 }]
  ]
  for (const [name, { notes = [], ...counts }] of wrong) {
    const result = await worker.run(fixture(name))
    t.match(result, { file: fixture(name), ...counts, notes }, name)
    t.match(await worker.run(fixture('reads-environment')), { passed: 1, failed: 0, notes: [] }, `after ${name}`)
  }
  t.ok(worker.isAlive)
})

t.test('a file that ends its process, or never ends, fails, and its worker is over', async t => {
  const ending = start(t)
  t.match(await ending.run(fixture('exits')), { failed: 1, notes: [/^exit code/] })
  t.notOk(ending.isAlive)
  const throwing = start(t)
  t.match(await throwing.run(fixture('throws-later')), { passed: 1, failed: 2, notes: ['exit code 1'] })
  t.notOk(throwing.isAlive)
  const hanging = start(t, 2_000)
  t.match(await hanging.run(fixture('hangs')), { failed: 1, notes: ['killed after 2 s', 'ended by SIGKILL'] })
  t.notOk(hanging.isAlive)
})

t.test('a worker that is let go ends, and says when something was thrown after its last file', async t => {
  const worker = start(t)
  t.match(await worker.run(fixture('passes')), { passed: 1, failed: 0 })
  t.equal(await worker.close(), undefined)
  t.notOk(worker.isAlive)
})
