import { setTimeout as delay } from 'node:timers/promises'
import type { ClientSession, Db, MongoClient } from 'mongodb'
import { isDuplicate } from '../../database/duplicates.ts'
import type { Database } from '../../database/index.ts'
import { AppError } from '../../errors.ts'
import type { AccountStore } from '../../streams/store.ts'
import type { ConversationDoc, MemberDoc, MessageDoc } from '../documents.ts'
import type { Change, Pending } from './change.ts'
import { ConversationCache } from './conversation-cache.ts'
import type { AccountNews, ConversationState } from './draft.ts'
import { IdempotencyCache } from './idempotency-cache.ts'
import { type CommitObserver, Lane, MAX_BACKOFF_MS } from './lane.ts'
import { asRefusal, commitForSure, isTransient } from './transaction-errors.ts'

/** Changes that may wait in one lane. */
const MAX_WAITING = 20_000
/** Time a change is retried against the changes of other processes, ms. */
const PATIENCE_MS = 15_000

export interface CommitOptions {
  /** Transactions under way at once; a conversation always takes the same lane. */
  lanes: number
}

/** A conversation that begins; `first` is what it begins with, and the head of `doc` is where that leaves it. */
export interface NewConversation {
  readonly doc: ConversationDoc
  readonly members: readonly MemberDoc[]
  readonly news: AccountNews
  readonly first?: MessageDoc
}

/**
 * Commit path of every change of a conversation. Changes that wait at the same time are committed in one
 * transaction, which compares and sets each conversation's head: no gap, no half change, and no decision on an
 * outdated state. Committed means majority and journal.
 */
export class Commits {
  readonly #client: MongoClient
  readonly #db: Db
  readonly #accounts: AccountStore
  readonly #cache: ConversationCache
  readonly #lanes: Lane[]
  #observer: CommitObserver = { committed: () => undefined, batch: () => undefined, conflict: () => undefined }

  constructor(
    { client, db, clock, availability }: Pick<Database, 'client' | 'db' | 'clock' | 'availability'>,
    accounts: AccountStore,
    { lanes }: CommitOptions
  ) {
    this.#client = client
    this.#db = db
    this.#accounts = accounts
    this.#cache = new ConversationCache(client, db)
    const observer: CommitObserver = {
      committed: result => this.#observer.committed(result),
      batch: (changes, seconds) => this.#observer.batch(changes, seconds),
      conflict: () => this.#observer.conflict()
    }
    const idempotencyCache = new IdempotencyCache()
    const deps = { client, db, clock, availability, accounts, cache: this.#cache, idempotencyCache, observer }
    this.#lanes = Array.from({ length: lanes }, () => new Lane(deps))
  }

  /** Set the one observer of commits, told in `rev` order for each conversation. */
  observe(observer: CommitObserver): void {
    this.#observer = observer
  }

  /** Changes that wait for their turn. */
  get waiting(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.length, 0)
  }

  /** The head of a conversation that this server has lately changed: committed, and perhaps no longer the newest. */
  recentHead(conversationId: string): ConversationDoc | undefined {
    return this.#cache.head(conversationId)
  }

  /**
   * Decides and commits one change.
   * @returns what `decide` returned, once it is committed
   * @throws {AppError} what `decide` threw; `not_found` when there is no such conversation; `busy` (nothing was
   * changed) when the database is away or others keep changing it; `unknown_outcome` when its answer was lost
   */
  async run<T>(conversationId: string, change: Change<T>): Promise<T> {
    const lane = this.#laneOf(conversationId)
    if (lane.length >= MAX_WAITING)
      throw new AppError('busy', 'Too much is waiting to be saved', { retryAfterMs: 1_000 })
    return await new Promise<T>((resolve, reject) => {
      const deadline = performance.now() + PATIENCE_MS
      const pending: Pending = {
        conversationId,
        change,
        deadline,
        resolve: resolve as (answer: unknown) => void,
        reject
      }
      lane.add(pending)
    })
  }

  /**
   * Stores a new conversation with its first members, as its change 1, and its first message, if any, as change 2.
   * @returns its state, or undefined when there is one with this `pairKey` already
   * @throws {AppError} `busy` (nothing was changed) when the database is away or others keep changing the same
   * accounts; `unknown_outcome` when its answer was lost
   */
  async create({ doc, members, news, first }: NewConversation): Promise<ConversationState | undefined> {
    const state = { doc, members: new Map(members.map(member => [member.userId.toHexString(), member])) }
    const revs = await this.#insertForSure(state, first)
    if (revs === undefined) return undefined
    this.#cache.keep(state)
    const accounts = news.userIds.map(id => {
      const userId = id.toHexString()
      return { userId, rev: revs.get(userId) ?? 0, event: news.create(userId, state) }
    })
    this.#observer.committed([{ state, events: [], accounts }])
    return state
  }

  /** Resolves when everything that waits now has come to its end. */
  async settled(): Promise<void> {
    await Promise.all(this.#lanes.map(async lane => await lane.settled()))
  }

  /** @returns the `rev` by user id (hex); undefined for a duplicate */
  async #insertForSure(
    state: ConversationState,
    first: MessageDoc | undefined
  ): Promise<Map<string, number> | undefined> {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      try {
        return await this.#attempt(state, first)
      } catch (error) {
        if (isDuplicate(error)) return undefined
        if (!isTransient(error) || performance.now() > deadline) throw asRefusal(error)
        await delay(Math.random() * MAX_BACKOFF_MS)
      }
    }
  }

  async #attempt(state: ConversationState, first: MessageDoc | undefined): Promise<Map<string, number>> {
    const session = this.#client.startSession()
    try {
      session.startTransaction()
      const revs = await this.#insert(state, first, session)
      await commitForSure(session)
      return revs
    } finally {
      // Also aborts what was not committed.
      void session.endSession()
    }
  }

  async #insert(
    { doc, members }: ConversationState,
    first: MessageDoc | undefined,
    session: ClientSession
  ): Promise<Map<string, number>> {
    const rows = [...members.values()]
    // What others may change at the same time comes first, so that a conflict costs little.
    const revs = await this.#accounts.record(
      rows.map(({ userId }) => userId),
      'membership',
      doc._id,
      session
    )
    await this.#db.collection<ConversationDoc>('conversations').insertOne({ ...doc }, { session })
    await this.#db.collection<MemberDoc>('members').insertMany(rows, { session })
    if (first !== undefined) await this.#db.collection<MessageDoc>('messages').insertOne(first, { session })
    return revs
  }

  #laneOf(conversationId: string): Lane {
    // Neighbouring ids differ in their last digits, often by an even number: Knuth's multiplicative hash spreads them.
    const hash = Math.imul(Number.parseInt(conversationId.slice(-8), 16), 2_654_435_761) >>> 16
    const lane = this.#lanes[hash % this.#lanes.length]
    if (lane === undefined) throw new Error('There are no lanes')
    return lane
  }
}
