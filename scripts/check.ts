import { type ChildProcess, type IOType, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

// Run by `npm run check` and `.ci/run` once everything is compiled: the tests, and beside them the checks that only
// read and a try on each supported Node. The last line says how many assertions passed and failed; a check that fails
// counts as one.
const READING = ['lint', 'deps', 'unused']
/** The tests come first: what only reads has the time until they end. A server that starts has to answer in time. */
const LATER = 10
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SUM = /^(\d+) passed, (\d+) failed$/

const checks = [...READING.map(read), tryVersions()]
const [sum, ...results] = await Promise.all([test(), ...checks])
const failed = results.flatMap(({ name, isGood }) => (isGood ? [] : [name]))
for (const name of failed) console.log(`'npm run ${name}' failed`)
console.log(`${sum.passed} passed, ${sum.failed + failed.length} failed`)
process.exit(sum.failed + failed.length > 0 ? 1 : 0)

interface Checked {
  /** Of the script in `package.json`. */
  readonly name: string
  readonly isGood: boolean
}

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

async function read(name: string): Promise<Checked> {
  const child = start('pipe', 'npm', 'run', '--silent', name)
  if (child.pid !== undefined) setPriority(child.pid, LATER)
  return await finish(name, child)
}

/** Not by `npm run versions`, which would build again what the tests run. */
async function tryVersions(): Promise<Checked> {
  return await finish(
    'versions',
    start('pipe', process.execPath, '--enable-source-maps', 'dist/scripts/node-versions.js')
  )
}

/** Prints all that a check says at once. */
async function finish(name: string, child: ChildProcess): Promise<Checked> {
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => output.push(String(chunk)))
  const isGood = await exit(child)
  console.log(`== npm run ${name}\n${output.join('')}`)
  return { name, isGood }
}

function start(stderr: IOType, command: string, ...words: string[]): ChildProcess {
  return spawn(command, words, { cwd: ROOT, stdio: ['ignore', 'pipe', stderr] })
}

async function exit(child: ChildProcess): Promise<boolean> {
  const [code] = await once(child, 'close')
  return code === 0
}
