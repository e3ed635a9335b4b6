import type { Actor } from '../../actor.ts'
import type { DeviceClient, MissedItem, ResumeToken } from '../../streams/positions.ts'
import type { Connection, OutboundEvent } from '../connection.ts'
import { type DialectEvent, type RealtimeDialect, translateFor } from '../encoding/dialect-encoder.ts'
import type { DevicePort } from '../ports.ts'
import type { CatchUp } from './catch-up.ts'
import type { DeliveryTracker } from './delivery-tracker.ts'
import { Pace } from './pace.ts'

/** Events that are translated and sent in one turn of the event loop: about a millisecond. */
const EVENTS_A_TURN = 16

/** Connection that is sent what its client has missed. */
export interface Receiver {
  readonly connection: Pick<Connection, 'id' | 'framing' | 'isOpen' | 'drained'>
  readonly catchUp: CatchUp<unknown>
  readonly tracker: DeliveryTracker
  emit(translated: DialectEvent, outbound: OutboundEvent): void
  /** Says that the client was sent all of a stream up to a `rev`, with what is emitted next. */
  reach?(stream: string, rev: number): void
}

interface Client extends Omit<DeviceClient, 'app' | 'framing' | 'connectionId'> {
  readonly dialect: RealtimeDialect
  /** Position of the last event that the client got, where it says that. */
  readonly token?: ResumeToken
}

/** Sends clients that keep no cursors what they have missed, in their dialect. */
export class MissedEvents {
  readonly #devices: DevicePort
  readonly #pace = new Pace()

  constructor({ devices }: { devices: DevicePort }) {
    this.#devices = devices
  }

  /** Sends everything, each conversation in order, as fast as the client reads. */
  async replay(actor: Actor, { dialect, token, ...device }: Client, receiver: Receiver): Promise<void> {
    const { connection, catchUp, tracker } = receiver
    catchUp.beginReplay()
    const { id: connectionId, framing } = connection
    const client: DeviceClient = { ...device, app: dialect.name, framing, connectionId }
    const cursor = await this.#devices.hold(actor, client, token)
    tracker.follow({ id: cursor.id, connectionId })
    let events = 0
    for await (const item of this.#devices.missed(actor, cursor, catchUp)) {
      if (events++ % EVENTS_A_TURN === 0) await this.#pace.turn(receiver)
      const translated = await translateMissed(actor.userId, dialect, item)
      await connection.drained()
      if (!connection.isOpen) return
      send(actor, receiver, { ...item, events: translated })
    }
  }
}

async function translateMissed(
  userId: string,
  { translations }: RealtimeDialect,
  { missed }: MissedItem
): Promise<DialectEvent[]> {
  return missed === undefined ? [] : await translateFor(userId, translations, { ...missed, isCatchUp: true })
}

function send(
  actor: Actor,
  { tracker, emit, reach }: Receiver,
  { missed, reached, events }: MissedItem & { events: readonly DialectEvent[] }
): void {
  if (reached !== undefined) reach?.(reached.stream, reached.rev)
  if (missed !== undefined) for (const translated of events) emit(translated, { ...missed, isCatchUp: true })
  if (reached !== undefined) tracker.reach(actor, reached.stream, reached.rev)
}
