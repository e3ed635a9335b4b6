import { bareId } from '../../protocol/ids.ts'
import type { Message } from '../../protocol/messages/entities.ts'
import {
  type Changed,
  MessageDeleted,
  MessageEdited,
  MessageHidden,
  type MessageSendData
} from '../../protocol/messages/events.ts'
import type { Actor } from '../actor.ts'
import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/config.ts'
import {
  requireFromPerson,
  requireMember,
  requirePresent,
  requireSender,
  requireUnblocked,
  viewOf
} from '../conversations/index.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { conversationId, messageId } from '../ids.ts'
import type { TokenBuckets } from '../limits/token-buckets.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { isHiddenFor, presentMessage } from '../present/present.ts'
import type { Commits } from '../store/commit/commits.ts'
import type { Draft } from '../store/commit/draft.ts'
import type { MessageDoc } from '../store/documents.ts'
import type { MemberStore } from '../store/members.ts'
import type { MessageStore } from '../store/messages.ts'
import { noSuchMessage } from '../store/missing.ts'
import { tombstoneOf } from '../store/tombstones.ts'
import type { View } from '../store/view.ts'
import type { AccountStore } from '../streams/store.ts'
import { changeMessage, type MessageRef, replaceMessage } from './changing.ts'
import { readContent } from './content.ts'
import { type Edit, requireEdit, requireOwnWords, withEdit } from './editing.ts'
import { withoutOldPreview } from './previews/links.ts'
import type { Sending, SendResult } from './sending.ts'

/** A message, and how the actor sees its conversation. */
interface Located {
  readonly message: MessageDoc
  readonly view: View
}

interface MessageDeps {
  store: {
    readonly accounts: AccountStore
    readonly commits: Commits
    readonly members: MemberStore
    readonly messages: MessageStore
  }
  bus: Bus
  sending: Sending
  config: Pick<Config, 'EDIT_WINDOW' | 'FORMER_TEXTS' | 'LINK_PREVIEWS' | 'limits'>
  sends: TokenBuckets
  /** Edits and reactions, each of which is told with the whole message. */
  changes: TokenBuckets
}

/** Messages: sending, changing and finding them; pages of them are in `history.ts`. */
export class MessageService {
  readonly #store: MessageDeps['store']
  readonly #bus: Bus
  readonly #sending: Sending
  readonly #config: MessageDeps['config']
  readonly #sends: TokenBuckets
  readonly #changes: TokenBuckets

  constructor({ store, bus, sending, config, sends, changes }: MessageDeps) {
    this.#store = store
    this.#bus = bus
    this.#sending = sending
    this.#config = config
    this.#sends = sends
    this.#changes = changes
  }

