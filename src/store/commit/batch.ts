import type { ClientSession, Db } from 'mongodb'
import type { AccountStore } from '../../streams/store.ts'
import type { ConversationDoc, MemberDoc, MessageDoc, MessageDraftDoc } from '../documents.ts'
import { noSuchConversation } from '../missing.ts'
import { releaseFiles } from '../pictures.ts'
import type { Committed, CommittedAccount, Idempotency, Pending } from './change.ts'
import { type ConversationState, Draft } from './draft.ts'
import { IdempotencyCache } from './idempotency-cache.ts'

/** A head was not where the cache had it. */
export class StaleError extends Error {}

/** Changes that are decided and written together. One attempt; a new one is made for a retry. */
export class Batch {
  readonly #drafts = new Map<string, Draft>()
  /** Answered by what was written: valid once the transaction is committed. */
  readonly #answers = new Map<Pending, unknown>()
  /** Refused, or granted without a write: valid only if the cached head was right. */
  readonly tentative = new Map<Pending, { error: unknown } | { answer: unknown }>()
  readonly #firsts = new Map<string, MessageDoc>()
  /** Left for the next transaction. */
  readonly deferred: Pending[] = []
  /** Repeats of a send of this same batch. */
  readonly #repeats: { pending: Pending; idempotency: Idempotency<unknown>; message: MessageDoc }[] = []

  /** Runs every change's decision on its conversation's draft. @param now by the database's clock */
  decide(
    pending: readonly Pending[],
    states: ReadonlyMap<string, ConversationState>,
    { messages, now }: { messages: ReadonlyMap<string, MessageDoc>; now: Date }
  ): void {
    for (const it of pending) {
      const state = states.get(it.conversationId)
      if (state === undefined) {
        this.tentative.set(it, { error: noSuchConversation() })
        continue
      }
      const draft = this.#drafts.get(it.conversationId) ?? new Draft(state, messages, now)
      this.#drafts.set(it.conversationId, draft)
      // Who came or went is told once for each transaction: somebody added and removed again takes two.
      if (draft.accountNews.length > 0) this.deferred.push(it)
      else if (!this.#isRepeat(it)) this.#decideOne(it, draft)
    }
  }

  get isWriting(): boolean {
    return this.#answers.size > 0
  }

  get #changed(): Draft[] {
    return [...this.#drafts.values()].filter(draft => draft.isChanged)
  }

  /** Writes it all inside the session's transaction. @throws {StaleError} when a head has moved */
  async write(db: Db, accounts: AccountStore, session: ClientSession): Promise<Map<string, Map<string, number>>> {
    const drafts = this.#changed
    const heads = await db.collection<ConversationDoc>('conversations').bulkWrite(drafts.map(headUpdate), { session })
    if (heads.matchedCount !== drafts.length) throw new StaleError('A head has moved')
    const added = drafts.flatMap(draft => draft.newMessages)
    if (added.length > 0) await db.collection<MessageDoc>('messages').insertMany(added, { session })
    await replaceMessages(db, drafts, session)
    await replaceMembers(db, drafts, session)
    const released = drafts.flatMap(draft => draft.releasedFiles)
    await releaseFiles(db, released, new Date(Math.max(...drafts.map(({ now }) => now.getTime()))), session)
    await removeMessageDrafts(db, drafts, session)
    const revs = new Map<string, Map<string, number>>()
    for (const draft of drafts) {
      const userIds = draft.accountNews.flatMap(news => news.userIds)
      if (userIds.length === 0) continue
      const conversationId = draft.state.doc._id
      revs.set(conversationId.toHexString(), await accounts.record(userIds, 'membership', conversationId, session))
    }
    return revs
  }

  /** Finish after the commit: answer everyone who waits, and return the events to emit. */
  finish(
    accountRevs: ReadonlyMap<string, ReadonlyMap<string, number>>,
    idempotencyCache: IdempotencyCache
  ): Committed[] {
    for (const [key, message] of this.#firsts) idempotencyCache.add(key, message)
    for (const [pending, answer] of this.#answers) pending.resolve(answer)
    for (const { pending, idempotency, message } of this.#repeats) answerRepeat(pending, idempotency, message)
    return this.#changed.map(draft => ({
      state: draft.state,
      events: draft.events,
      accounts: accountEvents(draft, accountRevs.get(draft.state.doc._id.toHexString()))
    }))
  }

  #isRepeat(pending: Pending): boolean {
    const { idempotency } = pending.change
    if (idempotency === undefined) return false
    const first = this.#firsts.get(idempotencyKey(pending, idempotency))
    if (first === undefined) return false
    this.#repeats.push({ pending, idempotency, message: first })
    return true
  }

