import type { MongoClient } from 'mongodb'
import { ObjectId } from 'mongodb'
import { bareId } from '../../protocol/ids.ts'
import type { Person } from './helper.ts'

/** Content of about 118 KB, the most that a message holds. */
export const LARGE = {
  type: 'file',
  encryptedContent: 'c'.repeat(61_000),
  text: 'd'.repeat(16_000),
  attachments: Array.from({ length: 10 }, () => ({
    type: 'file',
    url: `https://files.example/${'a'.repeat(2_000)}`,
    thumbnailUrl: `https://files.example/${'b'.repeat(2_000)}`
  }))
}

/** Messages of somebody that are written at once into a database: nobody is told of them. */
interface Stored {
  readonly conversationId: string
  readonly from: Person
  readonly count: number
  /** Content; the same text for all by default. */
  readonly content?: object
  readonly createdAt?: Date
}

/** Writes messages at the end of a conversation. */
export async function storeMessages(client: MongoClient, stored: Stored): Promise<void> {
  const { conversationId, from, count, content = { type: 'text', text: 'Hi' }, createdAt = new Date() } = stored
  const db = client.db()
  const _id = new ObjectId(bareId(conversationId))
  const head = await db.collection('conversations').findOne({ _id })
  if (head === null) throw new Error('There is no such conversation')
  const rows = Array.from({ length: count }, (_, index) => {
    const [seq, rev] = [head['seq'] + 1 + index, head['rev'] + 1 + index]
    const place = { conversationId: _id, seq, rev, createdRev: rev, senderId: new ObjectId(from.hex) }
    return { ...place, clientId: `stored-${seq}`, bodyHash: '', createdAt, ...content }
  })
  for (let start = 0; start < count; start += 100) {
    await db.collection('messages').insertMany(rows.slice(start, start + 100))
  }
  const now = new Date()
  const moved = {
    seq: head['seq'] + count,
    rev: head['rev'] + count,
    changedAt: now,
    lastActivityAt: now,
    saidSeq: head['seq'] + count,
    saidAt: now
  }
  await db.collection('conversations').updateOne({ _id }, { $set: moved })
}
