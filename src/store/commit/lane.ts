import { setTimeout as delay } from 'node:timers/promises'
import { type ClientSession, type Db, type MongoClient, MongoError, MongoServerError, ObjectId } from 'mongodb'
import { AppError } from '../../errors.ts'
import type { AccountStore } from '../accounts.ts'
import type { MessageDoc } from '../documents.ts'
import { endAbandoned } from './abandoned.ts'
import { answerRepeat, Batch, onceKey, StaleError } from './batch.ts'
import type { ConversationCache } from './cache.ts'
import type { Committed, Pending } from './change.ts'
import { RecentSends } from './recent.ts'

/** Changes and bytes that go into one transaction. */
const MAX_BATCH = 500
const MAX_BATCH_BYTES = 1_048_576
/** How long an outcome that the network hid is looked for, ms. */
const OUTCOME_MS = 20_000
/** Retries double their longest wait up to this, ms. */
const MAX_BACKOFF_MS = 250
/** Conflicts in a row after which it may be a dead process that is in the way, and how often that is looked at, ms. */
const PATIENT_ATTEMPTS = 6
const LOOK_INTERVAL_MS = 1_000

/** What a lane reports of its work. */
export interface CommitObserver {
  committed(result: readonly Committed[]): void
  batch(changes: number, seconds: number): void
  conflict(): void
}

export interface LaneParts {
  client: MongoClient
  db: Db
  accounts: AccountStore
  cache: ConversationCache
  recent: RecentSends
  observer: CommitObserver
}

/** One line of changes: while a transaction is under way the next ones gather, and then go together. */
export class Lane {
  readonly #parts: LaneParts
  #waiting: Pending[] = []
  #running: Promise<void> | undefined
  #lookedAt = 0

  constructor(parts: LaneParts) {
    this.#parts = parts
  }

  get length(): number {
    return this.#waiting.length
  }

  add(pending: Pending): void {
    this.#waiting.push(pending)
    this.#running ??= this.#run()
  }

  /** Resolves when nothing waits any more. */
  async settled(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    // The rest of this turn of the event loop may bring more.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#commit(this.#take(), 0)
    this.#running = undefined
  }

  #take(): Pending[] {
    let bytes = 0
    let count = 0
    for (const { change } of this.#waiting) {
      bytes += change.bytes ?? 256
      if (count === MAX_BATCH || (count > 0 && bytes > MAX_BATCH_BYTES)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  /** Brings every change of the batch to an end: committed, refused, or failed. Never rejects. */
  async #commit(pending: readonly Pending[], attempt: number): Promise<void> {
    const batch = this.#answerKnown(this.#dropLate(pending, attempt))
    if (batch.length === 0) return
    try {
      const again = await this.#attempt(batch)
      if (again.length > 0) await this.#commit(again, attempt + 1)
    } catch (error) {
      await this.#recover(batch, error, attempt)
    }
  }

  #dropLate(pending: readonly Pending[], attempt: number): Pending[] {
    if (attempt === 0) return [...pending]
    const now = performance.now()
    return pending.filter(it => {
      if (now < it.deadline) return true
      it.reject(new AppError('busy', 'The conversation is changing too fast; try again', { retryAfterMs: 1_000 }))
      return false
    })
  }

