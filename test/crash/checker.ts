import type { JournalEntry } from '../sync-client.ts'

/** What the database holds at the end, with ids as clients know them. */
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
}

/** Everything that happened: the journals of all clients in the order of their clock, and what is left of it. */
export interface History {
  journal: readonly JournalEntry[]
  dump: Dump
  /** Client → person. */
  people: Readonly<Record<string, string>>
}

/** One promise that was not kept. */
export interface Violation {
  rule: Rule
  what: string
}

type Check = (history: History) => Iterable<string>

/** The rules by name; each yields what breaks it. */
const RULES = {
  /** An acknowledged send is in the final history, as it was acknowledged. */
  loss: findLost,
  /** One send is one message, and one answer; a connection gets each change once. */
  duplicate: findDuplicates,
  /** Messages are numbered 1 … n. */
  seq: findSeqHoles,
  /** Changes are numbered 1 … n, and each number is one change. */
  rev: findRevHoles,
  /** Everybody sees the same message in the same place, and every connection sees places and changes in order. */
  order: findDisorder,
  /** Sends of one connection that wait for their answers at the same time keep their order. */
  pipeline: findOvertaking,
  /** What was acknowledged comes before what was sent after that. */
  time: findTimeTravel,
  /** Nothing was ever delivered that is not in the final history. */
  ghost: findGhosts,
  /** Nothing is in the final history that nobody sent, or that was refused. */
  phantom: findPhantoms,
  /** What was refused, and not with an unknown outcome, had no effect: its repeat is the first. */
  honest: findLies,
  /** Cursors and receipts only move forward, and what was seen of them is kept. */
  cursor: findSteppedBack
} satisfies Record<string, Check>

export type Rule = keyof typeof RULES

/** Checks a history against every rule. @returns what is wrong with it; nothing when all promises were kept */
export function check(history: History): Violation[] {
  return (Object.keys(RULES) as Rule[]).flatMap(rule => [...RULES[rule](history)].map(what => ({ rule, what })))
}

type Entry<K extends JournalEntry['kind']> = Extract<JournalEntry, { kind: K }>

function* ofKind<K extends JournalEntry['kind']>({ journal }: History, kind: K): Iterable<Entry<K>> {
  for (const entry of journal) if (entry.kind === kind) yield entry as Entry<K>
}

/** What makes a send the same send. */
function sendKey(
  { people }: History,
  { client, conversationId, clientId }: Omit<Entry<'invoke'>, 'kind' | 'text'>
): string {
  return `${conversationId} ${people[client]} ${clientId}`
}

function dumpKey({ conversationId, senderId, clientId }: DumpedMessage): string {
  return `${conversationId} ${senderId} ${clientId}`
}

function* findLost(history: History): Iterable<string> {
  const messages = new Map(history.dump.messages.map(message => [message.id, message]))
  const texts = new Map([...ofKind(history, 'invoke')].map(entry => [sendKey(history, entry), entry.text]))
  for (const ok of ofKind(history, 'ok')) {
    const key = sendKey(history, ok)
    const message = messages.get(ok.id)
    const isKept =
      message?.seq === ok.seq &&
      message.createdRev === ok.rev &&
      message.text === texts.get(key) &&
      dumpKey(message) === key
    if (!isKept) yield `${key} was acknowledged as ${ok.id} at ${ok.seq}, and is ${JSON.stringify(message)}`
  }
}

function* findDuplicates(history: History): Iterable<string> {
  yield* repeated(history.dump.messages.map(dumpKey), 'stored')
  yield* repeated(
    history.dump.messages.map(({ id }) => id),
    'stored'
  )
  const events = [...ofKind(history, 'event')]
  yield* repeated(
    events.map(it => `${it.client} ${it.connection} ${it.stream} ${it.rev}`),
    'sent to a connection'
  )
  const answers = new Map<string, string>()
  for (const ok of ofKind(history, 'ok')) {
    const key = sendKey(history, ok)
    const first = answers.get(key) ?? ok.id
    answers.set(key, first)
    if (first !== ok.id) yield `${key} was answered with ${first} and with ${ok.id}`
  }
}

function* repeated(keys: readonly string[], what: string): Iterable<string> {
  const seen = new Set<string>()
  for (const key of keys) {
    if (seen.has(key)) yield `${key} was ${what} twice`
    seen.add(key)
  }
}

