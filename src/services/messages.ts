import type { Changed, HistoryPage, MessageSendData, Sent } from '../../protocol/events/message.ts'
import { bareId } from '../../protocol/ids.ts'
import { PAGE_SIZE, SYNC_PAGE_BYTES } from '../../protocol/limits.ts'
import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import type { TokenBuckets } from '../limits/token-buckets.ts'
import { type Draft, type FirstSend, type MessageDoc, ObjectId, type Store, type View } from '../store/index.ts'
import type { Actor } from './actor.ts'
import {
  noSuchConversation,
  requireMember,
  requirePresent,
  requireSender,
  requireUnblocked,
  requireVisible
} from './policy.ts'
import { conversationId, fitPage, hiddenUpTo, messageId, presentChanged, presentMessage } from './present.ts'
import { digest, requireText } from './text.ts'

/** Characters of the answered message that a reply carries. */
const QUOTE_LENGTH = 256
/** Former texts that a message keeps. */
const MAX_EDITS = 20

/** Names one message; ids in either form. */
export interface MessagePlace {
  conversationId: string
  messageId: string
}

interface HistoryRequest {
  conversationId: string
  before?: number
  after?: number
  around?: number
  limit?: number
}

interface MessageParts {
  store: Pick<Store, 'accounts' | 'commits' | 'conversations' | 'members' | 'messages'>
  bus: Bus
  config: Pick<Config, 'EDIT_WINDOW' | 'limits'>
  sends: TokenBuckets
}

/** Messages: sending, changing and reading them. */
export class MessageService {
  readonly #store: MessageParts['store']
  readonly #bus: Bus
  readonly #editWindowMs: number
  readonly #textBytes: number
  readonly #sends: TokenBuckets

  constructor({ store, bus, config, sends }: MessageParts) {
    this.#store = store
    this.#bus = bus
    this.#editWindowMs = config.EDIT_WINDOW
    this.#textBytes = config.limits.textBytes
    this.#sends = sends
  }

