import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { styleText } from 'node:util'
import { Parser, type Result } from 'tap-parser'
import { startEmbedded } from '../src/database/embedded/embedded.ts'

// Runs every test file in a process of its own against one shared database, and counts assertions.
// Arguments are parts of file names: `npm test -- store/embedded config`.
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const FILE_TIMEOUT_MS = 300_000
const JOBS = availableParallelism() > 2 ? 3 : 2
/** What kills, floods or measures, and must not disturb others: one after another, at the end. */
const ALONE = ['test/crash/']

interface Counts {
  passed: number
  failed: number
}

interface FileResult extends Counts {
  file: string
  ms: number
  notes: string[]
  output: string
}

const running = new Set<{ child: ChildProcess; mark: string }>()

const files = await findFiles(process.argv.slice(2))
if (files.length === 0) {
  console.log(`No test file has ${process.argv.slice(2).join(' or ') || '.test.ts'} in its name\n0 passed, 1 failed`)
  process.exit(1)
}
const database = await openDatabase().catch((error: Error) => {
  console.log(`${error.message}\n0 passed, 1 failed`)
  process.exit(1)
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void interrupted())
const results = await runAll(files, database.env)
await database.close()
const total = sum(results)
for (const { file, notes } of results.filter(({ failed }) => failed > 0))
  console.log(`failed: ${file} ${notes.join(', ')}`)
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exit(total.failed > 0 ? 1 : 0)

/** Taken from the sources: a compiled test whose source is gone does not count. */
async function findFiles(filters: string[]): Promise<string[]> {
  const names = await readdir(join(ROOT, 'test'), { recursive: true })
  return names
    .map(name => `test/${name.replaceAll('\\', '/')}`)
    .filter(name => name.endsWith('.test.ts') && (filters.length === 0 || filters.some(part => name.includes(part))))
    .sort((a, b) => a.localeCompare(b))
}

async function openDatabase(): Promise<{ env: NodeJS.ProcessEnv; close(): Promise<void> }> {
  const given = process.env['MONGODB_URI']
  if (given) return { env: { TEST_MONGODB_URI: given }, close: async () => undefined }
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-test-'))
  const log = { info: () => undefined, warn: console.warn, error: console.error }
  // Tests see what expires within seconds, not after the server's minute.
  const args = ['--setParameter', 'ttlMonitorSleepSecs=1']
  const { uri, binary, stop } = await startEmbedded({ dataDir, binary: process.env['MONGOD_BINARY'], log, args })
  return {
    env: { TEST_MONGODB_URI: uri, MONGOD_BINARY: binary },
    close: async () => {
      await stop()
      await rm(dataDir, { recursive: true, force: true })
    }
  }
}

async function interrupted(): Promise<void> {
  await Promise.all([...running].map(({ child, mark }) => killAll(child, mark)))
  await database.close()
  process.exit(130)
}

async function runAll(files: string[], env: NodeJS.ProcessEnv): Promise<FileResult[]> {
  const isAlone = (file: string) => ALONE.some(folder => file.startsWith(folder))
  const results: FileResult[] = []
  const work = async (queue: string[]) => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const result = await runFile(file, env)
      report(result)
      results.push(result)
    }
  }
  const together = files.filter(file => !isAlone(file))
  await Promise.all(Array.from({ length: JOBS }, () => work(together)))
  await work(files.filter(isAlone))
  return results
}

