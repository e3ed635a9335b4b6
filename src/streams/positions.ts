import type { ConversationChange, UserChange } from '../bus/bus.ts'

/** Positions in streams: how far clients, devices and heads are. Ids are 24 hexadecimal digits. */

/** Delivery cursor of a device that keeps no cursors itself. */
export interface DeviceCursor {
  /** Messages from earlier have arrived, or were there before the device was; ms since 1970. */
  readonly before: number
  /** The `seq` up to which messages have arrived, of conversations with later ones, by id. */
  readonly recent: ReadonlyMap<string, number>
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
