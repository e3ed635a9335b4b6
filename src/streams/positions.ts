import type { AnyEvent } from '../../protocol/index.ts'
import type { ConversationChange, UserChange } from '../bus/bus.ts'

/** Positions in streams: how far clients, devices and heads are. Ids are 24 hexadecimal digits. */

/** Client that keeps no cursors, of one app on one device. */
export interface DeviceClient {
  /** The session, or for tokens of an existing user system what tells their devices apart. */
  readonly deviceId: string
  /** True where only the token tells devices apart: its renewal looks like another device. */
  readonly isByToken: boolean
  /** Id by which the client names itself when it comes back, and the one by which it does now, where it does. */
  readonly clientId?: string
  readonly formerId?: string
  /** Name of the app's dialect. */
  readonly app: string
  /** Framing of its connection: a client comes back in the same one. */
  readonly framing: string
  readonly connectionId: string
}

/** Delivery cursor of such a client: everything up to these positions has arrived there. */
export interface DeviceCursor {
  readonly id: string
  /** The `rev` of the person's own stream. */
  readonly account: number
  /** The `rev` of each conversation, by id; those that are absent began later. */
  readonly conversations: ReadonlyMap<string, number>
  /** True for a device that was not here before: it has missed what none of its person's devices has got, and nothing else. */
  readonly isNew: boolean
}

/** Positions up to which everything has arrived at a client, of the streams that have moved. */
export interface Arrived {
  readonly account?: number
  readonly conversations: ReadonlyMap<string, number>
}

/** Something that a client without cursors has missed. */
export interface MissedItem {
  /** Absent where only the position moves. */
  readonly missed?: Missed
  /** Stream (`conv_…`, `user_…`) and its position once this has arrived; absent while more belongs to the same one. */
  readonly reached?: { readonly stream: string; readonly rev: number }
}

/** An event that a client has missed, made again from what is stored. */
export interface Missed {
  readonly event: AnyEvent
  readonly stream?: string
  readonly seq?: number
  readonly pair?: readonly [string, string]
}

/** Gate of a client that catches up: what it hears of a stream meanwhile is read again, until the stream is level. */
export interface ReplayGate {
  /** Lets what comes after a `rev` through from now on. @returns false when something later was heard before */
  level(stream: string, rev: number): boolean
  /** The person has left this stream: what was heard of it is not for them. */
  forget(stream: string): void
  /** A stream that was heard of and is not level. */
  readonly behind: string | undefined
}

/** Position of a client of a one-way stream; the id of its last event holds it. */
export interface ResumeToken {
  /** Time the event was sent, ms since 1970. */
  readonly at: number
  /** The `rev` of the person's own stream. */
  readonly account: number
  /** The `rev` of each conversation that had events shortly before, by id. */
  readonly recent: ReadonlyMap<string, number>
}

/** Something that was missed; of a stream that has gone on too far, only that. */
export type ReplayItem =
  | { readonly kind: 'conversation'; readonly change: ConversationChange; readonly isVisible: boolean }
  | { readonly kind: 'account'; readonly change: UserChange }
  | { readonly kind: 'reset'; readonly stream: string; readonly rev: number }

/** A person's place in a conversation. */
export interface Membership {
  readonly conversationId: string
  /** The `seq` after which they see messages. */
  readonly joinedSeq: number
  readonly deliveredSeq: number
  readonly readSeq: number
}

/** Where everything stood for a person when their first connection registered: nothing later was missed. */
export interface Standing {
  /** The `rev` of their own stream. */
  readonly account: number
  /** In the order of the conversations' ids. */
  readonly memberships: readonly Membership[]
  /** Heads by conversation, as far as they had to be read. */
  readonly heads: ReadonlyMap<string, ConversationHead>
}

export interface ConversationHead {
  readonly rev: number
  readonly seq: number
}

/** Head of a stream. */
export interface StreamHead {
  readonly id: string
  readonly rev: number
}

/** Heads that moved lately, and sessions and accounts that ended, whichever server did it. */
export interface HeadsMoved {
  readonly conversations: readonly StreamHead[]
  readonly accounts: readonly StreamHead[]
  readonly endedSessionIds: readonly string[]
  readonly disabledUserIds: readonly string[]
}
