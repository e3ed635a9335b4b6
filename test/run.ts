import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EXTENT } from './kit/extent.ts'
import { keepDurations, longestFirst } from './runner/order.ts'
import { type FileResult, report, summarize } from './runner/results.ts'
import { openTestDatabase } from './runner/test-database.ts'
import { WorkerProcess } from './runner/worker-process.ts'

// Runs the test files in a few processes against one shared database, the longest first, and counts assertions.
// Arguments are parts of file names: `npm test -- database/embedded config`.
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const JOBS = 4
/** Files that want a process which has run no other: they kill, or change modules before they are loaded. */
const OWN_PROCESS = ['test/crash/', 'test/accounts/passwords.', 'test/database/mongod-binary.']

const filters = process.argv.slice(2)
const files = await longestFirst(await findFiles())
if (files.length === 0) fail(`No test file has ${filters.join(' or ') || '.test.ts'} in its name`)
const database = await openTestDatabase().catch((error: Error) => fail(error.message))
const workers = new Set<WorkerProcess>()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void interrupted())
const results: FileResult[] = []
await Promise.all(Array.from({ length: Math.min(JOBS, files.length) }, work))
await database.close()
if (filters.length === 0) await keepDurations(results)
console.log(EXTENT)
process.exit(summarize(results).failed > 0 ? 1 : 0)

/** Taken from the sources: a compiled test whose source is gone does not count. */
async function findFiles(): Promise<string[]> {
  const names = await readdir(join(ROOT, 'test'), { recursive: true })
  return names
    .map(name => `test/${name.replaceAll('\\', '/')}`)
    .filter(name => name.endsWith('.test.ts') && (filters.length === 0 || filters.some(part => name.includes(part))))
}

function fail(message: string): never {
  console.log(`${message}\n0 passed, 1 failed`)
  process.exit(1)
}

async function work(): Promise<void> {
  let shared: WorkerProcess | undefined
  for (let file = files.shift(); file !== undefined; file = files.shift()) {
    const name = file
    const isOwn = OWN_PROCESS.some(part => name.startsWith(part))
    if (!isOwn && shared?.isAlive !== true) shared = start()
    const worker = isOwn || shared === undefined ? start() : shared
    finish(await worker.run(name))
    if (isOwn) await end(worker)
  }
  if (shared !== undefined) await end(shared)
}

function start(): WorkerProcess {
  const worker = new WorkerProcess({ cwd: ROOT, env: database.env, empty: database.empty })
  workers.add(worker)
  return worker
}

async function end(worker: WorkerProcess): Promise<void> {
  const broken = await worker.close()
  workers.delete(worker)
  if (broken !== undefined) finish(broken)
}

function finish(result: FileResult): void {
  report(result)
  results.push(result)
}

async function interrupted(): Promise<void> {
  for (const worker of workers) worker.kill()
  await database.close()
  process.exit(130)
}
