import type { ConversationView } from '../../protocol/conversations/entities.ts'
import { bareId } from '../../protocol/ids.ts'
import { LIST_BYTES, PAGE_SIZE, SYNC_PAGE_BYTES } from '../../protocol/limits.ts'
import type { Message } from '../../protocol/messages/entities.ts'
import type { HistoryPage } from '../../protocol/messages/events.ts'
import type { Actor } from '../actor.ts'
import { viewOf } from '../conversations/index.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { type Budgets, WEIGHT } from '../limits/budgets.ts'
import type { FairGate } from '../limits/fair-gate.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { fitPage, hiddenUpTo, presentMessage } from '../present/present.ts'
import { byConversation } from '../store/by-conversation.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { MemberStore } from '../store/members.ts'
import type { MessagePage, MessageStore } from '../store/messages.ts'
import { noSuchConversation, noSuchMessage } from '../store/missing.ts'
import type { View } from '../store/view.ts'

/** Numbered pages that history goes back. */
const MAX_PAGE = 1_000
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
    const head = await this.#store.conversations.head(view.conversationId)
    if (head === undefined) throw noSuchConversation()
    const { messages, more } =
      page === undefined ? await this.#page(view, limit, place) : await this.#numbered(view, head.seq, { page, limit })
    const answeredBy = await this.#store.messages.findAnswered(messages)
    return { messages: messages.map(it => presentMessage(it, answeredBy(it), view)), rev: head.rev, more }
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