function* findSeqHoles({ dump }: History): Iterable<string> {
  for (const { id, seq } of dump.conversations) {
    const seqs = dump.messages.filter(({ conversationId }) => conversationId === id).map(message => message.seq)
    yield* notDense(id, seqs, seq)
    yield* repeated(
      seqs.map(it => `${id} seq ${it}`),
      'given'
    )
  }
}

/** The numbers of `found` must be those from 1 to the head. */
function* notDense(what: string, found: readonly number[], head: number): Iterable<string> {
  const numbers = new Set(found)
  for (let number = 1; number <= head; number++) if (!numbers.has(number)) yield `${what} has no ${number} of ${head}`
  for (const number of numbers) if (number < 1 || number > head) yield `${what} has ${number} beyond its head ${head}`
}

function* findRevHoles(history: History): Iterable<string> {
  const { conversations, messages, members } = history.dump
  for (const { id, rev, selfRev } of conversations) {
    const mine = messages.filter(({ conversationId }) => conversationId === id)
    const rows = members.filter(({ conversationId }) => conversationId === id)
    // A change that a later one of the same thing has overtaken is only known to who has seen it.
    const seen = [...ofKind(history, 'event')].filter(({ stream }) => stream === id).map(event => event.rev)
    const kept = [...mine.flatMap(it => [it.rev, it.createdRev]), ...rows.map(it => it.rev), selfRev]
    yield* notDense(`${id} rev`, [...kept, ...seen], rev)
    const changes = mine.flatMap(it => [...new Set([it.rev, it.createdRev])])
    yield* repeated(
      [...changes, ...new Set([...rows.map(it => it.rev), selfRev])].map(it => `${id} rev ${it}`),
      'given'
    )
  }
}

interface Seen {
  id: string
  conversationId: string
  seq: number
  text?: string | undefined
}

/** The message an event is about, if it is about one. */
function messageOf({ type, data }: Entry<'event'>): Seen | undefined {
  if (type.startsWith('reaction:')) return data.message
  return type.startsWith('message:') && type !== 'message:hidden' ? data : undefined
}

/** Every message that anybody was ever shown, live or in a page. */
function* shown(history: History): Iterable<Seen & { client: string }> {
  for (const event of ofKind(history, 'event')) {
    const message = messageOf(event)
    if (message !== undefined) yield { ...message, client: event.client }
  }
  for (const { item, client } of ofKind(history, 'item')) if (item.type === 'message') yield { ...item.message, client }
}

function* findDisorder(history: History): Iterable<string> {
  const places = new Map<string, string>()
  for (const { conversationId, seq, id, client } of shown(history)) {
    const place = `${conversationId} ${seq}`
    const other = places.get(place) ?? id
    places.set(place, other)
    if (other !== id) yield `${client} saw ${id} at ${place}, where others saw ${other}`
  }
  const revs = new Map<string, number>()
  const seqs = new Map<string, number>()
  for (const event of ofKind(history, 'event')) {
    const line = `${event.client} ${event.connection} ${event.stream}`
    yield* stepBack(revs, `${line} rev`, event.rev)
    if (event.type === 'message:new') yield* stepBack(seqs, `${line} seq`, event.data.seq)
  }
}

type Attempt = Omit<Entry<'invoke'>, 'kind' | 'text'>

function attemptKey({ client, connection, conversationId, clientId }: Attempt): string {
  return `${client} ${connection} ${conversationId} ${clientId}`
}

function* findOvertaking(history: History): Iterable<string> {
  const answers = new Map([...ofKind(history, 'ok')].map(ok => [attemptKey(ok), ok]))
  const last = new Map<string, number>()
  for (const key of attemptedOnce(history)) {
    const ok = answers.get(key)
    if (ok !== undefined && !ok.duplicate)
      yield* stepBack(last, `${ok.client} ${ok.connection} ${ok.conversationId} seq`, ok.seq)
  }
}

/** In the order of sending; what was refused and tried again on the same connection has given up its place. */
function attemptedOnce(history: History): string[] {
  const counts = new Map<string, number>()
  for (const entry of ofKind(history, 'invoke')) counts.set(attemptKey(entry), (counts.get(attemptKey(entry)) ?? 0) + 1)
  return [...counts].filter(([, count]) => count === 1).map(([key]) => key)
}

function* findTimeTravel(history: History): Iterable<string> {
  const floors = floorsOf(history)
  for (const message of history.dump.messages) {
    const floor = floors.get(dumpKey(message)) ?? 0
    if (message.seq <= floor) yield `${message.id} is ${message.seq}, and was sent after ${floor} was acknowledged`
  }
}