  /**
   * Adds a message to a conversation and tells every member's devices, the sender's others too. A repeated
   * `clientId` answers the first message and tells nobody again.
   * @throws {AppError} `not_found` for who is not a member, `idempotency_mismatch`, `rate_limited`, `too_large`
   */
  async send(actor: Actor, { conversationId: id, clientId, text, replyTo }: MessageSendData): Promise<Sent> {
    requireText(text, this.#textBytes)
    this.#sends.take(actor.userId, 'You are sending too fast')
    const senderId = new ObjectId(actor.userId)
    const bodyHash = digest(text, replyTo && bareId(replyTo))
    const replyToId = replyTo === undefined ? undefined : new ObjectId(bareId(replyTo))
    return await this.#store.commits.run(bareId(id), {
      bytes: text.length * 3 + 512,
      ...(replyToId === undefined ? {} : { messageId: replyToId }),
      once: { senderId, clientId, answer: first => answerRepeat(first, bodyHash) },
      decide: draft => {
        const member = requireMember(draft.state, actor)
        requireUnblocked(draft.state)
        const quoted = replyToId && requireVisible(member, draft.message(replyToId))
        const message = draft.append({
          senderId,
          clientId,
          bodyHash,
          text,
          ...(quoted ? { replyTo: quote(quoted) } : {})
        })
        draft.tell({ type: 'message:new', data: () => presentMessage(message), seq: message.seq })
        return presentSent(message, false)
      }
    })
  }

  /** Replaces the text of a message. @throws {AppError} `not_found`, `forbidden`, `gone`, `edit_window_closed` */
  async edit(actor: Actor, { text, ...place }: MessagePlace & { text: string }): Promise<Changed> {
    requireText(text, this.#textBytes)
    return await this.#change(actor, place, (draft, message) => {
      requireSender(message, actor)
      requireUnblocked(draft.state)
      requirePresent(message)
      if (draft.now.getTime() - message.createdAt.getTime() > this.#editWindowMs) {
        throw new AppError('edit_window_closed', 'The message can no longer be edited')
      }
      if (message.text === text) return presentChanged(message)
      const edits = [...(message.edits ?? []), { text: message.text ?? '', at: draft.now }].slice(-MAX_EDITS)
      const edited = draft.replace({ ...message, text, edits, editedAt: draft.now })
      draft.tell({ type: 'message:edited', data: () => presentMessage(edited), seq: edited.seq })
      return presentChanged(edited)
    })
  }

  /** Deletes for everyone what is one's own or, as an admin, anybody's in the group. Repeating it changes nothing. */
  async deleteForEveryone(actor: Actor, place: MessagePlace): Promise<Changed> {
    return await this.#change(actor, place, (draft, message) => {
      const isAdmin = draft.state.doc.type === 'group' && requireMember(draft.state, actor).role !== 'member'
      if (!isAdmin) requireSender(message, actor)
      if (message.deletedAt !== undefined) return presentChanged(message)
      const { text, edits, reactions, replyTo, editedAt, ...place } = message
      const tombstone = draft.replace({ ...place, deletedAt: draft.now })
      draft.tell({ type: 'message:deleted', data: () => presentMessage(tombstone), seq: tombstone.seq })
      return presentChanged(tombstone)
    })
  }

  /** Hides a message from the actor alone, on all their devices. */
  async hide(actor: Actor, place: MessagePlace): Promise<Changed> {
    const userId = new ObjectId(actor.userId)
    const view = await this.#viewOf(actor, place.conversationId)
    const id = new ObjectId(bareId(place.messageId))
    const message = await this.#store.messages.find(id)
    if (message === null || !message.conversationId.equals(view.conversationId) || message.seq <= view.afterSeq) {
      throw new AppError('not_found', 'No such message')
    }
    const rev = await this.#store.accounts.change(userId, 'hidden', id, async session => {
      await this.#store.messages.hide(id, userId, session)
    })
    const data = { conversationId: conversationId(view.conversationId), messageId: messageId(id) }
    this.#bus.emit('account', { userId: actor.userId, rev, type: 'message:hidden', data })
    return { id: messageId(id), rev: message.rev }
  }

  /** A page of history. @throws {AppError} `not_found` for who is not a member, `invalid` for two places at once */
  async history(
    actor: Actor,
    { conversationId: id, before, after, around, limit = PAGE_SIZE }: HistoryRequest
  ): Promise<HistoryPage> {
    if ([before, after, around].filter(it => it !== undefined).length > 1) {
      throw new AppError('invalid', 'Give one of before, after and around')
    }
    const view = await this.#viewOf(actor, id)
    // The head first: the page holds at least everything up to this `rev`.
    const [head] = await this.#store.conversations.heads([view.conversationId])
    if (head === undefined) throw noSuchConversation()
    const { messages, more } = await this.#page(view, limit, { before, after, around })
    return { messages: messages.map(presentMessage), rev: head.rev, more }
  }

  async #page(
    view: View,
    limit: number,
    { before, after, around }: { [place in 'before' | 'after' | 'around']: number | undefined }
  ): Promise<{ messages: MessageDoc[]; more: boolean }> {
    const { messages } = this.#store
    if (after !== undefined) {
      const page = await messages.above(view, after, limit + 1)
      const fitting = fitPage(page.slice(0, limit), SYNC_PAGE_BYTES)
      return { messages: fitting, more: page.length > fitting.length }
    }
    if (around !== undefined) {
      const half = Math.floor(limit / 2)
      const [older, newer] = await Promise.all([
        messages.below(view, around, half + 1),
        messages.above(view, around - 1, limit - half)
      ])
      const before = fitPage(older.slice(0, half), SYNC_PAGE_BYTES / 2)
      return {
        messages: [...before.reverse(), ...fitPage(newer, SYNC_PAGE_BYTES / 2)],
        more: older.length > before.length
      }
    }
    const page = await messages.below(view, before ?? Number.MAX_SAFE_INTEGER, limit + 1)
    const fitting = fitPage(page.slice(0, limit), SYNC_PAGE_BYTES)
    return { messages: fitting.reverse(), more: page.length > fitting.length }
  }

  async #viewOf(actor: Actor, id: string): Promise<View> {
    const conversationId = new ObjectId(bareId(id))
    const userId = new ObjectId(actor.userId)
    const member = await this.#store.members.find(conversationId, userId)
    if (member === null) throw noSuchConversation()
    return { conversationId, userId, afterSeq: hiddenUpTo(member) }
  }

  async #change(actor: Actor, place: MessagePlace, decide: (draft: Draft, message: Readonly<MessageDoc>) => Changed) {
    const id = new ObjectId(bareId(place.messageId))
    return await this.#store.commits.run(bareId(place.conversationId), {
      messageId: id,
      decide: draft => decide(draft, requireVisible(requireMember(draft.state, actor), draft.message(id)))
    })
  }
}

function quote({ _id, senderId, text }: Readonly<MessageDoc>): NonNullable<MessageDoc['replyTo']> {
  return {
    messageId: _id,
    senderId,
    ...(text === undefined ? {} : { text: [...text].slice(0, QUOTE_LENGTH).join('') })
  }
}

function presentSent({ _id, seq, createdRev, createdAt }: FirstSend, duplicate: boolean): Sent {
  return { id: messageId(_id), seq, rev: createdRev, createdAt: createdAt.toISOString(), duplicate }
}

function answerRepeat(first: FirstSend, bodyHash: string): Sent {
  if (first.bodyHash !== bodyHash) {
    throw new AppError('idempotency_mismatch', 'This clientId was used for another message')
  }
  return presentSent(first, true)
}
