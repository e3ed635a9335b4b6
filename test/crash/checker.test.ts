import t from 'tap'
import type { JournalEntry } from '../kit/sync-client/journal.ts'
import { check, type Rule } from './checker.ts'
import type { Dump, DumpedMessage, History } from './history.ts'

const CONV = 'conv_1'
const PEOPLE = { ann: 'user_a', bob: 'user_b' }

/** A message and everything that is noticed of it. */
function message(seq: number, fields: Partial<DumpedMessage> = {}): DumpedMessage {
  const rev = seq + 1
  const names = {
    id: `msg_${seq}`,
    conversationId: CONV,
    senderId: PEOPLE.ann,
    clientId: `c${seq}`,
    text: `text ${seq}`
  }
  return { ...names, seq, rev, createdRev: rev, ...fields }
}

const about = ({ conversationId, clientId }: DumpedMessage, connection = 1) => ({
  client: 'ann',
  connection,
  conversationId,
  clientId
})
const invoke = (it: DumpedMessage, connection = 1): JournalEntry => ({
  ...about(it, connection),
  kind: 'invoke',
  text: it.text ?? ''
})
const ok = (it: DumpedMessage, fields: { connection?: number; duplicate?: boolean } = {}): JournalEntry => ({
  ...about(it, fields.connection),
  kind: 'ok',
  ...{ id: it.id, seq: it.seq, rev: it.createdRev, createdAt: '', duplicate: fields.duplicate ?? false }
})
const event = (client: string, data: DumpedMessage, connection = 1): JournalEntry => ({
  ...{ client, connection, kind: 'event', type: 'message:new', stream: CONV, rev: data.rev, data }
})
const cursor = (client: string, rev: number, connection = 1): JournalEntry => ({
  ...{ client, connection, kind: 'cursor', stream: CONV, rev }
})
const receipt = (seq: number): JournalEntry => ({
  ...{ client: 'ann', connection: 1, kind: 'receipt', conversationId: CONV, userId: PEOPLE.bob },
  ...{ deliveredSeq: seq, readSeq: seq }
})

function dump(messages: DumpedMessage[]): Dump {
  const own = { conversationId: CONV, rev: 1, deliveredSeq: 3, readSeq: 2 }
  return {
    conversations: [{ id: CONV, rev: messages.length + 1, seq: messages.length, selfRev: 1 }],
    messages,
    members: Object.values(PEOPLE).map(userId => ({ ...own, userId }))
  }
}

/** Three messages of one person, the last over a second connection, all seen by both. */
function clean(): History & { journal: JournalEntry[] } {
  const [first, second, third] = [message(1), message(2), message(3)]
  const journal = [
    ...[
      invoke(first),
      invoke(second),
      ok(first),
      event('bob', first),
      event('ann', first),
      cursor('bob', 2),
      receipt(1)
    ],
    ...[ok(second), event('ann', second), event('bob', second), cursor('bob', 3), receipt(2)],
    ...[invoke(third), { ...about(third), kind: 'unknown' } as JournalEntry],
    ...[invoke(third, 2), ok(third, { connection: 2, duplicate: true }), event('bob', third), cursor('bob', 4)]
  ]
  return { journal, dump: dump([first, second, third]), people: PEOPLE }
}

/** A clean history with a fault of one kind. */
type Fault = (history: ReturnType<typeof clean>) => void

function row(history: History, seq: number): DumpedMessage {
  const found = history.dump.messages.find(it => it.seq === seq)
  if (found === undefined) throw new Error(`There is no message ${seq}`)
  return found
}

function isOk(seq: number) {
  return (entry: JournalEntry): entry is Extract<JournalEntry, { kind: 'ok' }> =>
    entry.kind === 'ok' && entry.seq === seq
}

function head({ dump: { conversations } }: History) {
  const [conversation] = conversations
  if (conversation === undefined) throw new Error('There is no conversation')
  return conversation
}

/** A send that nobody saw the end of. */
function hang(history: ReturnType<typeof clean>, fields: Partial<DumpedMessage>): DumpedMessage {
  const hanging = message(4, fields)
  history.journal.push(invoke(hanging), { ...about(hanging), kind: 'unknown' })
  return hanging
}

