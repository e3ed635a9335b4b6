import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Kernel ticks are 10 ms on every Linux that Node runs on (`getconf CLK_TCK` is 100). */
const TICK_MS = 10
const PAGE_BYTES = 4096
const START_TIMEOUT_MS = 30_000
/** Interval at which a starting server is asked whether it is ready, ms. */
const ASK_MS = 5
const STOP_TIMEOUT_MS = 3_000

/** CPU time (user and system, all threads) that a process has used since its start, ms. Linux only. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

/** Resident memory of a process, bytes. Linux only. */
export function rssBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES
}

/** File to which a process that `idle` measures writes its live memory, bytes. */
export function memoryFile(pid: number): string {
  return join(tmpdir(), `parley-bench-${pid}.memory`)
}

/** A loopback port that was free a moment ago. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

/** Server to start: a Node script, its arguments, and the path that answers once it is up. */
export interface ServerSpec {
  readonly script: string
  readonly env: Readonly<Record<string, string>>
  readonly nodeArgs?: readonly string[]
  readonly readyPath: string
}

/** A server in a process of its own. */
export interface RunningServer {
  readonly pid: number
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** From the start of the process to its first answer. */
  readonly readyMs: number
  stop(): Promise<void>
}

/** The processes of one bench run, so that whatever happens each of them is ended, by its id. */
export class ProcessGroup {
  readonly #children = new Set<ChildProcess>()

  /**
   * Starts a server on a free port (told in `PORT`) and waits until it answers. What it prints is shown when
   * `BENCH_LOG` is set; its errors always are.
   * @throws when it does not answer in 30 s
   */
  async startServer({ script, env, nodeArgs = [], readyPath }: ServerSpec): Promise<RunningServer> {
    const port = await freePort()
    const { BENCH_LOG } = process.env
    const startedAt = performance.now()
    const child = spawn(process.execPath, [...nodeArgs, script], {
      env: { ...process.env, ...env, PORT: String(port), HOST: '127.0.0.1' },
      stdio: ['ignore', BENCH_LOG === undefined ? 'ignore' : 'inherit', 'inherit']
    })
    this.#add(child)
    const url = `http://127.0.0.1:${port}`
    await untilReady(child, url + readyPath)
    const readyMs = performance.now() - startedAt
    return { pid: requirePid(child), url, readyMs, stop: () => end(child) }
  }

  /**
   * Runs a script that answers one message with one message, and ends it.
   * @param stopWhen a script that goes on until it is told is told so when this settles
   * @throws when it dies without an answer
   */
  async ask(script: string, question: object, stopWhen?: Promise<unknown>): Promise<unknown> {
    // The advanced serialization keeps Infinity and NaN.
    const child = fork(script, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' })
    this.#add(child)
    try {
      return await new Promise((resolve, reject) => {
        child.once('message', resolve)
        child.once('error', reject)
        child.once('exit', code => reject(new Error(`${script} ended with code ${code} before it answered`)))
        child.send(question)
        const stop = () => void (child.connected && child.send('stop'))
        stopWhen?.then(stop, stop)
      })
    } finally {
      await end(child)
    }
  }

  /** Ends every process that is still there. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#children].map(end))
  }

  #add(child: ChildProcess): void {
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
  }
}

function requirePid({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('The process could not be started')
  return pid
}

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`The server ended with code ${child.exitCode} before it was ready`)
    const status = await fetch(url).then(
      response => response.status,
      () => 0
    )
    if (status === 200) return
    await sleep(ASK_MS)
  }
  throw new Error(`Nothing answered at ${url} within ${START_TIMEOUT_MS} ms`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await exited
  clearTimeout(timer)
}
