import { type AnyBulkWriteOperation, ObjectId } from 'mongodb'
import { type Draft, type Ground, type HeadDoc, type MessageRow, messageRow, type Strategy } from './strategy.ts'

const MAX_BATCH = 500
/** Messages that a head carries before they are moved out. */
const TAIL_LENGTH = 64

/** The messages of one conversation in a batch: the head's `rev` before them, and they. */
interface Part {
  readonly conversation: number
  readonly conversationId: ObjectId
  readonly expected: number
  readonly rows: MessageRow[]
}
type WriteBatch = (parts: readonly Part[]) => Promise<void>

/**
 * Group what waits while a lane's write is in flight. A conversation is always in the same lane, whose cached
 * `rev` numbers its messages.
 */
function grouped(ground: Ground, lanes: number, write: WriteBatch): Strategy {
  const revs = new Map<number, number>()
  const queues = Array.from({ length: lanes }, () => new Lane(drafts => write(partition(ground, revs, drafts))))
  return {
    async commit(draft) {
      await queues[draft.conversation % lanes]?.add(draft)
    }
  }
}

class Lane {
  readonly #write: (drafts: readonly Draft[]) => Promise<void>
  #waiting: { draft: Draft; resolve: () => void; reject: (reason: unknown) => void }[] = []
  #isWriting: boolean = false
  constructor(write: (drafts: readonly Draft[]) => Promise<void>) {
    this.#write = write
  }

  async add(draft: Draft): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ draft, resolve, reject })
      if (!this.#isWriting) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#isWriting = true
    await new Promise(setImmediate)
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_BATCH)
      try {
        await this.#write(batch.map(({ draft }) => draft))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#isWriting = false
  }
}

function partition(ground: Ground, revs: Map<number, number>, drafts: readonly Draft[]): Part[] {
  const parts = new Map<number, Part>()
  for (const draft of drafts) {
    const { conversation } = draft
    const rev = (revs.get(conversation) ?? 0) + 1
    revs.set(conversation, rev)
    const row = messageRow(ground, draft, rev)
    const part = parts.get(conversation)
    if (part) part.rows.push(row)
    else parts.set(conversation, { conversation, conversationId: row.conversationId, expected: rev - 1, rows: [row] })
  }
  return [...parts.values()]
}

const rowsOf = (parts: readonly Part[]) => parts.flatMap(({ rows }) => rows)

/** The head's compare-and-set of one part. */
function headUpdate({ conversationId, expected, rows }: Part): AnyBulkWriteOperation<HeadDoc> {
  const last = rows.at(-1)
  const $set = { rev: expected + rows.length, preview: last?.text ?? '', lastActivityAt: last?.createdAt ?? new Date() }
  return { updateOne: { filter: { _id: conversationId, rev: expected }, update: { $set } } }
}

function requireAll(matched: number, parts: readonly Part[]): void {
  if (matched !== parts.length) throw new Error('A head has moved')
}

/** Insert everything, then update the heads: a crash between the two leaves heads behind. */
export function groupInsertHeadAfter(ground: Ground): Strategy {
  return grouped(ground, 1, async parts => {
    await ground.messages.insertMany(rowsOf(parts), { ordered: false })
    const { matchedCount } = await ground.conversations.bulkWrite(parts.map(headUpdate), { ordered: false })
    requireAll(matchedCount, parts)
  })
}

/** Commit as Parley does: compare-and-set of all heads and insert of all messages in one transaction. */
export function groupTransaction(ground: Ground, lanes = 1): Strategy {
  return grouped(ground, lanes, async parts => {
    await ground.client.withSession(async session => {
      await session.withTransaction(async () => {
        const { matchedCount } = await ground.conversations.bulkWrite(parts.map(headUpdate), { session })
        requireAll(matchedCount, parts)
        await ground.messages.insertMany(rowsOf(parts), { session, ordered: false })
      })
    })
  })
}

/**
 * An idea to beat it: a document a batch and conversation, and no head. The unique key (conversation, first rev)
 * is the compare-and-set: a writer that numbered from a stale head is refused by it. Every reader has to look into
 * batches, and an edit rewrites one.
 */
export function batchDocument(ground: Ground): Strategy {
  return grouped(ground, 1, async parts => {
    const batches = parts.map(({ conversationId, expected, rows }) => {
      return { _id: new ObjectId(), conversationId, firstRev: expected + 1, messages: rows }
    })
    await ground.batches.insertMany(batches, { ordered: false })
  })
}

/**
 * Another idea: the head carries its newest messages, so that one write of one document is compare-and-set and
 * message at once; full tails are moved out behind the answers, which is counted too. A repeated `clientId` that was
 * moved out is not noticed by the write.
 */
export function inlineHead(ground: Ground): Strategy {
  const tails = new Map<number, MessageRow[]>()
  let moving: Promise<void> = Promise.resolve()
  const { commit } = grouped(ground, 1, async parts => {
    const operations = parts.map(part => {
      const { updateOne } = headUpdate(part) as { updateOne: { filter: object; update: object } }
      return { updateOne: { ...updateOne, update: { ...updateOne.update, $push: { tail: { $each: part.rows } } } } }
    })
    const { matchedCount } = await ground.conversations.bulkWrite(operations, { ordered: false })
    requireAll(matchedCount, parts)
    const full = parts.filter(({ conversation, rows }) => {
      const tail = tails.get(conversation) ?? []
      tail.push(...rows)
      tails.set(conversation, tail)
      return tail.length >= TAIL_LENGTH
    })
    const moved = full.map(({ conversation, conversationId }) => {
      const rows = tails.get(conversation) ?? []
      tails.set(conversation, [])
      return { conversationId, rows }
    })
    if (moved.length > 0) moving = moving.then(() => moveOut(ground, moved))
  })
  return { commit, settle: () => moving }
}

async function moveOut(ground: Ground, moved: readonly { conversationId: ObjectId; rows: MessageRow[] }[]) {
  await ground.messages.insertMany(
    moved.flatMap(({ rows }) => rows),
    { ordered: false }
  )
  const operations = moved.map(({ conversationId, rows }) => {
    const update = { $pull: { tail: { rev: { $lte: rows.at(-1)?.rev ?? 0 } } } }
    return { updateOne: { filter: { _id: conversationId }, update } }
  })
  await ground.conversations.bulkWrite(operations, { ordered: false })
}
