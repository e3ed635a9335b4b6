import type { ConversationEvent, EphemeralEvent, UserEvent } from '../../protocol/index.ts'
import type { Presence } from '../../protocol/presence/entities.ts'

/** Committed change of a conversation. Receivers deliver a conversation's changes in `rev` order. */
export interface ConversationChange {
  /** 24 hexadecimal digits, as are all ids on the bus. */
  readonly conversationId: string
  readonly rev: number
  readonly event: ConversationEvent
  /** The message that it is about: members who joined after it are told `noop`. */
  readonly seq?: number
  /** The answered message that the event shows: nobody who joined after it is told more than its id. */
  readonly quotedSeq?: number
  /** Direct conversations: the two people. */
  readonly pair?: readonly [string, string]
  /** People who are members from this change on, with the `seq` after which they see messages. */
  readonly joined?: readonly { readonly userId: string; readonly joinedSeq: number }[]
  readonly left?: readonly string[]
}

/** Committed change of what belongs to one person. */
export interface UserChange {
  readonly userId: string
  readonly rev: number
  readonly event: UserEvent
}

/** An event that is not stored and may be lost, for the members of a conversation. */
export interface EphemeralMessage {
  readonly conversationId: string
  readonly event: EphemeralEvent
  /** The person whom it is about; people who are blocked either way are not told. */
  readonly fromUserId: string
  /** Recipients in place of everybody. */
  readonly recipients?: 'others' | 'own devices'
  /** Direct conversations: the two people. */
  readonly pair?: readonly [string, string]
  /** A receipt for what was waiting while somebody was away. */
  readonly isCatchUp?: boolean
}

/** A changed profile, for those who share a conversation with its person; may be lost. */
export interface ProfileChange {
  readonly userId: string
}

/** A session that ended: its connections close. */
export interface SessionEnd {
  readonly sessionId: string
}

/** An account that was disabled: its connections close. */
export interface AccountEnd {
  readonly userId: string
}

/** Messages of the bus by topic. Plain JSON: what a receiver needs beyond it, the receiver asks for. */
export interface BusMessages {
  conversation: ConversationChange
  user: UserChange
  ephemeral: EphemeralMessage
  presence: Presence
  profile: ProfileChange
  sessionEnd: SessionEnd
  accountEnd: AccountEnd
}

/**
 * Passes messages from services to the connections of every process. A hint, not the truth: a message may be lost,
 * doubled or late, and receivers find what they missed in the store by its `rev`.
 */
export interface Bus {
  publish<Topic extends keyof BusMessages>(topic: Topic, message: BusMessages[Topic]): void
  subscribe<Topic extends keyof BusMessages>(topic: Topic, receive: (message: BusMessages[Topic]) => void): void
}
