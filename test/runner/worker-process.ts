import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { killGroup, killMarked } from './processes.ts'
import { type Emptying, endOf, type Job } from './protocol.ts'
import { type FileResult, Record, readTap } from './results.ts'

const PROGRAM = fileURLToPath(new URL('worker.js', import.meta.url))
/** Tests make much garbage: with more room for it, it is collected less often, in less time. */
const YOUNG_SPACE = '--max-semi-space-size=64'
const FILE_TIMEOUT_MS = 600_000
const END_TIMEOUT_MS = 10_000

interface WorkerOptions {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** Makes a database empty, and its name free for use. */
  readonly empty: (database: string) => Promise<void>
  /** How long a file may take, ms. */
  readonly timeoutMs?: number
}

/** Process that runs test files one after the other. When a file ends it, it is not used again. */
export class WorkerProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #timeoutMs: number
  #hasFailed = false
  /** Record of the file that runs, or ran last. */
  #record = new Record('')
  #mark = ''
  #end: (() => void) | undefined

  constructor({ cwd, env, empty, timeoutMs = FILE_TIMEOUT_MS }: WorkerOptions) {
    const child = spawn(process.execPath, [...process.execArgv, YOUNG_SPACE, PROGRAM], {
      cwd,
      detached: true,
      env: { ...process.env, ...env, NODE_ENV: 'test', TAP_TIMEOUT: String((timeoutMs * 0.95) / 1_000) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc']
    })
    this.#child = child
    this.#timeoutMs = timeoutMs
    this.#exited = once(child, 'exit')
    this.#listen()
    child.on('message', message => {
      const { empty: database } = message as Partial<Emptying>
      if (database !== undefined) this.#empty(database, empty)
    })
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.connected
  }

  /** Runs a file. Whatever becomes of it, and of the process, is in the answer. */
  async run(file: string): Promise<FileResult> {
    const record = new Record(file)
    this.#record = record
    this.#mark = randomUUID()
    const ended = new Promise<void>(resolve => {
      this.#end = resolve
    })
    const timer = setTimeout(() => {
      record.notes.push(`killed after ${this.#timeoutMs / 1_000} s`)
      killGroup(this.#child)
    }, this.#timeoutMs)
    // Where that fails, the process has ended.
    this.#child.send({ file, mark: this.#mark } satisfies Job, () => undefined)
    await Promise.race([ended, this.#exited])
    clearTimeout(timer)
    const left = await killMarked(this.#mark)
    if (left > 0) record.accuse(`${left} processes left behind, killed`)
    const result = await this.#finish(record)
    this.#hasFailed ||= result.failed > 0
    return result
  }

  /** Lets the process end. @returns what the last file has broken after its end, if anything */
  async close(): Promise<FileResult | undefined> {
    if (!this.isAlive) return undefined
    const record = new Record(`after ${this.#record.file}`)
    if (!this.#hasFailed) this.#record = record
    this.#child.disconnect()
    const timer = setTimeout(() => this.kill(), END_TIMEOUT_MS)
    await this.#exited
    clearTimeout(timer)
    const { exitCode, signalCode } = this.#child
    const isGood = exitCode === 0 || (exitCode === 1 && this.#hasFailed)
    return isGood && record.failed === 0 ? undefined : record.finish(signalCode ?? exitCode)
  }

  kill(): void {
    void killMarked(this.#mark)
    killGroup(this.#child)
  }

  async #finish(record: Record): Promise<FileResult> {
    if (this.isAlive) return record.finish()
    await this.#outputEnded()
    return record.finish(this.#child.signalCode ?? this.#child.exitCode)
  }

  #listen(): void {
    const { stdout, stderr } = this.#child
    const parser = readTap(assertion => {
      if (assertion.name === endOf(this.#record.file)) this.#end?.()
      else this.#record.add(assertion)
    })
    stdout?.on('data', chunk => {
      this.#record.output.push(String(chunk))
      parser.write(chunk)
    })
    stdout?.on('end', () => parser.end())
    stderr?.on('data', chunk => this.#record.output.push(String(chunk)))
  }

  async #outputEnded(): Promise<void> {
    const { stdout } = this.#child
    if (stdout?.readableEnded === false) await once(stdout, 'end')
  }

  #empty(database: string, empty: WorkerOptions['empty']): void {
    empty(database).then(
      () => this.#child.connected && this.#child.send({ empty: database } satisfies Emptying),
      () => undefined
    )
  }
}