  /**
   * Adds a message to a conversation and tells every member's devices, the sender's others too. A repeated
   * `clientId` acknowledges the first message and tells nobody again.
   * @throws {AppError} `not_found` for who is not a member, `forbidden` where only admins may send and for what only the
   * server writes, `invalid`, `idempotency_mismatch`, `rate_limited`, `too_large`
   * @param isPaced false of what the person does not send now, and has been counted for before
   */
  async send(
    actor: Actor,
    { conversationId, clientId, ...input }: MessageSendData,
    { isPaced = true }: { isPaced?: boolean } = {}
  ): Promise<SendResult> {
    const content = readContent(input, this.#config.limits.textBytes)
    if (isPaced) this.#sends.takeInTurn(actor, 'You are sending too fast')
    const { replyTo } = input
    const outgoing = { conversationId, clientId, content, isWritten: isPaced, ...omitUndefined({ replyTo }) }
    return await this.#sending.send(actor, outgoing)
  }

  /**
   * Gives a message another text, or other encrypted content, and other mentions as it names them. @returns it as it is then
   * @throws {AppError} `invalid`, `not_found`, `forbidden`, `gone`, `edit_window_closed`, `rate_limited`, `too_large`
   */
  async edit(actor: Actor, { conversationId: id, messageId: ofMessage, ...edit }: MessageRef & Edit): Promise<Message> {
    const place = { conversationId: id, messageId: ofMessage }
    const bytes = requireEdit(edit, this.#config.limits.textBytes)
    this.#changes.takeInTurn(actor, 'You are editing too fast')
    const decide = (draft: Draft, message: Readonly<MessageDoc>) => {
      requireSender(message, actor)
      requireUnblocked(draft.state)
      requireFromPerson(message)
      requirePresent(message)
      requireOwnWords(message)
      if (draft.now.getTime() - message.createdAt.getTime() > this.#config.EDIT_WINDOW) {
        throw new AppError('edit_window_closed', 'The message can no longer be edited')
      }
      const changed = withEdit(message, edit, draft, actor)
      if (changed === message) return message
      const edited = withoutOldPreview(changed, draft.now, this.#config.LINK_PREVIEWS === 'on')
      return replaceMessage(draft, edited, MessageEdited, presented => presented)
    }
    return await changeMessage(this.#store.commits, actor, place, { bytes, decide })
  }

  /** Deletes for everyone what is one's own or, as an admin, anybody's in the group. Repeating it changes nothing. @returns what is left of it */
  async deleteForEveryone(actor: Actor, place: MessageRef): Promise<Message> {
    const decide = (draft: Draft, message: Readonly<MessageDoc>) => {
      requireFromPerson(message)
      const isAdmin = draft.state.doc.type === 'group' && requireMember(draft.state, actor).role !== 'member'
      if (!isAdmin) requireSender(message, actor)
      if (message.deletedAt !== undefined) return message
      const tombstone = draft.replace(tombstoneOf(message, draft.now))
      draft.emit(MessageDeleted, () => presentMessage(tombstone), { seq: tombstone.seq })
      return tombstone
    }
    return await changeMessage(this.#store.commits, actor, place, { decide })
  }

  /** Hides a message from the actor alone, on all their devices. */
  async hide(actor: Actor, place: MessageRef): Promise<Changed> {
    const userId = new ObjectId(actor.userId)
    const { message, view } = await this.#require(actor, place.messageId)
    const id = message._id
    if (!view.conversationId.equals(bareId(place.conversationId))) throw noSuchMessage()
    const rev = await this.#store.accounts.change(userId, 'hidden', id, async session => {
      await this.#store.messages.hide(id, userId, session)
    })
    const event = MessageHidden.create({
      conversationId: conversationId(view.conversationId),
      messageId: messageId(id)
    })
    this.#bus.publish('user', { userId: actor.userId, rev, event })
    return { id: messageId(id), rev: message.rev }
  }

  /** @throws {AppError} `not_found` for what is missing, foreign, cleared or hidden by the actor */
  async get(actor: Actor, place: MessageRef): Promise<Message> {
    const { message, view } = await this.#visible(actor, place)
    const answeredBy = await this.#store.messages.findAnswered([message])
    return presentMessage(message, answeredBy(message), view)
  }

  /** Locate a message, for members who may see it or have hidden it. @throws {AppError} `not_found` for others */
  async locate(actor: Actor, id: string): Promise<MessageRef> {
    const { message } = await this.#require(actor, id)
    return { conversationId: conversationId(message.conversationId), messageId: messageId(message._id) }
  }

  /**
   * The former texts, oldest first, each with when it was replaced.
   * @throws {AppError} `not_found` as `get`, `forbidden` for others than the author where the operator says so
   */
  async edits(actor: Actor, place: MessageRef): Promise<{ text: string; at: string }[]> {
    const { message } = await this.#visible(actor, place)
    if (this.#config.FORMER_TEXTS === 'author') requireSender(message, actor)
    return (message.edits ?? []).map(({ text, at }) => ({ text, at: at.toISOString() }))
  }

  /** The ids of the messages at these places, in their order; for presenting cursors as message ids. */
  async idsAt(places: readonly { conversationId: string; seq: number }[]): Promise<(string | undefined)[]> {
    const wanted = places.map(place => ({ seq: place.seq, conversationId: new ObjectId(bareId(place.conversationId)) }))
    const found = await this.#store.messages.findAtSeqs(wanted)
    return wanted.map(({ conversationId: id, seq }) => {
      const message = found.find(it => it.seq === seq && it.conversationId.equals(id))
      return message && messageId(message._id)
    })
  }

  async #visible(actor: Actor, place: MessageRef): Promise<Located> {
    const { message, view } = await this.#require(actor, place.messageId)
    const isHere = message.conversationId.equals(bareId(place.conversationId))
    if (!isHere || isHiddenFor(message, view.userId)) throw noSuchMessage()
    return { message, view }
  }

  /** @throws {AppError} `not_found` for what is missing, foreign, from before the actor's time or cleared by them */
  async #require(actor: Actor, id: string): Promise<Located> {
    const message = await this.#store.messages.find(new ObjectId(bareId(id)))
    if (message === null) throw noSuchMessage()
    const view = await viewOf(this.#store.members, actor, message.conversationId.toHexString()).catch(error => {
      throw error instanceof AppError && error.code === 'not_found' ? noSuchMessage() : error
    })
    if (message.seq <= view.afterSeq) throw noSuchMessage()
    return { message, view }
  }
}
