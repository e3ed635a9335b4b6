import { dumpKey, type History, ofKind, sendKey } from '../history.ts'

/** Find duplicates: one send is one message and one answer; a connection gets each change once. */
export function* findDuplicates(history: History): Iterable<string> {
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

/** Messages are numbered 1 … n. */
export function* findSeqHoles({ dump }: History): Iterable<string> {
  for (const { id, seq } of dump.conversations) {
    const seqs = dump.messages.filter(({ conversationId }) => conversationId === id).map(message => message.seq)
    yield* notDense(id, seqs, seq)
    yield* repeated(
      seqs.map(it => `${id} seq ${it}`),
      'given'
    )
  }
}

/** Changes are numbered 1 … n, and each number is one change. */
export function* findRevHoles(history: History): Iterable<string> {
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

function* repeated(keys: readonly string[], what: string): Iterable<string> {
  const seen = new Set<string>()
  for (const key of keys) {
    if (seen.has(key)) yield `${key} was ${what} twice`
    seen.add(key)
  }
}

/** The numbers of `found` must be those from 1 to the head. */
function* notDense(what: string, found: readonly number[], head: number): Iterable<string> {
  const numbers = new Set(found)
  for (let number = 1; number <= head; number++) if (!numbers.has(number)) yield `${what} has no ${number} of ${head}`
  for (const number of numbers) if (number < 1 || number > head) yield `${what} has ${number} beyond its head ${head}`
}
