import type { Actor } from '../actor.ts'
import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/config.ts'
import type { Availability } from '../database/availability.ts'
import { LabelCounts } from '../label-counts.ts'
import { CloseCounts } from './close-counts.ts'
import type { ConnectionCounts } from './connection.ts'
import { DeliveryTracker, type TrackDelivery } from './delivery/delivery-tracker.ts'
import { MissedEvents } from './delivery/missed.ts'
import { Drain } from './drain.ts'
import { EncodedCounts } from './encoding/encoded-counts.ts'
import { Handshake } from './handshake.ts'
import { Hub } from './hub.ts'
import { Lifecycle } from './lifecycle.ts'
import type {
  BlockPort,
  DevicePort,
  HeadsPort,
  HelloPort,
  PresencePort,
  ProfilePort,
  ReceiptPort,
  ReplayPort,
  ScopePort,
  SessionPort,
  TicketPort
} from './ports.ts'
import { Strangers } from './strangers.ts'

interface RealtimeDeps extends HelloPort, ScopePort {
  readonly bus: Bus
  readonly config: Pick<Config, 'limits' | 'timings'>
  readonly epoch: string
  readonly availability: Pick<Availability, 'require'>
  readonly authenticate: (token: string) => Promise<Actor>
  readonly blocks: BlockPort
  readonly headPoller: HeadsPort
  readonly devices: DevicePort
  readonly presence: PresencePort
  readonly receipts: ReceiptPort
  readonly replay: ReplayPort
  readonly sessions: SessionPort
  readonly users: HelloPort['users'] & ProfilePort
  readonly tickets: TicketPort
  readonly onError: (error: unknown) => void
}

export type Realtime = ReturnType<typeof createRealtime>

/** The part of every connection that is the same for all faces. */
export function createRealtime(deps: RealtimeDeps) {
  const { config, headPoller, receipts, devices, onError } = deps
  const { limits, timings } = config
  const hub = new Hub({ ...deps, heads: headPoller, timings })
  const strangers = new Strangers(limits, timings.helloTimeoutMs)
  const counts: ConnectionCounts = {
    frames: 0,
    dropped: 0,
    slow: 0,
    encoded: new EncodedCounts(),
    closes: new CloseCounts(),
    refusals: new LabelCounts()
  }
  const lifecycle = new Lifecycle({ ...deps, hub, strangers, limits, counts })
  const pending = new Set<Promise<unknown>>()
  const keep = (work: Promise<unknown>): void => {
    pending.add(work)
    void work.finally(() => pending.delete(work))
  }
  const trackDelivery: TrackDelivery = confirm =>
    new DeliveryTracker(confirm, { receipts, devices, pauseMs: timings.receiptPauseMs, keep, onError })
  return {
    hub,
    lifecycle,
    strangers,
    handshake: new Handshake({ ...deps, lifecycle }),
    missed: new MissedEvents(deps),
    trackDelivery,
    counts,
    drain: new Drain(timings),
    /** Resolves when nothing of closed connections is being written any more. */
    settled: async () => await Promise.all(pending)
  }
}
