import { setTimeout as sleep } from 'node:timers/promises'
import { type Db, MongoClient, ObjectId } from 'mongodb'
import { type BenchUser, mintUsers } from '../users.ts'
import { inParallel, ParleyRest } from './parley-rest.ts'
import { makeText, makeWord } from './texts.ts'
import type { Target } from './wire.ts'

const CONVERSATIONS = 200
const BATCH = 2_000
const HOUR_MS = 3_600_000
const LIMIT = 20

/** Messages of one person in 200 conversations. */
export interface SeedSearch {
  readonly target: Target
  readonly messages: number
}

/** Makes the conversations through Parley, and writes what was said straight into its collections, an hour ago. */
export async function seedSearch({ target, messages }: SeedSearch): Promise<BenchUser> {
  const users = (await mintUsers(3)) as [BenchUser, BenchUser, BenchUser]
  const rest = new ParleyRest(target.url)
  await rest.introduce(users)
  const conversations = Array.from({ length: CONVERSATIONS })
  const ids = await inParallel(conversations, 4, async () => {
    const { id } = await rest.createConversation(users)
    return new ObjectId(id.slice(-24))
  })
  const client = await MongoClient.connect(target.mongoUri)
  await write(client.db(), { ids, senderId: new ObjectId(users[1].id), count: messages })
  await client.close()
  return users[0]
}

interface Said {
  readonly ids: readonly ObjectId[]
  readonly senderId: ObjectId
  readonly count: number
}

async function write(db: Db, { ids, senderId, count }: Said): Promise<void> {
  const messages = db.collection('messages', { writeConcern: { w: 1 } })
  const endedAt = Date.now() - HOUR_MS
  // The first message of each records that the group was made.
  const [before] = await db
    .collection('conversations')
    .find({ _id: { $in: [...ids] } })
    .toArray()
  const { seq: seqBefore, rev: revBefore } = before as unknown as { seq: number; rev: number }
  for (let from = 0; from < count; from += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - from) }, (_, offset) => {
      const n = from + offset
      const conversationId = ids[n % ids.length] as ObjectId
      const [seq, rev] = [seqBefore, revBefore].map(it => it + Math.floor(n / ids.length) + 1)
      const createdAt = new Date(endedAt - (count - n) * 1_000)
      const place = { conversationId, seq, rev, createdRev: rev, senderId, clientId: `seeded-${seq}`, bodyHash: '' }
      return { ...place, type: 'text', text: makeText(n), createdAt }
    })
    await messages.insertMany(batch, { ordered: false })
  }
  const each = Math.floor(count / ids.length)
  const at = new Date(endedAt)
  const $set = { saidSeq: seqBefore + each, saidAt: at, lastActivityAt: at, changedAt: at }
  await db.collection('conversations').updateMany({ _id: { $in: [...ids] } }, { $inc: { seq: each, rev: each }, $set })
}

/** Waits until no conversation has more than a few messages that are not indexed. @returns bytes of index a message */
export async function awaitIndex({ target, messages }: SeedSearch): Promise<number> {
  const client = await MongoClient.connect(target.mongoUri)
  const db = client.db()
  const least = Math.floor(messages / CONVERSATIONS) - 64
  const marks = db.collection('searchMarks')
  // Of a few messages there is no index.
  while (least > 0 && (await marks.countDocuments({ seq: { $gte: least } })) < CONVERSATIONS) await sleep(500)
  await db.admin().command({ fsync: 1 })
  const [size] = await db
    .collection('searchBlocks')
    .aggregate<{ bytes: number }>([
      { $collStats: { storageStats: {} } },
      { $project: { bytes: { $add: ['$storageStats.storageSize', '$storageStats.totalIndexSize'] } } }
    ])
    .toArray()
  await client.close()
  return (size?.bytes ?? 0) / messages
}

/** One person who searches. */
export interface ReadSearch {
  readonly target: Target
  readonly user: BenchUser
  readonly queries: number
}

/** Times of searches. */
export interface SearchTimes {
  readonly p50Ms: number
  readonly p95Ms: number
  /** Requests of one search, on average: where one is not enough, the next goes on. */
  readonly requests: number
}

/** Searches for words, beginnings and two words at once over REST, one after the other, each until its first page is full. */
export async function readSearch({ target, user, queries }: ReadSearch): Promise<SearchTimes> {
  const rest = new ParleyRest(target.url)
  const times: number[] = []
  let requests = 0
  for (let n = 0; n < queries; n++) {
    const word = makeWord(n)
    const q = n % 3 === 0 ? word.slice(0, 4) : n % 3 === 1 ? `"${word}"` : `${makeWord(n + 1)} ${word}`
    const startedAt = performance.now()
    let cursor = ''
    for (let isDone = false; !isDone; requests++) {
      const page = await rest.call(
        user,
        'GET',
        `/v1/search/messages?limit=${LIMIT}&q=${encodeURIComponent(q)}${cursor}`
      )
      isDone = page['complete'] === true
      cursor = `&cursor=${page['next']}`
    }
    times.push(performance.now() - startedAt)
  }
  times.sort((a, b) => a - b)
  const at = (part: number) => times[Math.floor(times.length * part)] ?? Number.NaN
  return { p50Ms: at(0.5), p95Ms: at(0.95), requests: requests / queries }
}
