import type { ObjectId } from 'mongodb'
import type { UserEvent } from '../../../protocol/index.ts'
import type { MessageDoc } from '../documents.ts'
import type { ConversationState, Draft, DraftEvent } from './draft.ts'

/** Identity of a send, by which a repeat is recognised. */
export interface Idempotency<T> {
  readonly senderId: ObjectId
  readonly clientId: string
  /** The answer to the repeat, from the message that came first. May refuse. */
  readonly answer: (first: FirstSend) => T
}

/** Fields of a message that answer its repeats. */
export type FirstSend = Pick<MessageDoc, '_id' | 'seq' | 'createdRev' | 'createdAt' | 'bodyHash'>

/**
 * A change of one conversation. `decide` is a pure function of the draft, because it may run several times: it
 * refuses by throwing, or changes the draft and returns the answer.
 */
export interface Change<T> {
  /** A message that `decide` looks at. */
  readonly messageId?: ObjectId
  /** Whether it also looks at the message which that one answers. */
  readonly withAnswered?: boolean
  readonly idempotency?: Idempotency<T>
  /** About how much it writes, bytes. */
  readonly bytes?: number
  /** Memberships that it changes, each of which is three rows. */
  readonly memberships?: number
  decide(draft: Draft): T
}

const CHANGE_BYTES = 256
/** The three rows of a membership take about as long as so much text. */
const MEMBERSHIP_BYTES = 4_096

/** Weight of a change in its transaction, bytes. */
export function weightOf({ bytes = CHANGE_BYTES, memberships = 0 }: Change<unknown>): number {
  return bytes + memberships * MEMBERSHIP_BYTES
}

/** Result of the changes of one conversation that were committed together. */
export interface Committed {
  readonly state: ConversationState
  readonly events: readonly DraftEvent[]
  readonly accounts: readonly CommittedAccount[]
}

/** An event for one person's own stream. */
export interface CommittedAccount {
  readonly userId: string
  readonly rev: number
  readonly event: UserEvent
}

/** A change that waits for its commit. */
export interface Pending {
  readonly conversationId: string
  readonly change: Change<unknown>
  readonly deadline: number
  resolve(answer: unknown): void
  reject(error: unknown): void
}
