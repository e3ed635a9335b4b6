import type { CloseReason } from '../../protocol/close.ts'
import type { AnyEvent } from '../../protocol/index.ts'
import type { Actor } from '../services/index.ts'
import type { EncodedCounts } from './encoded.ts'

/** An event on its way to connections, before it is encoded. */
export interface OutboundEvent extends EventContext {
  readonly event: AnyEvent
}

/** Where an event belongs, beside its data. Durable events have a place in a stream. */
export interface EventContext {
  readonly stream?: string
  readonly rev?: number
  /** The message it is about. */
  readonly seq?: number
  /** Direct conversations: the two people, 24 hexadecimal digits each. */
  readonly pair?: readonly [string, string]
  /** A receipt for what was waiting while somebody was away. */
  readonly isCatchUp?: boolean
}

/** Who shares a direct conversation with somebody, or their friends. */
export type Circle = 'peers' | 'friends'

/** How connections of one kind are told of events: each event is encoded once for all of them. */
export interface Voice {
  /** Whose presence they hear of without asking: nobody's unless it says so. */
  readonly watches?: Circle
  /** @param connections all of them have this voice */
  tell(outbound: OutboundEvent, connections: readonly Connection[]): void
}

/** One open socket or stream, whatever its framing and its words. */
export interface Connection {
  readonly id: string
  readonly voice: Voice
  /** Who it belongs to, once it is authenticated. */
  actor: Actor | undefined
  readonly isOpen: boolean
  /** Ends it, with a reason that tells the client what to do. */
  close(reason: CloseReason): void
}

/** What becomes of connections, for the operator. */
export interface ConnectionCounts {
  /** Frames that were queued. */
  frames: number
  /** Ephemeral events that a slow client did not get. */
  dropped: number
  /** Connections closed for reading too slowly. */
  slow: number
  /** Live events, each once for everybody who hears it in the same words and framing. */
  readonly encoded: EncodedCounts
}
