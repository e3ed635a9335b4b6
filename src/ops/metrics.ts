import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { CodeCounts } from '../accounts/index.ts'
import type { JobFigures } from '../jobs/index.ts'
import type { ConnectionCounts } from '../realtime/connection.ts'
import type { EncodedCounts } from '../realtime/encoding/encoded-counts.ts'
import type { CommitCounts } from '../sync/index.ts'

/** Sources of the figures, read when metrics are asked for, not when they change. */
export interface Sources {
  connections: () => number
  strangers: () => number
  untrustedForwarded: () => number
  users: () => number
  queuedBytes: () => number
  waitingCommits: () => number
  counts: ConnectionCounts
  commits: CommitCounts
  codes: CodeCounts
  jobs: () => Promise<JobFigures[]>
}

/** The figures of one process for Prometheus. No label ever holds an id of a person or a conversation. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #seconds: Histogram
  readonly #sizes: Histogram

  constructor({ counts, commits, codes, jobs, ...sources }: Sources) {
    const { connections, strangers, untrustedForwarded, users, queuedBytes, waitingCommits } = sources
    collectDefaultMetrics({ register: this.#registry })
    this.#gauge('parley_connections', 'Open sockets', connections)
    this.#gauge('parley_strangers', 'Open sockets on which nobody has said who they are', strangers)
    this.#counter(
      'parley_untrusted_forwarded_total',
      'Requests of a proxy that TRUST_PROXY does not name',
      untrustedForwarded
    )
    this.#gauge('parley_users_online', 'People with an authenticated connection', users)
    this.#gauge('parley_queued_bytes', 'Bytes that wait for clients to read them', queuedBytes)
    this.#gauge('parley_commits_waiting', 'Changes that wait for their commit', waitingCommits)
    this.#counter('parley_frames_total', 'Frames queued for clients: replies and deliveries', () => counts.frames)
    this.#counter('parley_frames_dropped_total', 'Ephemeral events that slow clients did not get', () => counts.dropped)
    this.#counter('parley_slow_clients_total', 'Connections closed for reading too slowly', () => counts.slow)
    this.#countEncoded(counts.encoded)
    this.#counter('parley_commit_changes_total', 'Changes committed', () => commits.changes)
    this.#counter(
      'parley_commit_conflicts_total',
      'Commits tried again because a conversation had moved',
      () => commits.conflicts
    )
    this.#countCodes(codes)
    this.#countJobs(jobs)
    this.#seconds = this.#histogram(
      'parley_commit_seconds',
      'From the start of a transaction to its commit',
      [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
    )
    this.#sizes = this.#histogram(
      'parley_commit_batch_size',
      'Changes in one transaction',
      [1, 2, 5, 10, 20, 50, 100, 200, 500]
    )
    commits.onBatch = this.observeBatch.bind(this)
  }

  /** Counts a transaction and the changes in it. */
  observeBatch(changes: number, seconds: number): void {
    this.#seconds.observe(seconds)
    this.#sizes.observe(changes)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  async text(): Promise<string> {
    return await this.#registry.metrics()
  }

  #gauge(name: string, help: string, read: () => number): void {
    const registers = [this.#registry]
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      }
    })
  }

  #counter(name: string, help: string, read: () => number): void {
    const registers = [this.#registry]
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(read())
      }
    })
  }

  #countEncoded(encoded: EncodedCounts): void {
    const labelNames = ['vocabulary', 'framing', 'event'] as const
    new Counter({
      name: 'parley_events_encoded_total',
      help: 'Live events put into bytes, each once for everybody who hears it in the same words and framing',
      labelNames,
      registers: [this.#registry],
      collect() {
        this.reset()
        for (const { count, ...labels } of encoded.all()) this.inc(labels, count)
      }
    })
  }

  #countCodes(codes: CodeCounts): void {
    this.#counter('parley_codes_sent_total', 'One-time codes sent', () => codes.sent)
    this.#counter('parley_codes_used_total', 'One-time codes used', () => codes.used)
    new Counter({
      name: 'parley_codes_refused_total',
      help: 'Requests for one-time codes refused, by each limit that was full',
      labelNames: ['limit'] as const,
      registers: [this.#registry],
      collect() {
        this.reset()
        for (const [limit, count] of codes.refused) this.inc({ limit }, count)
      }
    })
  }

  #countJobs(read: () => Promise<JobFigures[]>): void {
    const common = { labelNames: ['kind'] as const, registers: [this.#registry] }
    const oldest = new Gauge({
      ...common,
      name: 'parley_jobs_oldest_seconds',
      help: 'How long the oldest has been due'
    })
    const done = new Counter({ ...common, name: 'parley_jobs_done_total', help: 'Runs that succeeded here' })
    const failed = new Counter({ ...common, name: 'parley_jobs_failed_total', help: 'Runs that failed here' })
    new Gauge({
      ...common,
      name: 'parley_jobs_due',
      help: 'Items of work that are due and in no hands, up to 10,000',
      async collect() {
        const figures = await read()
        for (const metric of [done, failed]) metric.reset()
        for (const { kind, ...it } of figures) {
          this.set({ kind }, it.due)
          oldest.set({ kind }, it.oldestAgeMs / 1_000)
          done.inc({ kind }, it.done)
          failed.inc({ kind }, it.failed)
        }
      }
    })
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.#registry] })
  }
}
