import type { CloseReason } from '../../protocol/close.ts'
import type { AnyEvent } from '../../protocol/index.ts'
import type { Actor } from '../actor.ts'
import type { LabelCounts } from '../label-counts.ts'
import type { CloseCounts, Framing } from './close-counts.ts'
import type { EncodedCounts } from './encoding/encoded-counts.ts'

/** An event on its way to connections, before it is encoded. */
export interface OutboundEvent extends EventContext {
  readonly event: AnyEvent
}

/** Stream and position of an event, beside its data. Durable events have a place in a stream. */
export interface EventContext {
  readonly stream?: string
  readonly rev?: number
  /** The message that the event is about. */
  readonly seq?: number
  /** Direct conversations: the two people, 24 hexadecimal digits each. */
  readonly pair?: readonly [string, string]
  /** A receipt or a message for what was waiting while somebody was away. */
  readonly isCatchUp?: boolean
}

/** People whose presence an app shows without asking: those with a direct conversation, or friends. */
export type PresenceScope = 'peers' | 'friends'

/** Encodes an event once for all connections of one kind, and sends it to them. */
export interface Encoder {
  /** People whose presence these connections are sent unasked; without it nobody. */
  readonly presenceScope?: PresenceScope
  /** @param connections all of them have this encoder */
  send(outbound: OutboundEvent, connections: readonly Connection[]): void
}

/** Open socket or stream, whatever its framing and its dialect. */
export interface Connection {
  readonly id: string
  readonly framing: Framing
  /** Code with which it was ended here. */
  readonly closedWith: number | undefined
  readonly encoder: Encoder
  /** The person, once the connection is authenticated. */
  actor: Actor | undefined
  readonly isOpen: boolean
  /** Sends what was held back while the client caught up, and from then on every event as it comes. */
  goLive(): void
  /** Resolves when little of what was sent waits to be read, or the client is gone: between pieces of what it has missed. */
  drained(): Promise<void>
  /** Ends the connection, with a reason that tells the client what to do. */
  close(reason: CloseReason): void
}

/** Counts for the operator. */
export interface ConnectionCounts {
  /** Frames that were queued. */
  frames: number
  /** Ephemeral events that a slow client did not get. */
  dropped: number
  /** Connections closed for reading too slowly. */
  slow: number
  /** Live events, each once for everybody who hears it in the same dialect and framing. */
  readonly encoded: EncodedCounts
  readonly closes: CloseCounts
  /** Commands that were refused. */
  readonly refusals: LabelCounts<'framing' | 'code'>
}
