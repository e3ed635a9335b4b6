import type { Bus } from '../bus/bus.ts'
import type { ReceiptService } from '../conversations/index.ts'
import type { Collections, Database, DatabaseClock } from '../database/index.ts'
import type { FairGate } from '../limits/fair-gate.ts'
import type { Commits } from '../store/commit/commits.ts'
import type { UserItemTable } from '../streams/user-items.ts'
import { publishCommits } from './commit-events.ts'
import { Beginnings } from './devices/beginnings.ts'
import { DeviceCursors } from './devices/cursors.ts'
import { DeviceService } from './devices/devices.ts'
import { MissedService } from './devices/missed.ts'
import { DeviceCursorStore } from './devices/store.ts'
import { HeadPoller } from './head-poller.ts'
import { ReplayService } from './replay.ts'
import { ResumptionService } from './resume-token.ts'
import { SyncService } from './sync.ts'

export type { CommitCounts } from './commit-events.ts'

interface SyncDeps {
  readonly clock: DatabaseClock
  readonly store: ConstructorParameters<typeof HeadPoller>[0]['store'] &
    ConstructorParameters<typeof SyncService>[0]['store'] & {
      readonly commits: Commits
      readonly deviceCursors: DeviceCursorStore
    }
  readonly bus: Bus
  readonly receipts: Pick<ReceiptService, 'mark'>
  readonly pageGate: FairGate
  readonly items: UserItemTable
  /** Interval at which moved heads are read, ms. */
  readonly headPollMs: number
}

/** The collections of what clients have. */
export const syncCollections: Collections = { deviceCursors: DeviceCursorStore.indexes }

export function createSyncStores({ db }: Database) {
  return { deviceCursors: new DeviceCursorStore(db) }
}

/** Catching up: pages of changes, replay of events, and commits of other servers. */
export function createSync({ clock, store, bus, receipts, pageGate, items, headPollMs }: SyncDeps) {
  const sync = new SyncService({ store, items })
  const replay = new ReplayService({ store, sync })
  const devices = new DeviceService({
    beginnings: new Beginnings({ clock, store }),
    cursors: new DeviceCursors(store.deviceCursors, clock),
    missed: new MissedService({ clock, store, sync, pageGate }),
    receipts,
    messages: store.messages
  })
  return {
    sync,
    devices,
    replay,
    resumption: new ResumptionService({ clock, store, sync, replay, pageGate }),
    headPoller: new HeadPoller({ clock, store, intervalMs: headPollMs }),
    commitCounts: publishCommits(store.commits, bus)
  }
}
