import { dumpKey, type History, ofKind, type Send, sendKey, shown } from '../history.ts'

/** Everybody sees the same message in the same place, and every connection sees places and changes in order. */
export function* findDisorder(history: History): Iterable<string> {
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

/** Sends of one connection that wait for their answers at the same time keep their order. */
export function* findOvertaking(history: History): Iterable<string> {
  const answers = new Map([...ofKind(history, 'ok')].map(ok => [attemptKey(ok), ok]))
  const last = new Map<string, number>()
  for (const key of attemptedOnce(history)) {
    const ok = answers.get(key)
    if (ok !== undefined && !ok.duplicate)
      yield* stepBack(last, `${ok.client} ${ok.connection} ${ok.conversationId} seq`, ok.seq)
  }
}

function attemptKey({ client, connection, conversationId, clientId }: Send): string {
  return `${client} ${connection} ${conversationId} ${clientId}`
}

/** In the order of sending; what was refused and tried again on the same connection has given up its place. */
function attemptedOnce(history: History): string[] {
  const counts = new Map<string, number>()
  for (const entry of ofKind(history, 'invoke')) counts.set(attemptKey(entry), (counts.get(attemptKey(entry)) ?? 0) + 1)
  return [...counts].filter(([, count]) => count === 1).map(([key]) => key)
}

/** Find breaches of order: an acknowledged message comes before those sent after it. */
export function* findTimeTravel(history: History): Iterable<string> {
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

/** Cursors and receipts only move forward, and what was seen of them is kept. */
export function* findSteppedBack(history: History): Iterable<string> {
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
