import { register } from 'node:module'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { enter } from './current.ts'
import { endOf, type Job } from './protocol.ts'

// A process that runs test files one after the other, as the runner names them, each as one subtest of its output.
register('./hooks.js', import.meta.url)
const { t } = await import('tap')

/** Resources that may stay open after a file: the standard streams, the channel to the runner, pauses that end soon. */
const HARMLESS =
  /^(PipeWrap|TTYWrap|Timeout|Immediate|CloseReq|FSReqPromise|FSReqCallback|FileHandle|WORKER|MessagePort)$/
const PATIENCE_MS = 5_000

const environment = { ...process.env }
t.setTimeout(0)
// The channel alone does not: tap takes it for one that must not.
const alive = setInterval(() => undefined, 1_000_000)
process.once('disconnect', () => clearInterval(alive))
process.on('message', message => {
  if ('file' in (message as Partial<Job>)) void run(message as Job)
})

async function run({ file, mark }: Job): Promise<void> {
  process.env['TEST_MARK'] = mark
  const before = open()
  await t.test(file, async test => {
    enter(test)
    // Also a file that has run before is read anew.
    await import(new URL(`../../${file.replace(/\.ts$/, '.js')}?${mark}`, import.meta.url).href)
  })
  const left = await leftOpen(before)
  if (left.length > 0) t.fail(`left open: ${left.join(', ')}`)
  restoreEnvironment()
  await setImmediate()
  // What was thrown after the last test of the file has ended everything.
  if (t.ended) process.exit(1)
  // In a subtest, because tap keeps other lines back until one follows.
  await t.test('end', async test => test.pass(endOf(file)))
}

function open(): string[] {
  return process.getActiveResourcesInfo().filter(kind => !HARMLESS.test(kind))
}

/** Find what keeps the process alive and did not before, once closing things have had their time. */
async function leftOpen(before: readonly string[]): Promise<string[]> {
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    const more = open()
    for (const kind of before) {
      const index = more.indexOf(kind)
      if (index >= 0) more.splice(index, 1)
    }
    if (more.length === 0 || performance.now() > until) return more
    await sleep(20)
  }
}

function restoreEnvironment(): void {
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
  Object.assign(process.env, environment)
}
