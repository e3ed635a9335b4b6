import { PAGE_SIZE, SYNC_PAGE_BYTES } from '../../../protocol/limits.ts'
import type { Message } from '../../../protocol/messages/entities.ts'
import { MessagePinned, MessageUnpinned } from '../../../protocol/pins/events.ts'
import type { PinPage } from '../../../protocol/pins/routes.ts'
import type { Actor } from '../../actor.ts'
import type { Config } from '../../config/config.ts'
import {
  appendSystemMessage,
  requireFromPerson,
  requireMayPin,
  requirePresent,
  requireUnblocked,
  viewOf
} from '../../conversations/index.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { userId } from '../../ids.ts'
import { type Budgets, WEIGHT } from '../../limits/budgets.ts'
import type { FairGate } from '../../limits/fair-gate.ts'
import type { TokenBuckets } from '../../limits/token-buckets.ts'
import { fitPage, presentMessage } from '../../present/present.ts'
import type { Commits } from '../../store/commit/commits.ts'
import type { Draft } from '../../store/commit/draft.ts'
import type { MessageDoc } from '../../store/documents.ts'
import type { MemberStore } from '../../store/members.ts'
import type { MessageStore } from '../../store/messages.ts'
import { changeMessage, type MessageRef, replaceMessage } from '../changing.ts'

interface PinDeps {
  readonly store: {
    readonly commits: Commits
    readonly members: MemberStore
    readonly messages: MessageStore
  }
  readonly config: Pick<Config, 'limits'>
  /** Edits, reactions and pins, each of which is told with the whole message. */
  readonly changes: TokenBuckets
  readonly budgets: Budgets
  readonly pageGate: FairGate
}

/** A page of the pinned messages of a conversation. */
interface ListRequest {
  conversationId: string
  /** `seq` of the last message of the page before. */
  before?: number
  limit?: number
}

/** Pins: messages that a conversation holds up to everybody in it, by admins in groups and by either of two. */
export class PinService {
  readonly #store: PinDeps['store']
  readonly #changes: TokenBuckets
  readonly #budgets: Budgets
  readonly #gate: FairGate
  readonly #maxPins: number

  constructor({ store, config, changes, budgets, pageGate }: PinDeps) {
    this.#store = store
    this.#changes = changes
    this.#budgets = budgets
    this.#gate = pageGate
    this.#maxPins = config.limits.pinsPerConversation
  }

  /**
   * Pins a message, which a system message records; a repeat changes nothing. @returns the message
   * @throws {AppError} `not_found`, `forbidden`, `blocked`, `gone`, `rate_limited`, `quota_reached` for one pin too many
   */
  async add(actor: Actor, place: MessageRef): Promise<Message> {
    return await this.#change(actor, place, (draft, message) => {
      if (message.pinned !== undefined) return message
      if ((draft.state.doc.pinCount ?? 0) >= this.#maxPins) {
        throw new AppError('quota_reached', `At most ${this.#maxPins} messages can be pinned`)
      }
      const by = new ObjectId(actor.userId)
      const pinned = { userId: by, at: draft.now }
      const after = replaceMessage(draft, { ...message, pinned }, MessagePinned, it => ({
        message: it,
        userId: userId(by)
      }))
      appendSystemMessage(draft, actor, { kind: 'pinned', messageId: message._id })
      return after
    })
  }

  /** Takes a pin off; a repeat changes nothing. @returns the message @throws {AppError} `not_found`, `forbidden`, `blocked`, `gone`, `rate_limited` */
  async remove(actor: Actor, place: MessageRef): Promise<Message> {
    return await this.#change(actor, place, (draft, { pinned, ...message }) => {
      if (pinned === undefined) return message
      const by = userId(new ObjectId(actor.userId))
      return replaceMessage(draft, message, MessageUnpinned, it => ({ message: it, userId: by }))
    })
  }

  /**
   * A page of the pinned messages that the actor sees, the newest message first.
   * @throws {AppError} `not_found` for who is not a member, `rate_limited`, `busy`
   */
  async list(actor: Actor, request: ListRequest): Promise<PinPage> {
    this.#budgets.spend(actor, WEIGHT.page)
    return await this.#gate.run({ party: actor.userId }, async () => await this.#read(actor, request))
  }

  async #read(actor: Actor, { conversationId, before, limit = PAGE_SIZE }: ListRequest): Promise<PinPage> {
    const view = await viewOf(this.#store.members, actor, conversationId)
    const size = { limit, maxBytes: SYNC_PAGE_BYTES }
    const { messages, more } = await this.#store.messages.pagePinned(view, before ?? Number.MAX_SAFE_INTEGER, size)
    // A large one is read by itself, and may have lost its pin meanwhile.
    const pinned = messages.filter(message => message.pinned !== undefined)
    const fitting = fitPage(pinned, SYNC_PAGE_BYTES)
    const answeredBy = await this.#store.messages.findAnswered(fitting)
    return {
      messages: fitting.map(message => presentMessage(message, answeredBy(message), view)),
      more: more || fitting.length < pinned.length
    }
  }

  async #change(
    actor: Actor,
    place: MessageRef,
    decide: (draft: Draft, message: Readonly<MessageDoc>) => Readonly<MessageDoc>
  ): Promise<Message> {
    this.#changes.takeInTurn(actor, 'You are pinning too fast')
    return await changeMessage(this.#store.commits, actor, place, {
      requireMay: requireMayPin,
      decide: (draft, message) => {
        requireUnblocked(draft.state)
        requireFromPerson(message)
        requirePresent(message)
        return decide(draft, message)
      }
    })
  }
}
