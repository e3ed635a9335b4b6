import { type ChildProcess, fork } from 'node:child_process'
import { EventEmitter, on, once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Collection } from 'mongodb'
import type { Test } from 'tap'
import { createJobs, type Jobs } from '../../src/jobs/index.ts'
import { openDatabase } from '../databases.ts'
import { ownDatabase } from '../helper.ts'

type Timings = NonNullable<Parameters<typeof createJobs>[0]['timings']>

/** Short, so that nobody waits for a lease of half a minute. */
export const SHORT: Timings = { leaseMs: 1_500, pollMs: 100, retryMs: 20, maxRetryMs: 100, stopMs: 5_000 }

/** An item as it is stored. */
export interface StoredItem {
  _id: string
  kind: string
  dueAt: Date
  rev: number
  attempt: number
  leaseBy?: string
}

/** A database of its own, with its work. */
export async function openWork(t: Test): Promise<{ uri: string; work: Collection<StoredItem> }> {
  const uri = ownDatabase(t)
  const client = await openDatabase(t, uri)
  return { uri, work: client.db().collection<StoredItem>('work') }
}

/** Jobs in this process; they end with the test. */
export async function openJobs(
  t: Test,
  uri: string,
  {
    onError = (error: unknown) => t.fail(String(error)),
    timings = SHORT
  }: Partial<Parameters<typeof createJobs>[0]> = {}
): Promise<Jobs> {
  const client = await openDatabase(t, uri)
  const jobs = createJobs({ database: { db: client.db() }, onError, timings })
  t.teardown(async () => await jobs.stop())
  return jobs
}

/** Something that a process says of a run. */
export interface Note {
  readonly says: 'started' | 'done' | 'aborted'
  readonly by: string
  readonly job: string
  readonly key: string
  readonly rev: number
  readonly attempt: number
  readonly at: number
}

/** Notes of all worker processes. */
export class Notes {
  readonly all: Note[] = []
  readonly #said = new EventEmitter()

  add(note: Note): void {
    this.all.push(note)
    this.#said.emit('note', note)
  }

  /** Resolves when it is so, at once or after a note. */
  async until(isSo: (notes: readonly Note[]) => boolean): Promise<void> {
    if (isSo(this.all)) return
    for await (const _ of on(this.#said, 'note')) if (isSo(this.all)) return
  }
}

/** A server with jobs only, in a process of its own. */
export class WorkerProcess {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** @param holds keys whose runs last until they are told to end */
  static async start(t: Test, uri: string, by: string, notes: Notes, holds: string[] = []): Promise<WorkerProcess> {
    const script = fileURLToPath(new URL('./worker-process.js', import.meta.url))
    const child = fork(script, [uri, by, JSON.stringify(SHORT), ...holds], { stdio: 'inherit' })
    const worker = new WorkerProcess(child)
    t.teardown(async () => await worker.signal('SIGKILL'))
    child.on('message', message => {
      if (typeof message === 'object') notes.add(message as Note)
    })
    await once(child, 'message')
    return worker
  }

  /** Has held runs go on to their end, and hold no more. */
  release(): void {
    this.#child.send('release')
  }

  /** Ends it in good order. */
  async stop(): Promise<void> {
    this.#child.send('stop')
    await once(this.#child, 'exit')
  }

  /** Resolves when it is gone, where the signal ends it. */
  async signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill(signal)
    if (signal === 'SIGKILL') await gone
  }
}