  #answerKnown(pending: readonly Pending[]): Pending[] {
    return pending.filter(it => {
      const { once } = it.change
      const first = once && this.#parts.recent.get(onceKey(it, once))
      if (once === undefined || first === undefined) return true
      answerRepeat(it, once, first)
      return false
    })
  }

  /** One transaction. @returns the changes that must be decided again: on a newer state, or after the others */
  async #attempt(pending: readonly Pending[]): Promise<Pending[]> {
    const { client, db, accounts, cache, recent, observer } = this.#parts
    const startedAt = performance.now()
    const states = await cache.load(new Set(pending.map(it => it.conversationId)))
    const batch = new Batch()
    let result: Committed[] = []
    await client.withSession(async session => {
      session.startTransaction()
      try {
        batch.decide(pending, states, await this.#readMessages(pending, session))
        if (!batch.isWriting) return await session.abortTransaction()
        const revs = await batch.write(db, accounts, session)
        await commitForSure(session)
        result = batch.finish(revs, recent)
      } catch (error) {
        if (session.inTransaction()) await session.abortTransaction().catch(() => undefined)
        throw error
      }
    })
    for (const { state } of result) cache.keep(state)
    if (result.length > 0) {
      observer.batch(pending.length, (performance.now() - startedAt) / 1_000)
      observer.committed(result)
    }
    return [...(await this.#settleUnproven(batch)), ...batch.deferred]
  }

  async #readMessages(pending: readonly Pending[], session: ClientSession): Promise<Map<string, MessageDoc>> {
    const wanted = pending.flatMap(({ change, conversationId }) =>
      change.messageId === undefined ? [] : [{ _id: change.messageId, conversationId: new ObjectId(conversationId) }]
    )
    if (wanted.length === 0) return new Map()
    const found = await this.#parts.db
      .collection<MessageDoc>('messages')
      .find({ _id: { $in: wanted.map(({ _id }) => _id) } }, { session })
      .toArray()
    const asked = new Set(
      wanted.map(({ _id, conversationId }) => `${_id.toHexString()}${conversationId.toHexString()}`)
    )
    return new Map(
      found
        .filter(({ _id, conversationId }) => asked.has(`${_id.toHexString()}${conversationId.toHexString()}`))
        .map(message => [message._id.toHexString(), message])
    )
  }

  /** A refusal stands only if the state it was made on is the present one. */
  async #settleUnproven(batch: Batch): Promise<Pending[]> {
    if (batch.unproven.size === 0) return []
    const moved = await this.#parts.cache.forgetMoved([
      ...new Set([...batch.unproven.keys()].map(it => it.conversationId))
    ])
    const again: Pending[] = []
    for (const [pending, outcome] of batch.unproven) {
      if (moved.has(pending.conversationId)) again.push(pending)
      else if ('error' in outcome) pending.reject(outcome.error)
      else pending.resolve(outcome.answer)
    }
    return again
  }

  async #recover(batch: readonly Pending[], error: unknown, attempt: number): Promise<void> {
    try {
      if (isDuplicate(error)) await this.#learnRepeats(batch)
      else if (!mayRetry(error)) throw error
      await this.#retry(batch, attempt)
    } catch (final) {
      for (const id of new Set(batch.map(it => it.conversationId))) this.#parts.cache.forget(id)
      for (const it of batch) it.reject(asRefusal(final))
    }
  }

  /** Conversations that others are changing too are tried again later and apart, so that they do not hold up the rest. */
  async #retry(batch: readonly Pending[], attempt: number): Promise<void> {
    this.#parts.observer.conflict()
    const moved = await this.#parts.cache.forgetMoved([...new Set(batch.map(it => it.conversationId))])
    const contended = batch.filter(it => moved.has(it.conversationId))
    const rest = batch.filter(it => !moved.has(it.conversationId))
    if (rest.length > 0 && contended.length > 0) await this.#commit(rest, attempt + 1)
    if (attempt >= PATIENT_ATTEMPTS) await this.#clearTheWay()
    await delay(Math.random() * Math.min(MAX_BACKOFF_MS, 2 ** Math.min(attempt, 8) * 2))
    await this.#commit(contended.length > 0 ? contended : rest, attempt + 1)
  }

  /** Where this is not permitted, the database gives up what is abandoned by itself, later. */
  async #clearTheWay(): Promise<void> {
    const now = performance.now()
    if (now - this.#lookedAt < LOOK_INTERVAL_MS) return
    this.#lookedAt = now
    await endAbandoned(this.#parts.client).catch(() => undefined)
  }

  async #learnRepeats(batch: readonly Pending[]): Promise<void> {
    const keys = batch.flatMap(({ change: { once }, conversationId }) =>
      once === undefined
        ? []
        : [{ conversationId: new ObjectId(conversationId), senderId: once.senderId, clientId: once.clientId }]
    )
    if (keys.length === 0) return
    const firsts = await this.#parts.db.collection<MessageDoc>('messages').find({ $or: keys }).toArray()
    for (const first of firsts) {
      const { conversationId, senderId, clientId } = first
      const key = RecentSends.key(conversationId.toHexString(), senderId.toHexString(), clientId)
      this.#parts.recent.add(key, first)
    }
  }
}

/** Commits, asking again for as long as the answer is lost on the way: the database remembers what it did. */
async function commitForSure(session: ClientSession): Promise<void> {
  const until = performance.now() + OUTCOME_MS
  for (;;) {
    try {
      return await session.commitTransaction()
    } catch (error) {
      if (isFinal(error)) throw error
      if (performance.now() > until) throw unknownOutcome(error)
      await delay(100)
    }
  }
}

/** Only the database's own word says that nothing was committed; that it cannot be reached says nothing. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof MongoError)) return true
  return error instanceof MongoServerError && !error.hasErrorLabel('UnknownTransactionCommitResult')
}

function unknownOutcome(cause: unknown): AppError {
  const message = 'The database did not say whether this was saved; repeat it with the same clientId'
  return new AppError('unknown_outcome', message, { cause })
}

/** Whether the attempt surely had no effect and another may have one. */
function mayRetry(error: unknown): boolean {
  if (error instanceof StaleError) return true
  return error instanceof MongoError && error.hasErrorLabel('TransientTransactionError')
}

function isDuplicate(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === 11_000
}

function asRefusal(error: unknown): unknown {
  if (!(error instanceof MongoError)) return error
  return new AppError('busy', 'The database is not available; try again', { cause: error, retryAfterMs: 1_000 })
}