const FAULTS: Record<Rule, Record<string, Fault>> = {
  loss: {
    'an acknowledged message is gone': history => {
      const lost = hang(history, { id: 'msg_lost' })
      history.journal.push(ok(lost))
    },
    'an acknowledged message has another place': history => {
      const entry = history.journal.find(isOk(3))
      if (entry) entry.rev = 9
    }
  },
  duplicate: {
    'a send is stored twice': history => {
      const twice = { ...message(4), clientId: 'c3', text: 'text 3' }
      history.dump.messages.push(twice)
      Object.assign(head(history), { rev: 5, seq: 4 })
    },
    'a change is sent to one connection twice': history => {
      history.journal.push(event('bob', message(3)))
    }
  },
  seq: {
    'a place is left out': history => {
      hang(history, {})
      history.dump.messages.push(message(5, { clientId: 'c4', text: 'text 4', rev: 5, createdRev: 5 }))
      Object.assign(head(history), { rev: 5, seq: 5 })
    },
    'the head is behind': history => {
      head(history).seq = 2
    }
  },
  rev: {
    'a change is left out': history => {
      head(history).rev = 5
    },
    'two changes have one number': history => {
      history.dump.messages.push(message(4, { rev: 4, createdRev: 4 }))
      hang(history, {})
      head(history).seq = 4
    }
  },
  order: {
    'a connection gets an earlier change later': history => {
      history.journal.push(event('ann', message(3), 2), event('ann', message(1), 2))
    }
  },
  pipeline: {
    'a send overtakes the one before': history => {
      const [first, second] = history.journal
      if (first && second) history.journal.splice(0, 2, second, first)
    }
  },
  time: {
    'a message goes before one that was acknowledged earlier': history => {
      const early = message(1)
      history.journal = history.journal.filter(entry => !(entry.kind === 'invoke' && entry.clientId === early.clientId))
      const at = history.journal.findIndex(isOk(2))
      history.journal.splice(at + 1, 0, invoke(early, 3))
    }
  },
  ghost: {
    'a message is shown and not kept': history => {
      history.journal.push(event('bob', hang(history, {})))
      head(history).rev = 5
      history.dump.members.push({ conversationId: CONV, userId: 'user_c', rev: 5, deliveredSeq: 0, readSeq: 0 })
    }
  },
  phantom: {
    'a message is there that nobody sent': history => {
      history.dump.messages.push(message(4))
      Object.assign(head(history), { rev: 5, seq: 4 })
    },
    'a message is there that was refused': history => {
      history.journal.push(invoke(message(4)), { ...about(message(4)), kind: 'fail', code: 'busy', retry: 'later' })
      history.dump.messages.push(message(4))
      Object.assign(head(history), { rev: 5, seq: 4 })
    }
  },
  honest: {
    'a refused send turns out to be stored': history => {
      const entry = history.journal.find(it => it.kind === 'unknown')
      if (entry) Object.assign(entry, { kind: 'fail', code: 'busy', retry: 'later' })
    }
  },
  cursor: {
    'a cursor goes back': history => {
      history.journal.push(cursor('bob', 2))
    },
    'a receipt goes back': history => {
      history.journal.push(receipt(1))
    },
    'a receipt is forgotten': history => {
      history.journal.push(receipt(3))
    }
  }
}

t.test('a history in which every promise was kept has no violation', async t => {
  t.same(check(clean()), [])
})

t.test('members who saw two messages in different places break the order, and one of them saw a ghost', async t => {
  const history = clean()
  const swapped = { ...row(history, 3), id: 'msg_2', seq: 3 }
  history.journal.push(event('ann', swapped, 2))
  t.same(new Set(check(history).map(({ rule }) => rule)), new Set(['order', 'ghost']))
})

t.test('a send that was answered with two messages is a duplicate, and the second answer is lost', async t => {
  const history = clean()
  history.journal.push(ok({ ...row(history, 3), id: 'msg_9' }, { connection: 3, duplicate: true }))
  t.same(new Set(check(history).map(({ rule }) => rule)), new Set(['loss', 'duplicate']))
})

for (const [rule, faults] of Object.entries(FAULTS)) {
  for (const [title, plant] of Object.entries(faults)) {
    t.test(`${title}: ${rule} and no other rule says so`, async t => {
      const history = clean()
      plant(history)
      t.same([...new Set(check(history).map(violation => violation.rule))], [rule])
    })
  }
}
