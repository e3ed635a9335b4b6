import { type ChildProcess, type IOType, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

// Run by `npm run check` and `.ci/run` once everything is compiled: the tests, and beside them the checks that only
// read and a try on each supported Node. The last line says how many assertions passed and failed; a check that fails
// counts as one.
const CHECKS = ['lint', 'deps', 'unused', 'versions']
/** What only reads has the time until the tests end; a server that starts has to answer in time. */
const LATER: Readonly<Record<string, number>> = { lint: 10, deps: 10, unused: 10 }
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SUM = /^(\d+) passed, (\d+) failed$/

const [sum, ...results] = await Promise.all([test(), ...CHECKS.map(check)])
const failed = CHECKS.filter((_, index) => !results[index])
for (const name of failed) console.log(`'npm run ${name}' failed`)
console.log(`${sum.passed} passed, ${sum.failed + failed.length} failed`)
process.exit(sum.failed + failed.length > 0 ? 1 : 0)

/** Runs the tests and prints what they say, but the sum in the last line. */
async function test(): Promise<{ passed: number; failed: number }> {
  const child = start('inherit', process.execPath, '--enable-source-maps', 'dist/test/run.js')
  const ended = exit(child)
  let sum: RegExpExecArray | null = null
  for await (const line of createInterface({ input: Readable.from(child.stdout ?? []) })) {
    sum = SUM.exec(line)
    if (sum === null) console.log(line)
  }
  const isGood = await ended
  const [, passed = 0, failed = 0] = (sum ?? []).map(Number)
  return { passed, failed: isGood ? failed : Math.max(failed, 1) }
}

/** Runs a check, and prints all that it says at once. @returns whether it passed */
async function check(name: string): Promise<boolean> {
  const child = start('pipe', 'npm', 'run', '--silent', name)
  if (child.pid !== undefined) setPriority(child.pid, LATER[name] ?? 0)
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => output.push(String(chunk)))
  const isGood = await exit(child)
  console.log(`== npm run ${name}\n${output.join('')}`)
  return isGood
}

function start(stderr: IOType, command: string, ...words: string[]): ChildProcess {
  return spawn(command, words, { cwd: ROOT, stdio: ['ignore', 'pipe', stderr] })
}

async function exit(child: ChildProcess): Promise<boolean> {
  const [code] = await once(child, 'close')
  return code === 0
}
