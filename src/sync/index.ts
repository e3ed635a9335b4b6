import type { Bus } from '../bus/bus.ts'
import type { FairGate } from '../limits/fair-gate.ts'
import type { Commits } from '../store/commit/commits.ts'
import type { UserItemTable } from '../streams/user-items.ts'
import { publishCommits } from './commit-events.ts'
import { HeadPoller } from './head-poller.ts'
import { ReplayService } from './replay.ts'
import { ResumptionService } from './resume-token.ts'
import { SyncService } from './sync.ts'

export type { CommitCounts } from './commit-events.ts'

interface SyncDeps {
  readonly store: ConstructorParameters<typeof HeadPoller>[0]['store'] &
    ConstructorParameters<typeof SyncService>[0]['store'] & { readonly commits: Commits }
  readonly bus: Bus
  readonly pageGate: FairGate
  readonly items: UserItemTable
  /** Interval at which moved heads are read, ms. */
  readonly headPollMs: number
}

/** Catching up: pages of changes, replay of events, and commits of other servers. */
export function createSync({ store, bus, pageGate, items, headPollMs }: SyncDeps) {
  const sync = new SyncService({ store, items })
  const replay = new ReplayService({ store, sync })
  return {
    sync,
    replay,
    resumption: new ResumptionService({ store, sync, replay, pageGate }),
    headPoller: new HeadPoller({ store, intervalMs: headPollMs }),
    commitCounts: publishCommits(store.commits, bus)
  }
}
