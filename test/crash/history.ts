import type { JournalEntry } from '../sync-client/journal.ts'

/** Contents of the database at the end, with ids as clients know them. */
export interface Dump {
  conversations: { id: string; rev: number; seq: number; selfRev: number }[]
  messages: DumpedMessage[]
  members: { conversationId: string; userId: string; rev: number; deliveredSeq: number; readSeq: number }[]
}

export interface DumpedMessage {
  id: string
  conversationId: string
  seq: number
  rev: number
  createdRev: number
  senderId: string
  clientId: string
  text?: string | undefined
  type?: string
}

/** History of a run: the journals of all clients in the order of their clock, and what is left of it. */
export interface History {
  journal: readonly JournalEntry[]
  dump: Dump
  /** Client → person. */
  people: Readonly<Record<string, string>>
}

/** Journal entry of one kind. */
export type Entry<K extends JournalEntry['kind']> = Extract<JournalEntry, { kind: K }>

/** Fields that name a send, in any entry. */
export type Send = Omit<Entry<'invoke'>, 'kind' | 'text'>

/** A message as somebody was shown it. */
export interface Seen {
  id: string
  conversationId: string
  seq: number
  text?: string | undefined
}

/** The entries of one kind, in their order. */
export function* ofKind<K extends JournalEntry['kind']>({ journal }: History, kind: K): Iterable<Entry<K>> {
  for (const entry of journal) if (entry.kind === kind) yield entry as Entry<K>
}

/** Key by which sends are the same. */
export function sendKey({ people }: History, { client, conversationId, clientId }: Send): string {
  return `${conversationId} ${people[client]} ${clientId}`
}

/** The same key, of the message that came of the send. */
export function dumpKey({ conversationId, senderId, clientId }: DumpedMessage): string {
  return `${conversationId} ${senderId} ${clientId}`
}

/** Messages that anybody was ever shown, live or in a page. */
export function* shown(history: History): Iterable<Seen & { client: string }> {
  for (const event of ofKind(history, 'event')) {
    const message = messageOf(event)
    if (message !== undefined) yield { ...message, client: event.client }
  }
  for (const { item, client } of ofKind(history, 'item')) if (item.type === 'message') yield { ...item.message, client }
}

/** The message an event is about, if it is about one. */
function messageOf({ type, data }: Entry<'event'>): Seen | undefined {
  if (type.startsWith('reaction:')) return data.message
  return type.startsWith('message:') && type !== 'message:hidden' ? data : undefined
}
