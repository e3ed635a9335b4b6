import { setTimeout as delay } from 'node:timers/promises'
import { type Db, type MongoClient, ObjectId } from 'mongodb'
import type { Availability } from '../../database/availability.ts'
import { isDuplicate } from '../../database/duplicates.ts'
import type { DatabaseClock } from '../../database/index.ts'
import { AppError } from '../../errors.ts'
import type { AccountStore } from '../../streams/store.ts'
import type { MessageDoc } from '../documents.ts'
import { answerRepeat, Batch, idempotencyKey, StaleError } from './batch.ts'
import { type Committed, type Pending, weightOf } from './change.ts'
import type { ConversationCache } from './conversation-cache.ts'
import type { ConversationState } from './draft.ts'
import { IdempotencyCache } from './idempotency-cache.ts'
import { readMessages } from './messages.ts'
import { endStaleTransactions } from './stale-transactions.ts'
import { asRefusal, commitForSure, isTransient, isWriteConflict } from './transaction-errors.ts'

/** Changes and bytes that go into one transaction. */
const MAX_BATCH = 500
const MAX_BATCH_BYTES = 1_048_576
/** The longest wait before another attempt, ms. */
export const MAX_BACKOFF_MS = 250
/** Time after a conflict in which others are thought to change the same conversations, ms. */
const CONTENDED_MS = 500
/**
 * Interval at which a lane looks whether somebody else's transaction is over, ms. Its changes are seen
 * before it waits for the journal, and in that time the next one can begin.
 */
const POLL_MS = 4
/** Looks after a conflict before the next attempt: what was in the way may come to nothing. */
const MAX_LOOKS = 8
/** Time in the way after which a transaction may be of a dead process, and interval of that check, ms. */
const LOOK_INTERVAL_MS = 1_000

type States = ReadonlyMap<string, ConversationState>

/** Observer of the work of a lane. */
export interface CommitObserver {
  committed(result: readonly Committed[]): void
  batch(changes: number, seconds: number): void
  conflict(): void
}

export interface LaneDeps {
  client: MongoClient
  db: Db
  clock: DatabaseClock
  availability: Pick<Availability, 'require'>
  accounts: AccountStore
  cache: ConversationCache
  idempotencyCache: IdempotencyCache
  observer: CommitObserver
}

/** Queue of changes: while a transaction is under way the next ones gather, and then go together. */
export class Lane {
  readonly #deps: LaneDeps
  #waiting: Pending[] = []
  #running: Promise<void> | undefined
  #lookedAt = 0
  #contendedAt = Number.NEGATIVE_INFINITY

  constructor(deps: LaneDeps) {
    this.#deps = deps
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
    while (this.#waiting.length > 0) {
      // Others get their turn between two of ours.
      const speculative = this.#isContended ? await this.#yieldToContender(this.#waiting, 1) : undefined
      await this.#commit(this.#take(), speculative)
    }
    this.#running = undefined
  }

