import type { ConversationView } from '../../protocol/conversations/entities.ts'
import { bareId } from '../../protocol/ids.ts'
import { CATCH_UP_BYTES, LIST_BYTES, PAGE_SIZE, SYNC_PAGE_BYTES } from '../../protocol/limits.ts'
import type { Message } from '../../protocol/messages/entities.ts'
import type { HistoryPage } from '../../protocol/messages/events.ts'
import type { Actor } from '../actor.ts'
import { viewOf } from '../conversations/index.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { conversationId } from '../ids.ts'
import { type Budgets, WEIGHT } from '../limits/budgets.ts'
import type { FairGate } from '../limits/fair-gate.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { fitPage, hiddenUpTo, messageBytes, presentMessage } from '../present/present.ts'
import { byConversation } from '../store/by-conversation.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { MemberDoc, MessageDoc } from '../store/documents.ts'
import type { MemberStore } from '../store/members.ts'
import type { MessagePage, MessageStore } from '../store/messages.ts'
import { noSuchConversation, noSuchMessage } from '../store/missing.ts'
import type { View } from '../store/view.ts'
import type { DeviceCursor } from '../streams/positions.ts'

/** Numbered pages that history goes back. */
const MAX_PAGE = 1_000
/** Memberships that are looked at for what was not delivered. */
const MAX_MEMBERSHIPS = 10_000
/** Limits of undelivered messages: conversations, messages of each, and conversations read at once. */
const MAX_CONVERSATIONS = 50
const MAX_EACH = 100
const AT_ONCE = 10

/** Position of a page of history: at most one of the fields. */
export interface HistoryRequest {
  conversationId: string
  /** Of a `seq`. */
  before?: number
  after?: number
  around?: number
  /** The same by a message of the conversation. */
  beforeMessageId?: string
  afterMessageId?: string
  /**
   * 1 is the newest. Pages do not shift while nothing is sent; one may hold less than `limit`. What does not fit it, of
   * messages that are large, comes without what was said in them.
   */
  page?: number
  limit?: number
}

/** Messages that a person has not acknowledged, of one conversation, oldest first. */
export interface Undelivered {
  conversationId: string
  messages: Message[]
  /** True when there are newer ones, too many for this answer. */
  more: boolean
}

/** A membership whose conversation has gone on; `isNew` when it may have done so since this device was reached. */
interface Behind {
  readonly me: MemberDoc
  readonly isNew: boolean
  readonly lastActivityAt: Date
}

/** Undelivered messages as they are stored. */
interface Missed {
  readonly view: View
  readonly messages: readonly MessageDoc[]
  readonly more: boolean
}

type PagePosition = Pick<HistoryRequest, 'before' | 'after' | 'around'>

/** Messages of a page, and whether others follow. */
type Page = Pick<MessagePage, 'messages' | 'more'>

interface HistoryDeps {
  readonly store: {
    readonly conversations: ConversationStore
    readonly members: MemberStore
    readonly messages: MessageStore
  }
  readonly pageGate: FairGate
  readonly budgets: Budgets
}

/** Reading what was said, person by person in turn: every method may be `busy`, and of a budget `rate_limited`. */
export class HistoryService {
  readonly #store: HistoryDeps['store']
  readonly #gate: FairGate
  readonly #budgets: Budgets

  constructor({ store, pageGate, budgets }: HistoryDeps) {
    this.#store = store
    this.#gate = pageGate
    this.#budgets = budgets
  }

  /**
   * A page of history, oldest first; the newest without a place.
   * @throws {AppError} `not_found` for who is not a member or a message of elsewhere, `invalid` for two places at once
   */
  async page(actor: Actor, request: HistoryRequest): Promise<HistoryPage> {
    this.#budgets.spend(actor, WEIGHT.page)
    return await this.#gate.run({ party: actor.userId }, async () => await this.#read(actor, request))
  }

