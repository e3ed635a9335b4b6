import { EventEmitter } from 'node:events'
import type { Presence } from '../../protocol/entities/user.ts'

/** One committed change of a conversation. Everyone hears a conversation's changes in `rev` order. */
export interface ConversationChange {
  /** 24 hexadecimal digits, as are all ids on the bus. */
  readonly conversationId: string
  readonly rev: number
  /** The event's type and data, as they go on the wire. */
  readonly type: string
  readonly data: unknown
  /** The message it is about: members who joined after it are told `noop`. */
  readonly seq?: number
  /** Direct conversations: the two people. */
  readonly pair?: readonly [string, string]
  /** Who is a member from this change on, with the `seq` after which they see messages, and who no longer is. */
  readonly joined?: ReadonlyMap<string, number>
  readonly left?: readonly string[]
}

/** One committed change of what belongs to one person. */
export interface AccountChange {
  readonly userId: string
  readonly rev: number
  readonly type: string
  readonly data: unknown
}

/** Something that is not stored and may be lost, for the members of a conversation. */
export interface Whisper {
  readonly conversationId: string
  readonly type: string
  readonly data: unknown
  /** Whose connections need not hear it. */
  readonly exceptUserId?: string
  /** Direct conversations: the two people. */
  readonly pair?: readonly [string, string]
  /** A receipt for what was waiting while somebody was away. */
  readonly isCatchUp?: boolean
  /** Nor these: people apart from who whispers by a block. */
  readonly exceptUserIds?: ReadonlySet<string>
}

/** Somebody changed their profile; may be lost. For those who share one of these conversations. */
export interface ProfileChange {
  readonly userId: string
  readonly conversationIds: readonly string[]
  readonly exceptUserIds: ReadonlySet<string>
  readonly data: unknown
}

/** A session that ended: its connections close. */
export interface SessionEnd {
  readonly sessionId: string
}

/** Where conversations and accounts are that changed lately, whoever changed them. */
export interface Moved {
  readonly conversations: readonly { readonly id: string; readonly rev: number }[]
  readonly accounts: readonly { readonly id: string; readonly rev: number }[]
}

interface BusEvents {
  conversation: [ConversationChange]
  account: [AccountChange]
  whisper: [Whisper]
  presence: [Presence]
  profile: [ProfileChange]
  sessionEnd: [SessionEnd]
  moved: [Moved]
}

/**
 * What the services tell the transports of this process. A hint, not the truth: whoever misses something here
 * finds it in the store by its `rev`.
 */
export class Bus extends EventEmitter<BusEvents> {}