  get #isContended(): boolean {
    return performance.now() - this.#contendedAt < CONTENDED_MS
  }

  #take(): Pending[] {
    let bytes = 0
    let count = 0
    for (const { change } of this.#waiting) {
      bytes += weightOf(change)
      if (count === MAX_BATCH || (count > 0 && bytes > MAX_BATCH_BYTES)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  /** Brings every change of the batch to an end: committed, refused, or failed. Never rejects. */
  async #commit(batch: readonly Pending[], newer: States | undefined): Promise<void> {
    let pending = batch
    let speculative = newer
    while (pending.length > 0) {
      pending = this.#answerKnown(pending)
      try {
        pending = await this.#attempt(pending, speculative)
        speculative = undefined
      } catch (error) {
        try {
          speculative = await this.#prepareRetry(pending, error, speculative)
        } catch (final) {
          for (const it of pending) it.reject(asRefusal(final))
          return
        }
        pending = dropLate(pending)
      }
    }
  }

  #answerKnown(pending: readonly Pending[]): Pending[] {
    return pending.filter(it => {
      const { idempotency } = it.change
      const first = idempotency && this.#deps.idempotencyCache.get(idempotencyKey(it, idempotency))
      if (idempotency === undefined || first === undefined) return true
      answerRepeat(it, idempotency, first)
      return false
    })
  }

  /**
   * Attempt one transaction.
   * @param speculative states to decide on that only the commit proves; by default those that are known to be safe
   * @returns the changes that must be decided again: on a newer state, or after the others
   */
  async #attempt(pending: readonly Pending[], speculative: States | undefined): Promise<Pending[]> {
    if (pending.length === 0) return []
    const { client, db, accounts, cache, idempotencyCache, observer, availability } = this.#deps
    await availability.require()
    const startedAt = performance.now()
    const states = new Map([...(await cache.load(conversationsOf(pending))), ...(speculative ?? [])])
    const batch = new Batch()
    let result: Committed[] = []
    const session = client.startSession()
    try {
      session.startTransaction()
      const messages = await readMessages(db, pending, session)
      batch.decide(pending, states, { messages, now: new Date(this.#deps.clock.now()) })
      if (batch.isWriting) {
        const revs = await batch.write(db, accounts, session)
        await commitForSure(session)
        result = batch.finish(revs, idempotencyCache)
      }
    } finally {
      // Also aborts what was not committed. The answer to that waits for the journal, and is of no use.
      void session.endSession()
    }
    for (const { state } of result) cache.keep(state)
    if (result.length > 0) {
      const left = batch.tentative.size + batch.deferred.length
      observer.batch(pending.length - left, (performance.now() - startedAt) / 1_000)
      observer.committed(result)
    }
    return [...(await this.#settleTentative(batch, speculative !== undefined)), ...batch.deferred]
  }

  /** A refusal stands only if the state it was made on is the present one, and safe. */
  async #settleTentative(batch: Batch, isSpeculative: boolean): Promise<Pending[]> {
    if (batch.tentative.size === 0) return []
    const ids = conversationsOf([...batch.tentative.keys()])
    const moved = await this.#deps.cache.refresh(ids).catch(() => undefined)
    if (moved === undefined) {
      await delay(Math.random() * MAX_BACKOFF_MS)
      return dropLate([...batch.tentative.keys()])
    }
    const again: Pending[] = []
    for (const [pending, outcome] of batch.tentative) {
      if (isSpeculative || moved.has(pending.conversationId)) again.push(pending)
      else if ('error' in outcome) pending.reject(outcome.error)
      else pending.resolve(outcome.answer)
    }
    return again
  }

  /** @returns the states to decide on next, when they are not those of the cache. @throws what cannot be retried */
  async #prepareRetry(
    pending: readonly Pending[],
    error: unknown,
    speculative: States | undefined
  ): Promise<States | undefined> {
    const ids = conversationsOf(pending)
    if (error instanceof StaleError) {
      this.#noteConflict()
      return await this.#deps.cache.peek(ids)
    }
    if (isWriteConflict(error)) {
      this.#noteConflict()
      await this.#killStale()
      return await this.#yieldToContender(pending, MAX_LOOKS, speculative)
    }
    for (const id of ids) this.#deps.cache.forget(id)
    if (isDuplicate(error)) await this.#learnRepeats(pending)
    else if (!isTransient(error)) throw error
    await delay(Math.random() * MAX_BACKOFF_MS)
    return undefined
  }

  /**
   * Waits until a commit of somebody else is to be seen: looking costs far less than a transaction that conflicts.
   * @returns the states that it leads to; those given when there was none
   */
  async #yieldToContender(
    pending: readonly Pending[],
    looks: number,
    speculative?: States
  ): Promise<States | undefined> {
    const { cache } = this.#deps
    const ids = conversationsOf(pending)
    try {
      const known = new Map([...(await cache.load(ids)), ...(speculative ?? [])])
      for (let look = 0; look < looks; look++) {
        await delay(POLL_MS * (0.5 + Math.random()))
        const states = await cache.peek(ids)
        if (ids.some(id => states.get(id)?.doc.rev !== known.get(id)?.doc.rev)) return states
      }
    } catch {
      // The attempt finds out by itself what is wrong.
    }
    return speculative
  }

  #noteConflict(): void {
    this.#deps.observer.conflict()
    const now = performance.now()
    if (now - this.#contendedAt > CONTENDED_MS) this.#lookedAt = now
    this.#contendedAt = now
  }

  /** Kill stale transactions. Where this is not permitted, the database ends them by itself, later. */
  async #killStale(): Promise<void> {
    const now = performance.now()
    if (now - this.#lookedAt < LOOK_INTERVAL_MS) return
    this.#lookedAt = now
    await endStaleTransactions(this.#deps.client).catch(() => undefined)
  }

  async #learnRepeats(batch: readonly Pending[]): Promise<void> {
    const keys = batch.flatMap(({ change: { idempotency }, conversationId }) =>
      idempotency === undefined
        ? []
        : [
            {
              conversationId: new ObjectId(conversationId),
              senderId: idempotency.senderId,
              clientId: idempotency.clientId
            }
          ]
    )
    if (keys.length === 0) return
    const firsts = await this.#deps.db.collection<MessageDoc>('messages').find({ $or: keys }).toArray()
    for (const first of firsts) {
      const { conversationId, senderId, clientId = '' } = first
      const key = IdempotencyCache.key(conversationId.toHexString(), senderId.toHexString(), clientId)
      this.#deps.idempotencyCache.add(key, first)
    }
  }
}

/** Sends away what has been tried for too long, and is known not to be committed. */
function dropLate(pending: readonly Pending[]): Pending[] {
  const now = performance.now()
  return pending.filter(it => {
    if (now < it.deadline) return true
    it.reject(new AppError('busy', 'The conversation is changing too fast; try again', { retryAfterMs: 1_000 }))
    return false
  })
}

function conversationsOf(batch: readonly Pending[]): string[] {
  return [...new Set(batch.map(it => it.conversationId))]
}
