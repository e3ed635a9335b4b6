import { setTimeout as sleep } from 'node:timers/promises'
import { type Db, MongoClient } from 'mongodb'
import { sendClosedLoop } from './send.ts'
import { type Cost, Window } from './window.ts'
import type { Target } from './wire.ts'

/** A block of the index has so many messages. */
const BLOCK = 256
/** Time after which what was sent without an index has settled, ms; and between two looks at an index. */
const SETTLE_MS = 2_000
const LOOK_MS = 200

/** Messages that are sent, and indexed or not. */
export interface SendAndIndex {
  readonly target: Target
  readonly seconds: number
  readonly isIndexed: boolean
}

/** Cost of all of them, indexing included. */
export interface SentAndIndexed extends Cost {
  readonly messages: number
  /** Acknowledged in each second of sending. */
  readonly perSecond: number
}

/** Sends in a closed loop, and waits until what fills a block is in one. */
export async function sendAndIndex({ target, seconds, isIndexed }: SendAndIndex): Promise<SentAndIndexed> {
  const client = await MongoClient.connect(target.mongoUri)
  const db = client.db()
  const window = new Window(target)
  const loop = { target, senders: 20, members: 2, inFlight: 4, seconds, isWatched: false }
  const { acked, seconds: sending } = await sendClosedLoop(loop)
  await sleep(SETTLE_MS)
  while (isIndexed && !(await isSealed(db))) await sleep(LOOK_MS)
  const cost = window.cost()
  const messages = await db.collection('messages').countDocuments({ type: 'text' })
  await client.close()
  return { ...cost, messages, perSecond: acked / sending }
}

async function isSealed(db: Db): Promise<boolean> {
  const heads = await db.collection<{ seq: number }>('conversations').find().toArray()
  const marks = await db.collection<{ seq: number }>('searchMarks').find().toArray()
  const seqs = new Map(marks.map(({ _id, seq }) => [_id.toHexString(), seq]))
  return heads.every(({ _id, seq }) => seq - (seqs.get(_id.toHexString()) ?? 0) < BLOCK)
}
