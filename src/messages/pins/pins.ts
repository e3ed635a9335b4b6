import type { Created } from '../../../protocol/envelope.ts'
import { bareId } from '../../../protocol/ids.ts'
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
  requireVisible,
  viewOf
} from '../../conversations/index.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { userId } from '../../ids.ts'
import { type Budgets, WEIGHT } from '../../limits/budgets.ts'
import type { FairGate } from '../../limits/fair-gate.ts'
import type { TokenBuckets } from '../../limits/token-buckets.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { fitPage, presentMessage, readerOf } from '../../present/present.ts'
import type { Commits } from '../../store/commit/commits.ts'
import type { Draft } from '../../store/commit/draft.ts'
import type { MessageDoc } from '../../store/documents.ts'
import type { MemberStore } from '../../store/members.ts'
import type { MessageStore } from '../../store/messages.ts'
import type { MessageRef } from '../messages.ts'

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
      const pinned = { userId: new ObjectId(actor.userId), at: draft.now }
      const after = tellChange(draft, actor, { event: MessagePinned, message: { ...message, pinned } })
      appendSystemMessage(draft, actor, { kind: 'pinned', messageId: message._id })
      return after
    })
  }

  /** Takes a pin off; a repeat changes nothing. @returns the message @throws {AppError} `not_found`, `forbidden`, `blocked`, `gone`, `rate_limited` */
  async remove(actor: Actor, place: MessageRef): Promise<Message> {
    return await this.#change(actor, place, (draft, { pinned, ...message }) => {
      if (pinned === undefined) return message
      return tellChange(draft, actor, { event: MessageUnpinned, message })
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
    const id = new ObjectId(bareId(place.messageId))
    const present = await this.#store.commits.run(bareId(place.conversationId), {
      messageId: id,
      withAnswered: true,
      decide: draft => {
        const member = requireMayPin(draft.state, actor)
        const message = requireVisible(member, draft.message(id))
        requireUnblocked(draft.state)
        requireFromPerson(message)
        requirePresent(message)
        const changed = decide(draft, message)
        const answered = draft.answeredBy(changed)
        return () => presentMessage(changed, answered, readerOf(member))
      }
    })
    return present()
  }
}

/** Replaces a message, and emits the event of that. @returns the message with its new `rev` */
function tellChange(
  draft: Draft,
  actor: Actor,
  { event, message }: { event: typeof MessagePinned | typeof MessageUnpinned; message: MessageDoc }
): MessageDoc {
  const after = draft.replace(message)
  const answered = draft.answeredBy(after)
  const tell = () => ({ message: presentMessage(after, answered), userId: userId(new ObjectId(actor.userId)) })
  draft.emit<Created<typeof event>>(event, tell, omitUndefined({ seq: after.seq, quotedSeq: answered?.seq }))
  return after
}
