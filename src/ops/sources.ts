import type { CodeCounts, SignInCounts } from '../accounts/index.ts'
import type { PoolCounts } from '../database/index.ts'
import type { Proxies } from '../faces/http/proxies.ts'
import type { SocketServer } from '../faces/ws/server.ts'
import type { Jobs } from '../jobs/index.ts'
import type { Realtime } from '../realtime/index.ts'
import type { CommitCounts } from '../sync/index.ts'
import type { Sources } from './metrics.ts'

interface Measured extends Pick<Realtime, 'hub' | 'lifecycle' | 'strangers' | 'counts'> {
  readonly app: Pick<Sources, 'requests'> & { readonly proxies: Pick<Proxies, 'untrusted'> }
  readonly socket: Pick<SocketServer, 'queuedBytes'>
  readonly jobs: Pick<Jobs, 'figures'>
  readonly stores: { readonly commits: { readonly waiting: number }; readonly database: { readonly pool: PoolCounts } }
  readonly subjects: {
    readonly commitCounts: CommitCounts
    readonly codeCounts: CodeCounts
    readonly signIns: SignInCounts
  }
}

/** The sources of the figures, of the parts that are measured. */
export function sourcesOf({ app, stores, subjects, jobs, hub, ...deps }: Measured): Sources {
  const { lifecycle, strangers, counts, socket } = deps
  return {
    connections: () => lifecycle.count,
    connectionsByFraming: () => lifecycle.countsByFraming(),
    strangers: () => strangers.count,
    untrustedForwarded: () => app.proxies.untrusted,
    users: () => hub.userCount,
    queuedBytes: () => socket.queuedBytes,
    waitingCommits: () => stores.commits.waiting,
    counts,
    requests: app.requests,
    signIns: subjects.signIns,
    commits: subjects.commitCounts,
    pool: stores.database.pool,
    codes: subjects.codeCounts,
    jobs: jobs.figures
  }
}
