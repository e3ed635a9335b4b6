import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { CodeCounts, SignInCounts } from '../accounts/index.ts'
import type { PoolCounts } from '../database/index.ts'
import type { RequestCounts, RequestLabels } from '../faces/http/request-counts.ts'
import type { JobFigures } from '../jobs/index.ts'
import type { Framing } from '../realtime/close-counts.ts'
import type { ConnectionCounts } from '../realtime/connection.ts'
import type { EncodedCounts } from '../realtime/encoding/encoded-counts.ts'
import type { CommitCounts } from '../sync/index.ts'
import { readVersion } from '../version.ts'

/** Sources of the figures, read when metrics are asked for, not when they change. */
export interface Sources {
  connections: () => number
  connectionsByFraming: () => ReadonlyMap<Framing, number>
  strangers: () => number
  untrustedForwarded: () => number
  users: () => number
  queuedBytes: () => number
  waitingCommits: () => number
  counts: ConnectionCounts
  requests: RequestCounts
  signIns: SignInCounts
  commits: CommitCounts
  pool: PoolCounts
  codes: CodeCounts
  jobs: () => Promise<JobFigures[]>
}

/** Counts that were kept by labels. */
interface Labelled {
  all(): Iterable<{ readonly labels: Readonly<Record<string, string>>; readonly count: number }>
}

/** The figures of one process for Prometheus. No label ever holds an id of a person or a conversation. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #seconds: Histogram
  readonly #sizes: Histogram
  readonly #requests: Counter
  readonly #requestSeconds: Histogram

  constructor(sources: Sources) {
    collectDefaultMetrics({ register: this.#registry })
    this.#countConnections(sources)
    this.#countErrors(sources)
    this.#countCommits(sources)
    this.#countPool(sources.pool)
    this.#countCodes(sources.codes)
    this.#countJobs(sources.jobs)
    this.#tellVersion()
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
    this.#requests = new Counter({
      name: 'parley_http_requests_total',
      help: 'Requests answered; not those of probes, nor for these figures',
      labelNames: ['method', 'route', 'status'],
      registers: [this.#registry]
    })
    this.#requestSeconds = new Histogram({
      name: 'parley_http_request_seconds',
      help: 'From the head of a request to the end of its answer',
      labelNames: ['method', 'route'],
      buckets: [0.005, 0.025, 0.1, 0.5, 2.5],
      registers: [this.#registry]
    })
    sources.commits.onBatch = this.observeBatch.bind(this)
    sources.requests.onAnswered = this.observeRequest.bind(this)
  }

  /** Counts a request and its time, in seconds, where it has one. */
  observeRequest({ method, route, status }: RequestLabels, seconds: number | undefined): void {
    this.#requests.inc({ method, route, status })
    if (seconds !== undefined) this.#requestSeconds.observe({ method, route }, seconds)
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

  /** A counter of counts that were kept by labels. */
  #labelled(name: string, help: string, labelNames: readonly string[], labelled: Labelled): void {
    new Counter({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        this.reset()
        for (const { labels, count } of labelled.all()) this.inc(labels, count)
      }
    })
  }

  #countConnections({ counts, connectionsByFraming, ...sources }: Sources): void {
    const { connections, strangers, untrustedForwarded, users, queuedBytes } = sources
    this.#gauge('parley_connections', 'Open sockets', connections)
    new Gauge({
      name: 'parley_connections_by_framing',
      help: 'Open sockets, by how events are carried',
      labelNames: ['framing'] as const,
      registers: [this.#registry],
      collect() {
        for (const [framing, count] of connectionsByFraming()) this.set({ framing }, count)
      }
    })
    this.#gauge('parley_strangers', 'Open sockets on which nobody has said who they are', strangers)
    this.#counter(
      'parley_untrusted_forwarded_total',
      'Requests of a proxy that TRUST_PROXY does not name',
      untrustedForwarded
    )
    this.#gauge('parley_users_online', 'People with an authenticated connection', users)
    this.#gauge('parley_queued_bytes', 'Bytes that wait for clients to read them', queuedBytes)
    this.#counter('parley_frames_total', 'Frames queued for clients: replies and deliveries', () => counts.frames)
    this.#counter('parley_frames_dropped_total', 'Ephemeral events that slow clients did not get', () => counts.dropped)
    this.#counter('parley_slow_clients_total', 'Connections closed for reading too slowly', () => counts.slow)
    this.#labelled(
      'parley_closes_total',
      'Connections that ended, by close code',
      ['framing', 'code'],
      counts.closes.counts
    )
    this.#countEncoded(counts.encoded)
  }

  #countErrors({ counts, requests, signIns }: Sources): void {
    this.#labelled('parley_http_refusals_total', 'Requests refused, by error code', ['code'], requests.refusals)
    this.#labelled(
      'parley_command_refusals_total',
      'Commands refused, by error code',
      ['framing', 'code'],
      counts.refusals
    )
    this.#labelled(
      'parley_sign_ins_refused_total',
      'Sign-ins refused, by way and error code',
      ['way', 'code'],
      signIns.refused
    )
  }

  #countCommits({ commits, waitingCommits }: Sources): void {
    this.#gauge('parley_commits_waiting', 'Changes that wait for their commit', waitingCommits)
    this.#counter('parley_messages_sent_total', 'Messages that people have sent, each once', () => commits.messages)
    this.#counter('parley_commit_changes_total', 'Changes committed', () => commits.changes)
    this.#counter(
      'parley_commit_conflicts_total',
      'Commits tried again because a conversation had moved',
      () => commits.conflicts
    )
  }

  #countPool(pool: PoolCounts): void {
    this.#gauge('parley_database_connections_in_use', 'Connections to the database that are in use', () => pool.inUse)
    this.#gauge('parley_database_waiting', 'Operations that wait for a connection to the database', () => pool.waiting)
    this.#counter('parley_database_refused_total', 'Operations that got no connection', () => pool.failed)
  }

  #tellVersion(): void {
    new Gauge({
      name: 'parley_info',
      help: 'Always 1; the labels say what is running',
      labelNames: ['version', 'node'] as const,
      registers: [this.#registry],
      async collect() {
        this.set({ version: await readVersion(), node: process.version }, 1)
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
