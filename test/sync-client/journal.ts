import type { Sent } from '../../protocol/messages/events.ts'
import type { SyncItem } from '../../protocol/sync/events.ts'
import type { Frame } from '../socket-client.ts'

/** Something that a client noticed on one of its connections. */
export type Noticed =
  | { kind: 'invoke'; conversationId: string; clientId: string; text: string }
  | ({ kind: 'ok'; conversationId: string; clientId: string } & Sent)
  | { kind: 'fail'; conversationId: string; clientId: string; code: string; retry: string }
  | { kind: 'unknown'; conversationId: string; clientId: string }
  | { kind: 'event'; type: string; stream: string; rev: number; data: Frame }
  | { kind: 'item'; stream: string; item: SyncItem }
  | { kind: 'cursor'; stream: string; rev: number }
  | { kind: 'receipt'; conversationId: string; userId: string; deliveredSeq: number; readSeq: number }

/** Journal of what a client noticed, in order. `connection` counts the connections of this client. */
export type JournalEntry = { client: string; connection: number } & Noticed

/** Writes into the journal, for one connection. */
export type Write = (noticed: Noticed) => void