async function runFile(file: string, env: NodeJS.ProcessEnv): Promise<FileResult> {
  const startedAt = Date.now()
  const mark = randomUUID()
  const child = spawn(process.execPath, ['--enable-source-maps', join('dist', file.replace(/\.ts$/, '.js'))], {
    cwd: ROOT,
    detached: true,
    env: { ...process.env, ...env, NODE_ENV: 'test', TAP_TIMEOUT: String(FILE_TIMEOUT_MS / 1000 - 5), TEST_MARK: mark },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const entry = { child, mark }
  running.add(entry)
  const notes: string[] = []
  const timer = setTimeout(() => {
    notes.push(`killed after ${FILE_TIMEOUT_MS / 1000} s`)
    void killAll(child, mark)
  }, FILE_TIMEOUT_MS)
  const { counts, output } = collect(child, notes)
  const closed = once(child, 'close')
  const [code, signal] = await once(child, 'exit')
  clearTimeout(timer)
  const left = await killAll(child, mark)
  if (left > 0) notes.push(`${left} processes left behind, killed`)
  await closed
  running.delete(entry)
  judge(counts, notes, signal ?? code)
  return { file, ms: Date.now() - startedAt, notes, output: output.join(''), ...counts }
}

/** Counts leaf assertions: the line that sums a subtest up is not one. What is skipped or to do fails. */
function collect(child: ChildProcess, notes: string[]): { counts: Counts; output: string[] } {
  const counts: Counts = { passed: 0, failed: 0 }
  const output: string[] = []
  const parser = new Parser()
  const count = (tap: Parser) => {
    tap.on('child', count)
    tap.on('assert', assertion => {
      if (isLeftOut(assertion)) notes.push(`skipped or to do: ${assertion.name}`)
      const outcome = outcomeOf(assertion)
      if (outcome) counts[outcome]++
    })
  }
  count(parser)
  child.stdout?.on('data', chunk => {
    output.push(String(chunk))
    parser.write(chunk)
  })
  child.stdout?.on('end', () => parser.end())
  child.stderr?.on('data', chunk => output.push(String(chunk)))
  return { counts, output }
}

function isLeftOut({ skip, todo }: Result): boolean {
  return skip !== false || todo !== false
}

function outcomeOf(assertion: Result): keyof Counts | undefined {
  if (isLeftOut(assertion)) return 'failed'
  if (assertion.closingTestPoint) return undefined
  return assertion.ok ? 'passed' : 'failed'
}

/** What assertions alone do not tell. */
function judge(counts: Counts, notes: string[], end: number | string): void {
  if (end !== 0) notes.push(typeof end === 'number' ? `exit code ${end}` : `ended by ${end}`)
  if (counts.passed + counts.failed === 0) notes.push('no assertion')
  const isBad = end !== 0 || counts.passed + counts.failed === 0
  if (isBad && counts.failed === 0) counts.failed = 1
}

function report({ file, passed, failed, ms, notes, output }: FileResult): void {
  const color = failed > 0 ? 'red' : 'green'
  const mark = failed > 0 ? '✗' : '✓'
  const sign = process.stdout.isTTY ? styleText(color, mark) : mark
  const figures = failed > 0 ? `${passed} passed, ${failed} failed` : `${passed} passed`
  console.log(`${sign} ${file}: ${figures}, ${ms} ms${notes.map(note => ` (${note})`).join('')}`)
  if (failed > 0) console.log(output)
}

/** Ends the group of a test file, and what has left that group but still has the file's mark. Answers how many. */
async function killAll(child: ChildProcess, mark: string): Promise<number> {
  const marked = await findMarked(mark)
  for (const pid of marked) kill(pid)
  if (child.pid !== undefined) kill(-child.pid)
  return marked.filter(pid => pid !== child.pid).length
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

/** By the environment that a child hands on to its own; only where the system shows it. */
async function findMarked(mark: string): Promise<number[]> {
  if (process.platform !== 'linux') return []
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger)
  const found = await Promise.all(
    pids.map(async pid =>
      (await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')).includes(`TEST_MARK=${mark}`)
    )
  )
  return pids.filter((_, index) => found[index])
}

function sum(results: Counts[]): Counts {
  return results.reduce(
    (total, { passed, failed }) => ({ passed: total.passed + passed, failed: total.failed + failed }),
    { passed: 0, failed: 0 }
  )
}
