import { type Db, type Document, MongoClient, ObjectId } from 'mongodb'
import { type BenchUser, mintUsers } from '../users.ts'
import { ParleyRest } from './parley-rest.ts'
import type { Target } from './wire.ts'

const INSERT_BATCH = 5_000
/** Messages of a conversation that are not read, at most. */
const UNREAD = 3

/** Number of conversations of each person, and of messages in all. */
export interface SeedList {
  readonly target: Target
  readonly sizes: readonly number[]
  readonly messages: number
}

/** User who is in this many conversations. */
export interface SeededList {
  readonly user: BenchUser
  readonly conversations: number
}

/**
 * Makes one conversation for each person through Parley, and the others as copies of it, written straight into its
 * collections. Parley has to be started again before it is used.
 */
export async function seedList({ target, sizes, messages }: SeedList): Promise<SeededList[]> {
  const client = await MongoClient.connect(target.mongoUri)
  const each = Math.ceil(messages / sizes.reduce((sum, size) => sum + size, 0))
  const rest = new ParleyRest(target.url)
  const seeded: SeededList[] = []
  for (const conversations of sizes) {
    const users = await mintUsers(3)
    const [user, sender] = users as [BenchUser, BenchUser, BenchUser]
    await rest.introduce(users)
    const { id } = await rest.createConversation(users)
    const body = { clientId: 'seed-1', text: 'One of many' }
    await rest.call(sender, 'POST', `/v1/conversations/${id}/messages`, body)
    await multiply(client.db(), new ObjectId(id.slice(-24)), { conversations, messages: each })
    seeded.push({ user, conversations })
  }
  await client.close()
  return seeded
}

interface Wanted {
  conversations: number
  messages: number
}

/** Copies a conversation until there are so many, each with so many messages, all but the last few read. */
async function multiply(db: Db, first: ObjectId, { conversations, messages }: Wanted): Promise<void> {
  const doc = await db.collection('conversations').findOne({ _id: first })
  const members = await db.collection('members').find({ conversationId: first }).toArray()
  const last = await db.collection('messages').findOne({ conversationId: first }, { sort: { seq: -1 } })
  if (doc === null || last === null) throw new Error('Parley keeps its messages elsewhere')
  const { seq, rev } = doc as unknown as { seq: number; rev: number }
  const waiting: Document[] = []
  const write = async (): Promise<void> => {
    await db.collection('messages', { writeConcern: { w: 1 } }).insertMany(waiting.splice(0), { ordered: false })
  }
  for (let n = 1; n < conversations; n++) {
    const _id = new ObjectId()
    const head = {
      seq: messages,
      rev: messages + rev - seq,
      lastActivityAt: new Date(Date.now() - ((n * 7919) % 86_400_000))
    }
    await db.collection('conversations').insertOne({ ...doc, _id, ...head })
    const readSeq = messages - (n % (UNREAD + 1))
    const rows = members.map(member => ({ ...member, _id: new ObjectId(), conversationId: _id, readSeq }))
    await db.collection('members').insertMany(rows)
    for (let at = 1; at <= messages; at++) {
      const place = { seq: at, rev: at + rev - seq, createdRev: at + rev - seq, clientId: `seeded-${at}` }
      waiting.push({ ...last, _id: new ObjectId(), conversationId: _id, ...place })
      if (waiting.length >= INSERT_BATCH) await write()
    }
  }
  if (waiting.length > 0) await write()
}
