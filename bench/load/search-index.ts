import { type Collection, type Db, type Document, MongoClient, ObjectId } from 'mongodb'
import { termsOf } from '../../src/search/text/terms.ts'
import { makeText, makeWord } from './texts.ts'
import { Window } from './window.ts'

const CONVERSATIONS = 200
const BATCH = 1_000
const PAGE = 20
const QUERIES = 150

/** Ways to index what was said. */
export const WAYS = ['blocks of 128', 'blocks of 256', 'tokens', '$text', '$regex'] as const
type Way = (typeof WAYS)[number]

/** Place and size of a comparison. */
export interface IndexLoad {
  readonly mongoUri: string
  readonly mongodPid: number
  readonly messages: number
}

/** Figures of one way. */
export interface IndexFigures {
  readonly way: Way
  /** Size on disk of what is indexed, beside the messages themselves. */
  readonly bytesPerMessage: number
  readonly nodeUsPerMessage: number
  readonly mongodUsPerMessage: number
  readonly p50Ms: number
  readonly p95Ms: number
}

/** A message as far as it matters here. */
interface Said {
  readonly _id: ObjectId
  readonly conversationId: ObjectId
  readonly seq: number
  readonly createdAt: Date
  readonly text: string
}

/**
 * Writes the same messages for each way of indexing them, one person's of 200 conversations, and asks for words. The
 * index is made after the messages, and its cost counted alone; that of `$text` is made while they are written, because
 * the database leaves no choice.
 */
export async function compareIndexes({ mongoUri, mongodPid, messages: count }: IndexLoad): Promise<IndexFigures[]> {
  const client = await MongoClient.connect(mongoUri)
  const db = client.db(undefined, { writeConcern: { w: 1, journal: false } })
  const conversationIds = Array.from({ length: CONVERSATIONS }, () => new ObjectId())
  const figures: IndexFigures[] = []
  const target = { kind: 'parley', url: '', mongoUri, serverPid: process.pid, mongodPid } as const
  const plain = await write(db.collection('plain'), conversationIds, count, new Window(target))
  for (const way of WAYS) {
    const collection = db.collection<Said>(`m_${way.replace(/\W/g, '_')}`)
    if (way === '$text') await collection.createIndex({ text: 'text' }, { default_language: 'none' })
    const written = await write(collection, conversationIds, count, new Window(target))
    const before = await sizeOf(db, collection.collectionName)
    const window = new Window(target)
    const blocks = db.collection(`b_${way.replace(/\W/g, '_')}`)
    await index(way, { collection, blocks, conversationIds })
    const { serverCpuMs, mongodCpuMs } = window.cost()
    const indexed = way.startsWith('blocks')
      ? await sizeOf(db, blocks.collectionName)
      : (await sizeOf(db, collection.collectionName)) - (way === '$text' ? await sizeOf(db, 'plain') : before)
    const extra = way === '$text' ? written.mongodCpuMs - plain.mongodCpuMs : 0
    const times = await ask(way, { collection, blocks, conversationIds })
    figures.push({
      way,
      bytesPerMessage: indexed / count,
      nodeUsPerMessage: (serverCpuMs * 1_000) / count,
      mongodUsPerMessage: ((mongodCpuMs + extra) * 1_000) / count,
      ...times
    })
    await collection.drop()
    await blocks.drop()
  }
  await client.close()
  return figures
}

async function write(collection: Collection<Said>, ids: readonly ObjectId[], count: number, window: Window) {
  await collection.createIndexes([{ key: { conversationId: 1, seq: 1 }, unique: true }])
  const startedAt = Date.now() - count * 1_000
  for (let from = 0; from < count; from += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - from) }, (_, offset) => {
      const n = from + offset
      const conversationId = ids[n % ids.length] as ObjectId
      const seq = Math.floor(n / ids.length) + 1
      return { _id: new ObjectId(), conversationId, seq, createdAt: new Date(startedAt + n * 1_000), text: makeText(n) }
    })
    await collection.insertMany(batch, { ordered: false })
  }
  return window.cost()
}

