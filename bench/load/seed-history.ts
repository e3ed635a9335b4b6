import { type Db, type Document, MongoClient, ObjectId } from 'mongodb'
import { type BenchUser, mintUsers } from '../users.ts'
import { ParleyRest } from './parley-rest.ts'
import { ParleyWire } from './parley-wire.ts'
import type { Target } from './wire.ts'

const INSERT_BATCH = 5_000
/** Sent through Parley; the last of them is what the others are copied from. */
const SENT = 2

/** Conversations to make. */
export interface SeedHistory {
  readonly target: Target
  /** Messages in each. */
  readonly sizes: readonly number[]
}

/** A conversation that is there, as long as asked. */
export interface SeededConversation {
  readonly conversationId: string
  readonly user: BenchUser
  readonly messages: number
}

/**
 * Makes conversations of two through Parley and lengthens them with copies of a sent message, written straight into
 * its collections. Parley has to be started again before it is used: what it has cached is then too old.
 */
export async function seedHistory({ target, sizes }: SeedHistory): Promise<SeededConversation[]> {
  const wire = new ParleyWire(target)
  const client = await MongoClient.connect(target.mongoUri)
  const seeded: SeededConversation[] = []
  for (const messages of sizes) {
    const users = await mintUsers(2)
    const user = users[0] as BenchUser
    const rest = new ParleyRest(target.url)
    await rest.introduce(users)
    const { id: conversationId } = await rest.createConversation(users)
    for (let n = 1; n <= SENT; n++) {
      const body = { clientId: `seed-${n}`, text: `~${n}~` }
      await rest.call(user, 'POST', `/v1/conversations/${conversationId}/messages`, body)
    }
    await lengthen(client.db(), new ObjectId(conversationId.slice(-24)), messages)
    seeded.push({ conversationId, user, messages })
  }
  await client.close()
  await wire.close()
  return seeded
}

/** Copies the last message until there are `count`, and moves the head along. */
async function lengthen(db: Db, conversationId: ObjectId, count: number): Promise<void> {
  const messages = db.collection('messages', { writeConcern: { w: 1 } })
  const last = await messages.findOne({ conversationId }, { sort: { seq: -1 } })
  const head = await db.collection('conversations').findOne({ _id: conversationId })
  if (last === null || head === null) throw new Error('Parley keeps its messages elsewhere')
  for (let from = 1; from <= count - SENT; from += INSERT_BATCH) {
    const length = Math.min(INSERT_BATCH, count - SENT - from + 1)
    const copies = Array.from({ length }, (_, index) => copyOf(last, from + index))
    await messages.insertMany(copies, { ordered: false })
  }
  const $inc = Object.fromEntries(headPaths(head, last).map(path => [path, count - SENT]))
  await db.collection('conversations').updateOne({ _id: conversationId }, { $inc })
}

function copyOf(message: Document, ahead: number): Document {
  const { seq, rev } = message as { seq: number; rev: number }
  const clientId = `seeded-${seq + ahead}`
  return { ...message, _id: new ObjectId(), seq: seq + ahead, rev: rev + ahead, clientId }
}

/** The fields of a conversation that say how far it has come: named `…seq` or `…rev`, and equal to the last message's. */
function headPaths(document: Document, { seq, rev }: Document, prefix = ''): string[] {
  return Object.entries(document).flatMap(([name, value]) => {
    const path = prefix + name
    if (isPlain(value)) return headPaths(value, { seq, rev }, `${path}.`)
    return (/seq$/i.test(name) && value === seq) || (/rev$/i.test(name) && value === rev) ? [path] : []
  })
}

function isPlain(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
