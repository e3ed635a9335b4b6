import type { ClientSession, Database } from '../database/index.ts'
import { EveryServerJob, type PeriodicJob } from './every-server.ts'
import { type NewItem, WorkStore } from './store.ts'
import { type JobTimings, Worker, type WorkKind } from './worker.ts'

export type { PeriodicJob } from './every-server.ts'
export type { WorkKind } from './worker.ts'

/** Something to be done for a key of a kind. */
export interface NewWork extends Pick<NewItem, 'rev' | 'dueAt'> {
  readonly key: string
}

/** State of a kind: backlog of the database, counts of this process. */
export interface JobFigures {
  readonly kind: string
  /** Items that are due and in nobody's hands; at most 10,000 are counted. */
  readonly due: number
  /** Time that the oldest of them has been due, ms. */
  readonly oldestAgeMs: number
  readonly done: number
  readonly failed: number
}

/** Work in the background. Everything is declared before `start`. */
export interface Jobs {
  /** Declares a job that each server runs for itself. @returns how long ago its last run succeeded, ms */
  everyServer(job: PeriodicJob): { readonly ageMs: number }
  /** Declares a job that one server at a time runs, under a lease. */
  oneServer(job: PeriodicJob): void
  /** Declares a kind of work that servers share: each item runs on one of them. */
  work(kind: WorkKind): void
  /**
   * Adds work, durable on return. An item that is there already keeps its time and takes the higher `rev`; when it is
   * being worked on, it is run again for that.
   * @param session adds it together with what else its transaction writes: for keys that are not being worked on
   */
  enqueue(kind: string, work: readonly NewWork[], session?: ClientSession): Promise<void>
  /** Takes work back, together with what else the transaction writes. A run under way goes on. */
  withdraw(kind: string, keys: readonly string[], session: ClientSession): Promise<void>
  figures(): Promise<JobFigures[]>
  /** Resolves once each job of each server has succeeded once; rejects when one fails. */
  start(): Promise<void>
  /** Ends in good order: what this server has begun and not done, others may begin at once. */
  stop(): Promise<void>
}

interface JobsDeps {
  database: Pick<Database, 'db'>
  onError: (error: unknown) => void
  timings?: Partial<JobTimings>
}

const TIMINGS: JobTimings = { leaseMs: 30_000, pollMs: 2_000, retryMs: 1_000, maxRetryMs: 900_000, stopMs: 5_000 }

/** Jobs on a database. */
export function createJobs({ database: { db }, onError, timings }: JobsDeps): Jobs {
  const store = new WorkStore(db)
  const deps = { store, onError, timings: { ...TIMINGS, ...timings } }
  const everyServer: EveryServerJob[] = []
  const workers = new Map<string, Worker>()
  const singletons: string[] = []
  return {
    everyServer: job => {
      const created = new EveryServerJob(job, onError)
      everyServer.push(created)
      return created
    },
    oneServer: job => {
      const kind = `job:${job.name}`
      const run: WorkKind['run'] = async ({ signal }) => await job.run(signal)
      workers.set(kind, new Worker({ kind, concurrency: 1, run }, { ...deps, repeatMs: job.everyMs }))
      singletons.push(kind)
    },
    work: kind => {
      workers.set(kind.kind, new Worker(kind, deps))
    },
    enqueue: async (kind, work, session) => {
      await store.add(
        kind,
        work.map(({ key, ...item }) => ({ _id: `${kind}:${key}`, ...item })),
        session
      )
      // What a transaction has added is not there before its end, and found by the next look.
      if (session === undefined) workers.get(kind)?.wake()
    },
    withdraw: async (kind, keys, session) => {
      await store.remove(
        keys.map(key => `${kind}:${key}`),
        session
      )
    },
    figures: async () =>
      await Promise.all(
        [...workers].map(async ([kind, { counts }]) => ({ kind, ...(await store.backlog(kind)), ...counts }))
      ),
    start: async () => {
      await store.prepare()
      for (const kind of singletons) await store.add(kind, [{ _id: kind, rev: 0 }])
      await Promise.all(everyServer.map(async job => await job.start()))
      for (const worker of workers.values()) worker.start()
    },
    stop: async () => {
      await Promise.all([...everyServer, ...workers.values()].map(async job => await job.stop()))
    }
  }
}