  #decideOne(pending: Pending, draft: Draft): void {
    const before = draft.state.doc.rev
    const sent = draft.newMessages.length
    try {
      const answer = pending.change.decide(draft)
      if (draft.state.doc.rev === before) this.tentative.set(pending, { answer })
      else this.#answers.set(pending, answer)
    } catch (error) {
      if (draft.state.doc.rev !== before)
        throw new Error('A change refused after it had begun to write', { cause: error })
      this.tentative.set(pending, { error })
    }
    const message = draft.newMessages[sent]
    const { idempotency } = pending.change
    if (idempotency !== undefined && message !== undefined)
      this.#firsts.set(idempotencyKey(pending, idempotency), message)
  }
}

/** Idempotency key of a send. */
export function idempotencyKey(pending: Pending, idempotency: Idempotency<unknown>): string {
  return IdempotencyCache.key(pending.conversationId, idempotency.senderId.toHexString(), idempotency.clientId)
}

/** Answers a repeated send by its first message. */
export function answerRepeat(
  pending: Pending,
  idempotency: Idempotency<unknown>,
  first: Parameters<Idempotency<unknown>['answer']>[0]
): void {
  try {
    pending.resolve(idempotency.answer(first))
  } catch (error) {
    pending.reject(error)
  }
}

function headUpdate(draft: Draft) {
  const { _id, changedAt, createdAt, type, pairKey, ...fields } = draft.state.doc
  return {
    updateOne: {
      filter: { _id, rev: draft.expectedRev },
      update: { $set: fields, $currentDate: { changedAt: true as const } }
    }
  }
}

async function replaceMessages(db: Db, drafts: readonly Draft[], session: ClientSession): Promise<void> {
  const changed = drafts.flatMap(draft => [...draft.changedMessages.values()])
  if (changed.length === 0) return
  await db.collection<MessageDoc>('messages').bulkWrite(
    changed.map(message => ({ replaceOne: { filter: { _id: message._id }, replacement: message } })),
    { session, ordered: false }
  )
}

async function replaceMembers(db: Db, drafts: readonly Draft[], session: ClientSession): Promise<void> {
  const changed = drafts.flatMap(draft => [...draft.changedMembers.values()])
  if (changed.length === 0) return
  await db.collection<MemberDoc>('members').bulkWrite(
    changed.map(
      ({ _id, conversationId, userId, deliveredSeq, readSeq, reads, clearedSeq, leftAt, preferences, ...fields }) => ({
        updateOne: {
          filter: { conversationId, userId },
          update: {
            $set: leftAt === undefined ? fields : { ...fields, leftAt },
            // Whoever comes back begins anew.
            $unset: leftAt === undefined ? { leftAt: true, leftBy: true } : { preferences: true as const },
            // Receipts and preferences are not conversation changes: what was written meanwhile stays.
            $max: { deliveredSeq, readSeq, clearedSeq },
            $setOnInsert: { _id }
          },
          upsert: true
        }
      })
    ),
    { session, ordered: false }
  )
}

/** Removes what those who leave had begun to write. */
async function removeMessageDrafts(db: Db, drafts: readonly Draft[], session: ClientSession): Promise<void> {
  const ended = drafts.flatMap(draft => [...draft.changedMembers.values()].filter(({ leftAt }) => leftAt !== undefined))
  if (ended.length === 0) return
  const $or = ended.map(({ userId, conversationId }) => ({ userId, conversationId }))
  await db.collection<MessageDraftDoc>('messageDrafts').deleteMany({ $or }, { session })
}

function accountEvents(draft: Draft, revs: ReadonlyMap<string, number> | undefined): CommittedAccount[] {
  if (revs === undefined) return []
  return draft.accountNews.flatMap(({ userIds, create }) =>
    userIds.map(id => {
      const userId = id.toHexString()
      return { userId, rev: revs.get(userId) ?? 0, event: create(userId, draft.state) }
    })
  )
}