  /** The last messages of each of the actor's conversations, oldest first, by its id; those that fit a list. */
  async newest(actor: Actor, views: readonly ConversationView[], each: number): Promise<Map<string, Message[]>> {
    const userId = new ObjectId(actor.userId)
    const ranges = views.map(({ id, head: { seq }, me }) => ({
      conversationId: new ObjectId(bareId(id)),
      afterSeq: Math.max(hiddenUpTo(me), seq - each),
      upToSeq: seq
    }))
    this.#budgets.spend(actor, WEIGHT.page)
    return await this.#gate.run({ party: actor.userId }, async () => {
      const found = await this.#store.messages.findRanges(userId, ranges, LIST_BYTES)
      const answeredBy = await this.#store.messages.findAnswered(found)
      const messagesOf = byConversation(found.reverse())
      return new Map(
        views.map(({ id, me }) => {
          const reader = { userId, afterSeq: hiddenUpTo(me) }
          const messages = messagesOf.get(bareId(id)) ?? []
          return [id, messages.map(it => presentMessage(it, answeredBy(it), reader))]
        })
      )
    })
  }

  async #read(actor: Actor, request: HistoryRequest): Promise<HistoryPage> {
    const { conversationId: id, before, after, around, beforeMessageId, afterMessageId, page } = request
    const { limit = PAGE_SIZE } = request
    const places = [before, after, around, beforeMessageId, afterMessageId, page]
    if (places.filter(it => it !== undefined).length > 1) {
      throw new AppError('invalid', 'Give one of before, after and around')
    }
    const view = await viewOf(this.#store.members, actor, id)
    const place = await this.#positionOf(view, request)
    // The head first: the page holds at least everything up to this `rev`.
    const [head] = await this.#store.conversations.heads([view.conversationId])
    if (head === undefined) throw noSuchConversation()
    const { messages, more } =
      page === undefined ? await this.#page(view, limit, place) : await this.#numbered(view, head.seq, { page, limit })
    const answeredBy = await this.#store.messages.findAnswered(messages)
    return { messages: messages.map(it => presentMessage(it, answeredBy(it), view)), rev: head.rev, more }
  }

  /**
   * Messages of others that none of the actor's devices has acknowledged (`deliveredSeq`), or not this one, where
   * its cursor is given. Conversations with the newest activity first: at most 50, of each at most the 100 oldest
   * messages (the newest, of those that only this device lacks), together about `limit`. Marks nothing.
   */
  async undelivered(
    actor: Actor,
    { limit = 500, cursor }: { limit?: number; cursor?: DeviceCursor | undefined } = {}
  ): Promise<Undelivered[]> {
    return await this.#gate.run({ party: actor.userId }, async () => await this.#readUndelivered(actor, limit, cursor))
  }

  async #readUndelivered(actor: Actor, limit: number, cursor: DeviceCursor | undefined): Promise<Undelivered[]> {
    const behind = await this.#behind(actor, cursor)
    const found: Missed[] = []
    let [count, bytes] = [0, 0]
    for (let from = 0; from < behind.length && count < limit && bytes < CATCH_UP_BYTES; from += AT_ONCE) {
      const group = behind.slice(from, from + AT_ONCE)
      const share = Math.ceil((CATCH_UP_BYTES - bytes) / group.length)
      const pages = await Promise.all(group.map(async it => await this.#undeliveredIn(it, { cursor, maxBytes: share })))
      for (const page of pages) {
        if (count >= limit || page.messages.length === 0) continue
        found.push(page)
        count += page.messages.length
        bytes += page.messages.reduce((sum, message) => sum + messageBytes(presentMessage(message)), 0)
      }
    }
    const answeredBy = await this.#store.messages.findAnswered(found.flatMap(({ messages }) => messages))
    const presented = found.map(({ view, messages, more }) => ({
      conversationId: conversationId(view.conversationId),
      messages: messages.map(it => presentMessage(it, answeredBy(it), view)),
      more
    }))
    return withinBytes(presented, CATCH_UP_BYTES)
  }

  /** Memberships whose conversation has gone on since what was delivered, newest activity first. */
  async #behind(actor: Actor, cursor: DeviceCursor | undefined): Promise<Behind[]> {
    const memberships = await this.#store.members.findByUser(new ObjectId(actor.userId), MAX_MEMBERSHIPS)
    const mine = new Map(memberships.map(me => [me.conversationId.toHexString(), me]))
    const heads = await this.#store.conversations.activity(memberships.map(me => me.conversationId))
    return heads
      .flatMap(({ _id, seq, lastActivityAt }) => {
        const me = mine.get(_id.toHexString())
        if (me === undefined) return []
        const isNew = cursor !== undefined && lastActivityAt.getTime() >= cursor.before
        const isBehind = seq > Math.max(isNew ? 0 : me.deliveredSeq, hiddenUpTo(me))
        return isBehind ? [{ me, isNew, lastActivityAt }] : []
      })
      .sort((a, b) => b.lastActivityAt.getTime() - a.lastActivityAt.getTime())
      .slice(0, MAX_CONVERSATIONS)
  }

  async #undeliveredIn(
    { me, isNew }: Behind,
    { cursor, maxBytes }: { cursor: DeviceCursor | undefined; maxBytes: number }
  ): Promise<Missed> {
    const view = { conversationId: me.conversationId, userId: me.userId, afterSeq: hiddenUpTo(me) }
    const reached = isNew && cursor !== undefined ? await this.#cursorIn(view, cursor) : me.deliveredSeq
    const size = { limit: MAX_EACH, maxBytes }
    const { messages, more } = await this.#store.messages.pageAfter(view, Math.min(reached, me.deliveredSeq), size)
    const others = messages.filter(it => !it.senderId.equals(me.userId) && it.deletedAt === undefined)
    return { view, messages: others, more }
  }

  /** Cursor of a device in a conversation; no further back than what is sent at once. */
  async #cursorIn(view: View, { before, recent }: DeviceCursor): Promise<number> {
    const named = recent.get(view.conversationId.toHexString())
    if (named !== undefined) return named
    const newest = await this.#store.messages.recentPlaces(view, MAX_EACH)
    const known = newest.find(({ createdAt }) => createdAt.getTime() < before)
    return known?.seq ?? (newest.at(-1)?.seq ?? 1) - 1
  }

  async #positionOf(view: View, request: HistoryRequest): Promise<PagePosition> {
    const { before, after, around, beforeMessageId, afterMessageId } = request
    const id = beforeMessageId ?? afterMessageId
    if (id === undefined) return omitUndefined({ before, after, around })
    const message = await this.#store.messages.find(new ObjectId(bareId(id)))
    if (message === null || !message.conversationId.equals(view.conversationId)) {
      throw noSuchMessage()
    }
    return beforeMessageId === undefined ? { after: message.seq } : { before: message.seq }
  }

  /** Page n holds the n-th `limit` places from the end, so that no page repeats what another has. */
  async #numbered(view: View, head: number, { page, limit }: { page: number; limit: number }): Promise<Page> {
    if (!Number.isInteger(page) || page < 1 || page > MAX_PAGE) {
      throw new AppError('invalid', `Pages are numbered from 1 to ${MAX_PAGE}`)
    }
    const before = head + 1 - (page - 1) * limit
    const afterSeq = Math.max(view.afterSeq, before - 1 - limit)
    const range = { conversationId: view.conversationId, afterSeq, upToSeq: before - 1 }
    const messages = before > afterSeq + 1 ? await this.#store.messages.findRange(view.userId, range, LIST_BYTES) : []
    return { messages: messages.reverse(), more: afterSeq > view.afterSeq }
  }

  async #page(view: View, limit: number, { before, after, around }: PagePosition): Promise<Page> {
    if (around !== undefined) return await this.#around(view, limit, around)
    const { messages } = this.#store
    const size = { limit, maxBytes: SYNC_PAGE_BYTES }
    if (after !== undefined) return fit(await messages.pageAfter(view, after, size), SYNC_PAGE_BYTES)
    const page = fit(await messages.pageBefore(view, before ?? Number.MAX_SAFE_INTEGER, size), SYNC_PAGE_BYTES)
    return { ...page, messages: page.messages.reverse() }
  }

  async #around(view: View, limit: number, seq: number): Promise<Page> {
    const { messages } = this.#store
    const [half, maxBytes] = [Math.floor(limit / 2), SYNC_PAGE_BYTES / 2]
    const [before, after] = await Promise.all([
      messages.pageBefore(view, seq, { limit: half, maxBytes }),
      messages.pageAfter(view, seq - 1, { limit: limit - half, maxBytes })
    ])
    const [older, newer] = [fit(before, maxBytes), fit(after, maxBytes)]
    return { messages: [...older.messages.reverse(), ...newer.messages], more: older.more }
  }
}

/** The part of a page that fits the bytes on the wire. */
function fit({ messages, more }: Page, maxBytes: number): Page {
  const fitting = fitPage(messages, maxBytes)
  return { messages: fitting, more: more || fitting.length < messages.length }
}

/** The first of their messages that are together within the bytes. */
function withinBytes(pages: readonly Undelivered[], maxBytes: number): Undelivered[] {
  let bytes = 0
  return pages.flatMap(page => {
    const messages = page.messages.filter(message => {
      bytes += messageBytes(message)
      return bytes <= maxBytes
    })
    const more = page.more || messages.length < page.messages.length
    return messages.length > 0 ? [{ ...page, messages, more }] : []
  })
}