/** By send, the highest place in its conversation that was acknowledged before it was first sent. */
function floorsOf(history: History): Map<string, number> {
  const acknowledged = new Map<string, number>()
  const floors = new Map<string, number>()
  for (const entry of history.journal) {
    if (entry.kind !== 'invoke' && entry.kind !== 'ok') continue
    const top = acknowledged.get(entry.conversationId) ?? 0
    const key = sendKey(history, entry)
    if (entry.kind === 'ok') acknowledged.set(entry.conversationId, Math.max(top, entry.seq))
    else floors.set(key, floors.get(key) ?? top)
  }
  return floors
}

function* findGhosts(history: History): Iterable<string> {
  const messages = new Map(history.dump.messages.map(message => [message.id, message]))
  const told = new Set<string>()
  for (const { id, seq, client } of shown(history)) {
    if (messages.get(id)?.seq === seq || told.has(`${id} ${seq}`)) continue
    told.add(`${id} ${seq}`)
    yield `${client} was shown ${id} at ${seq}, which is not in the history`
  }
}

function* findPhantoms(history: History): Iterable<string> {
  const texts = new Map([...ofKind(history, 'invoke')].map(entry => [sendKey(history, entry), entry.text]))
  const refused = new Set([...ofKind(history, 'fail')].map(entry => sendKey(history, entry)))
  for (const kind of ['ok', 'unknown'] as const) {
    for (const entry of ofKind(history, kind)) refused.delete(sendKey(history, entry))
  }
  for (const message of history.dump.messages) {
    const key = dumpKey(message)
    if (message.text !== texts.get(key)) yield `${message.id} says ${message.text}; sent was ${texts.get(key)}`
    if (refused.has(key)) yield `${message.id} was refused`
  }
}

function* findLies(history: History): Iterable<string> {
  // An attempt with an unknown end stays open: the message may be from it.
  const open = new Map<string, number>()
  const refused = new Set<string>()
  for (const entry of history.journal) {
    if (!('clientId' in entry)) continue
    const key = sendKey(history, entry)
    if (entry.kind === 'fail') refused.add(key)
    open.set(key, (open.get(key) ?? 0) + (OPENS[entry.kind] ?? 0))
    if (isRepeat(entry) && open.get(key) === 1 && refused.has(key))
      yield `${key} was refused, and is there all the same`
  }
}

const isRepeat = (entry: JournalEntry): boolean => entry.kind === 'ok' && entry.duplicate
const OPENS: Partial<Record<JournalEntry['kind'], number>> = { invoke: 1, fail: -1 }

function* findSteppedBack(history: History): Iterable<string> {
  const cursors = new Map<string, number>()
  for (const { client, connection, stream, rev } of ofKind(history, 'cursor')) {
    yield* stepBack(cursors, `${client} ${connection} ${stream}`, rev)
  }
  const receipts = new Map<string, number>()
  const tops = new Map<string, { deliveredSeq: number; readSeq: number }>()
  for (const { client, connection, conversationId, userId, deliveredSeq, readSeq } of ofKind(history, 'receipt')) {
    const line = `${conversationId} ${userId}`
    yield* stepBack(receipts, `${client} ${connection} ${line} read`, readSeq)
    yield* stepBack(receipts, `${client} ${connection} ${line} delivered`, deliveredSeq)
    const top = tops.get(line) ?? { deliveredSeq: 0, readSeq: 0 }
    tops.set(line, { deliveredSeq: Math.max(top.deliveredSeq, deliveredSeq), readSeq: Math.max(top.readSeq, readSeq) })
  }
  for (const { conversationId, userId, deliveredSeq, readSeq } of history.dump.members) {
    const top = tops.get(`${conversationId} ${userId}`) ?? { deliveredSeq: 0, readSeq: 0 }
    const isKept = deliveredSeq >= top.deliveredSeq && readSeq >= top.readSeq
    if (!isKept) yield `${userId} in ${conversationId} was seen further than ${deliveredSeq} delivered, ${readSeq} read`
    if (readSeq > deliveredSeq) yield `${userId} in ${conversationId} has read ${readSeq} of ${deliveredSeq} delivered`
  }
}

function* stepBack(known: Map<string, number>, line: string, value: number): Iterable<string> {
  const before = known.get(line) ?? 0
  if (value < before) yield `${line} went from ${before} to ${value}`
  known.set(line, Math.max(before, value))
}
