import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Credentials } from './credentials.ts'
import { programEnvironment } from './environment.ts'
import { commandLine } from './processes.ts'
import { HOST, SET, untilPrimary } from './replica-set.ts'
import { endedBy } from './signals.ts'

const STOP_TIMEOUT_MS = 10_000
const STARTS = 3
/** Unexpected deaths within this time that are repaired. */
const REPAIRS = 6
const REPAIRS_WITHIN_MS = 60_000
const LOG_BYTES = 10_485_760

/** Methods of a pino logger that are used here. */
export interface EmbeddedLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/** Fixed parts of every process of a database. */
interface MongodOptions {
  readonly program: string
  /** The data folder. */
  readonly folder: string
  readonly credentials: Credentials
  /** More arguments. */
  readonly args: readonly string[]
  readonly log: EmbeddedLog
}

/** Supervisor of successive `mongod` processes on one folder and port. */
export class Mongod {
  readonly #options: MongodOptions
  readonly #stopped = new AbortController()
  readonly #deaths: number[] = []
  #port = 0
  #child: ChildProcess | undefined
  #repair: Promise<void> | undefined

  constructor(options: MongodOptions) {
    this.#options = options
  }

  get port(): number {
    return this.#port
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** Ready for writes on return. Tries again: a port may be taken between choosing and using it. */
  async start(): Promise<void> {
    process.on('exit', this.#onExit)
    await rotate(this.#logFile)
    for (let attempt = 1; ; attempt++) {
      await stopLeftBehind(join(this.#options.folder, 'db'), this.#options.log)
      this.#port = await choosePort(join(this.#options.folder, 'port'))
      try {
        return await this.#launch()
      } catch (error) {
        if (attempt < STARTS && !this.#stopped.signal.aborted) continue
        process.off('exit', this.#onExit)
        throw error
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    process.off('exit', this.#onExit)
    await end(this.#child)
    await this.#repair
    await end(this.#child)
  }

  get #logFile(): string {
    return join(this.#options.folder, 'mongod.log')
  }

  readonly #onExit = (): void => {
    this.#child?.kill('SIGTERM')
  }

  async #launch(): Promise<void> {
    const log = await open(this.#logFile, 'a', 0o600)
    const from = (await log.stat()).size
    // Its own process group: Ctrl-C in a terminal is for Parley, which ends the database after its own work.
    const child = spawn(this.#options.program, this.#arguments(), {
      detached: true,
      env: programEnvironment(),
      stdio: ['ignore', log.fd, log.fd]
    })
    this.#child = child
    const over = new AbortController()
    child.once('error', error => over.abort(error))
    child.once('exit', (code, signal) =>
      over.abort(new Error(signal ? `it was ${endedBy(signal)}` : `it stopped at once (code ${code})`))
    )
    try {
      await untilPrimary(this.#port, over.signal, this.#options.credentials)
    } catch (error) {
      await end(child)
      const reason = over.signal.aborted ? (over.signal.reason as Error) : (error as Error)
      throw new Error(await explain(reason, this.#logFile, from, child.exitCode), { cause: error })
    } finally {
      await log.close()
    }
    if (child.exitCode !== null || child.signalCode !== null) this.#onDeath(child)
    else child.once('exit', () => this.#onDeath(child))
  }

  #arguments(): string[] {
    const { folder, credentials, args } = this.#options
    return [
      ...['--replSet', SET, '--dbpath', join(folder, 'db'), '--bind_ip', HOST, '--port', String(this.#port)],
      // Nobody gets in without a password, not even to make the first user: the key does.
      ...['--keyFile', credentials.keyFile, '--setParameter', 'enableLocalhostAuthBypass=false'],
      // Secrets of 48 random bytes gain nothing by being hashed more often than the least that is allowed.
      ...['--setParameter', 'scramIterationCount=5000', '--setParameter', 'scramSHA256IterationCount=5000'],
      ...['--wiredTigerCacheSizeGB', '1', '--oplogSize', '1024', '--quiet'],
      ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
      // What a killed server left open is in the way of others until it ends; ours take a fraction of a second.
      ...['--setParameter', 'transactionLifetimeLimitSeconds=10'],
      // With one member there is nobody to hand over to: do not wait 15 s for that.
      ...['--setParameter', 'shutdownTimeoutMillisForSignaledShutdown=100'],
      ...(process.platform === 'win32' ? [] : ['--nounixsocket']),
      ...args
    ]
  }

  #onDeath({ exitCode, signalCode, pid }: ChildProcess): void {
    if (this.#stopped.signal.aborted) return
    this.#options.log.warn({ pid, exitCode, signalCode }, 'The embedded database died')
    this.#repair = this.#restart().catch(err => {
      if (!this.#stopped.signal.aborted) this.#options.log.error({ err }, 'The embedded database cannot be kept alive')
    })
  }

  /** The driver finds the new process by itself, because the port is the same. */
  async #restart(): Promise<void> {
    for (;;) {
      const now = Date.now()
      const recent = this.#deaths.filter(at => now - at < REPAIRS_WITHIN_MS)
      this.#deaths.splice(0, Infinity, ...recent, now)
      if (recent.length >= REPAIRS)
        throw new Error(`It died ${recent.length + 1} times in a minute: see ${this.#logFile}`)
      await sleep(100 * 3 ** recent.length, undefined, { signal: this.#stopped.signal })
      try {
        await this.#launch()
        return this.#options.log.info({ pid: this.pid }, 'The embedded database is back')
      } catch (err) {
        if (this.#stopped.signal.aborted) return
        this.#options.log.warn({ err }, 'The embedded database did not come back yet')
      }
    }
  }
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  // What is committed is in the journal, so the hard way loses nothing.
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await exited
  clearTimeout(timer)
}

/** A Parley that was killed leaves its `mongod` running; the lock is ours, so nobody uses it. */
async function stopLeftBehind(dbPath: string, log: EmbeddedLog): Promise<void> {
  const pid = Number.parseInt(await readFile(join(dbPath, 'mongod.lock'), 'utf8').catch(() => ''), 10)
  const isOurs = async () => (await commandLine(pid)).includes(`--replSet ${SET} --dbpath ${dbPath} `)
  if (!(pid > 0 && (await isOurs()))) return
  log.warn({ pid }, 'Stopping the database that a killed Parley has left running')
  const since = Date.now()
  process.kill(pid, 'SIGTERM')
  while (await isOurs()) {
    if (Date.now() - since > STOP_TIMEOUT_MS) process.kill(pid, 'SIGKILL')
    await sleep(50)
  }
}

/** The port of last time when it is free, so that addresses written down stay good; else any free one. */
async function choosePort(file: string): Promise<number> {
  const last = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10)
  const port = (last > 0 && last < 65_536 && (await freePort(last))) || (await freePort(0))
  if (port === undefined) throw new Error(`No free port on ${HOST}`)
  await writeFile(file, `${port}\n`)
  return port
}

async function freePort(wanted: number): Promise<number | undefined> {
  const server = createServer()
  try {
    server.listen(wanted, HOST)
    await once(server, 'listening')
    const address = server.address()
    server.close()
    await once(server, 'close')
    return typeof address === 'object' ? address?.port : undefined
  } catch {
    return undefined
  }
}

async function rotate(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined)
  if (found && found.size > LOG_BYTES) await rename(file, `${file}.1`)
}

const NEEDS_OTHER_VERSION = 62

/** The failure in words, with what `mongod` itself said last about it. */
async function explain(reason: Error, file: string, from: number, exitCode: number | null): Promise<string> {
  const written = (await readFile(file)).subarray(from).toString()
  const lines = written.split('\n').filter(line => line !== '' && !/"s":"[ID]/.test(line))
  const hint =
    exitCode === NEEDS_OTHER_VERSION
      ? '\n  The data was written by another version of MongoDB: set MONGOD_BINARY to a mongod of that version'
      : ''
  const said = lines.slice(-3).map(line => `\n  ${line.slice(0, 400)}`)
  return `The embedded database did not start: ${reason.message}; its log is ${file}${hint}${said.join('')}`
}
