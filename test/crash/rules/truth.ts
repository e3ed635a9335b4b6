import type { JournalEntry } from '../../sync-client/journal.ts'
import { dumpKey, type History, ofKind, sendKey, shown } from '../history.ts'

/** An acknowledged send is in the final history, as it was acknowledged. */
export function* findLost(history: History): Iterable<string> {
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

/** Find deliveries that are not in the final history. */
export function* findGhosts(history: History): Iterable<string> {
  const messages = new Map(history.dump.messages.map(message => [message.id, message]))
  const told = new Set<string>()
  for (const { id, seq, client } of shown(history)) {
    if (messages.get(id)?.seq === seq || told.has(`${id} ${seq}`)) continue
    told.add(`${id} ${seq}`)
    yield `${client} was shown ${id} at ${seq}, which is not in the history`
  }
}

/** Find messages in the final history that nobody sent, or that were refused. */
export function* findPhantoms(history: History): Iterable<string> {
  const texts = new Map([...ofKind(history, 'invoke')].map(entry => [sendKey(history, entry), entry.text]))
  const refused = new Set([...ofKind(history, 'fail')].map(entry => sendKey(history, entry)))
  for (const kind of ['ok', 'unknown'] as const) {
    for (const entry of ofKind(history, kind)) refused.delete(sendKey(history, entry))
  }
  for (const message of history.dump.messages) {
    const key = dumpKey(message)
    if (message.type === 'system') continue
    if (message.text !== texts.get(key)) yield `${message.id} says ${message.text}; sent was ${texts.get(key)}`
    if (refused.has(key)) yield `${message.id} was refused`
  }
}

/** Find refusals that had an effect, unless the outcome was unknown: a repeat must be the first. */
export function* findLies(history: History): Iterable<string> {
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