interface Indexed {
  readonly collection: Collection<Said>
  readonly blocks: Collection
  readonly conversationIds: readonly ObjectId[]
}

async function index(way: Way, { collection, blocks, conversationIds }: Indexed): Promise<void> {
  if (way === 'tokens') {
    await collection.createIndex({ conversationId: 1, tokens: 1, createdAt: -1 })
    // As it would be: a few messages at a time, soon after they were committed.
    for await (const batch of batches(collection.find().sort({ _id: 1 }), 50)) {
      const updates = batch.map(({ _id, text }) => ({
        updateOne: { filter: { _id }, update: { $set: { tokens: [...termsOf(text)] } as Document } }
      }))
      await collection.bulkWrite(updates, { ordered: false })
    }
  } else if (way.startsWith('blocks')) {
    const size = Number(way.split(' ').at(-1))
    await blocks.createIndex({ c: 1, terms: 1, at: -1, span: 1 })
    for (const c of conversationIds) {
      for await (const batch of batches(collection.find({ conversationId: c }).sort({ seq: 1 }), size)) {
        const terms = new Set(batch.flatMap(({ text }) => [...termsOf(text)]))
        const [first, last] = [batch[0] as Said, batch.at(-1) as Said]
        const span = first.seq * 256 + batch.length - 1
        await blocks.insertOne({ c, terms: [...terms], at: last.createdAt, span })
      }
    }
  }
}

async function* batches<T>(cursor: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = []
  for await (const one of cursor) {
    batch.push(one)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

async function sizeOf(db: Db, name: string): Promise<number> {
  await db.admin().command({ fsync: 1 })
  const found = await db
    .collection(name)
    .aggregate<{ bytes: number }>([
      { $collStats: { storageStats: {} } },
      { $project: { bytes: { $add: ['$storageStats.storageSize', '$storageStats.totalIndexSize'] } } }
    ])
    .toArray()
  return found[0]?.bytes ?? 0
}

async function ask(way: Way, indexed: Indexed): Promise<{ p50Ms: number; p95Ms: number }> {
  const times: number[] = []
  for (let n = 0; n < QUERIES; n++) {
    const startedAt = performance.now()
    await query(way, makeWord(n), indexed)
    times.push(performance.now() - startedAt)
  }
  times.sort((a, b) => a - b)
  const at = (part: number) => times[Math.floor(times.length * part)] ?? Number.NaN
  return { p50Ms: at(0.5), p95Ms: at(0.95) }
}

async function query(way: Way, word: string, { collection, blocks, conversationIds }: Indexed): Promise<void> {
  const $in = [...conversationIds]
  const newest = { sort: { createdAt: -1 }, limit: PAGE } as const
  if (way === '$text') {
    await collection.find({ $text: { $search: word }, conversationId: { $in } }, newest).toArray()
  } else if (way === '$regex') {
    await collection.find({ conversationId: { $in }, text: new RegExp(`\\b${word}\\b`, 'i') }, newest).toArray()
  } else if (way === 'tokens') {
    await collection.find({ conversationId: { $in }, tokens: word } as Document, newest).toArray()
  } else {
    const found = await blocks
      .find(
        { c: { $in }, terms: word },
        { projection: { _id: 0, c: 1, at: 1, span: 1 }, sort: { at: -1 }, limit: 2_000 }
      )
      .toArray()
    let hits = 0
    for (let at = 0; at < found.length && hits < PAGE; at += 4) {
      const $or = found.slice(at, at + 4).map(({ c, span }) => {
        const from = Math.floor(span / 256)
        return { conversationId: c, seq: { $gte: from, $lte: from + (span % 256) } }
      })
      const messages = await collection.find({ $or }).toArray()
      hits += messages.filter(({ text }) => termsOf(text).has(word)).length
    }
  }
}
