import { execFile } from 'node:child_process'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { programEnvironment } from './environment.ts'

const run = promisify(execFile)
const LOCK = 'parley.lock'

/** Tells one process from a later one with the same number; undefined when none is alive. */
async function processIdentity(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return await ps(pid, 'lstart=')
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // See proc(5): the name before it, in brackets, may hold anything; then state and, 19 further, the start time.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (stat === '' || fields[0] === 'Z' || fields[0] === 'X') return undefined
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  return `${boot.trim()} ${fields[19]}`
}

/** Program and arguments as one text; empty when none is alive, or when it may not be read. */
export async function commandLine(pid: number): Promise<string> {
  if (process.platform !== 'linux') return (await ps(pid, 'args=')) ?? ''
  const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return words.replaceAll('\0', ' ').trim()
}

async function ps(pid: number, format: string): Promise<string | undefined> {
  const { stdout } = await run('ps', ['-p', String(pid), '-o', format], { env: programEnvironment() }).catch(() => ({
    stdout: ''
  }))
  return stdout.trim() || undefined
}

/**
 * Makes a folder this process's own until the function returned is called, or the process is gone, however it ended.
 * @throws {Error} when a living process has it
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const file = join(folder, LOCK)
  const mine = JSON.stringify({ pid: process.pid, started: await processIdentity(process.pid) })
  const draft = `${file}.${process.pid}`
  await writeFile(draft, mine)
  try {
    // A link appears whole or not at all, which a file that is opened and then written does not.
    while (!(await link(draft, file).then(() => true, ifExists))) await removeStale(file)
  } finally {
    await rm(draft, { force: true })
  }
  return async () => {
    if ((await readFile(file, 'utf8').catch(() => '')) === mine) await rm(file, { force: true })
  }
}

function ifExists(error: NodeJS.ErrnoException): false {
  if (error.code === 'EEXIST') return false
  throw error
}

async function removeStale(file: string): Promise<void> {
  const content = await readFile(file, 'utf8').catch(() => undefined)
  if (content === undefined) return
  await refuseIfHeld(content)
  // Somebody else may have found it stale as well and have a lock of their own by now: look at what was moved.
  const moved = `${file}.stale.${process.pid}`
  await rename(file, moved).catch(() => undefined)
  const found = await readFile(moved, 'utf8').catch(() => content)
  if (found !== content) await link(moved, file).catch(() => undefined)
  await rm(moved, { force: true })
}

/** Whether a living process has a folder as its own. */
export async function isFolderHeld(folder: string): Promise<boolean> {
  const content = await readFile(join(folder, LOCK), 'utf8').catch(() => '')
  return (await holderOf(content)) !== undefined
}

async function holderOf(content: string): Promise<{ pid: number } | undefined> {
  const holder = parseHolder(content)
  return holder !== undefined && (await processIdentity(holder.pid)) === holder.started ? holder : undefined
}

async function refuseIfHeld(content: string): Promise<void> {
  const holder = await holderOf(content)
  if (holder === undefined) return
  throw new Error(
    `The data folder is in use by another Parley (process ${holder.pid}). ` +
      'Stop that one, or give this one a folder of its own with DATA_DIR'
  )
}

function parseHolder(content: string): { pid: number; started: string } | undefined {
  try {
    const { pid, started } = JSON.parse(content)
    return Number.isInteger(pid) && pid > 0 && typeof started === 'string' ? { pid, started } : undefined
  } catch {
    return undefined
  }
}
