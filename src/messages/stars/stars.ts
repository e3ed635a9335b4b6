import { bareId } from '../../../protocol/ids.ts'
import { PAGE_SIZE, SYNC_PAGE_BYTES } from '../../../protocol/limits.ts'
import type { Message } from '../../../protocol/messages/entities.ts'
import type { Changed } from '../../../protocol/messages/events.ts'
import type { Star, StarPage } from '../../../protocol/stars/entities.ts'
import { StarsUpdated } from '../../../protocol/stars/events.ts'
import type { Actor } from '../../actor.ts'
import type { Bus } from '../../bus/bus.ts'
import type { Config } from '../../config/config.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { type Budgets, WEIGHT } from '../../limits/budgets.ts'
import type { FairGate } from '../../limits/fair-gate.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { cutPage } from '../../page.ts'
import { presentChanged } from '../../present/changed.ts'
import { presentMessage, type Reader, readerOf } from '../../present/present.ts'
import type { MemberStore } from '../../store/members.ts'
import type { MessagePlace, MessageStore } from '../../store/messages.ts'
import type { AccountStore } from '../../streams/store.ts'
import type { MessageRef } from '../changing.ts'
import type { MessageService } from '../messages.ts'
import type { StarDoc, StarStore } from './store.ts'

interface StarDeps {
  readonly store: {
    readonly accounts: AccountStore
    readonly members: MemberStore
    readonly messages: MessageStore
    readonly stars: StarStore
  }
  readonly bus: Bus
  readonly config: Pick<Config, 'limits'>
  readonly messages: Pick<MessageService, 'get'>
  readonly budgets: Budgets
  readonly pageGate: FairGate
}

/** A page of a list. */
interface ListRequest {
  limit?: number
  /** `next` of the page before. */
  after?: string
}

/** Stars: messages that a person has marked for themself, told to nobody else. */
export class StarService {
  readonly #store: StarDeps['store']
  readonly #bus: Bus
  readonly #messages: StarDeps['messages']
  readonly #budgets: Budgets
  readonly #gate: FairGate
  readonly #maxStars: number

  constructor({ store, bus, config, messages, budgets, pageGate }: StarDeps) {
    this.#store = store
    this.#bus = bus
    this.#messages = messages
    this.#budgets = budgets
    this.#gate = pageGate
    this.#maxStars = config.limits.starsPerUser
  }

  /** Stars a message; a repeat changes nothing. @throws {AppError} `not_found`, `gone`, `quota_reached` for one star too many */
  async add(actor: Actor, place: MessageRef): Promise<Changed> {
    const message = await this.#messages.get(actor, place)
    if (message.deletedAt !== undefined) throw new AppError('gone', 'The message was deleted')
    const { stars } = this.#store
    const userId = new ObjectId(actor.userId)
    const messageId = new ObjectId(bareId(message.id))
    const conversationId = new ObjectId(bareId(message.conversationId))
    if ((await stars.count(userId, this.#maxStars)) >= this.#maxStars) await this.#removeUnseen(actor)
    // The head of the account is in the same transaction: of two stars at once one comes after the other.
    const rev = await this.#store.accounts.changeIf(userId, 'star', messageId, async session => {
      if ((await stars.starredAmong(userId, [messageId], session)).length > 0) return false
      if ((await stars.count(userId, this.#maxStars, session)) >= this.#maxStars) throw this.#tooMany()
      await stars.insert({ userId, messageId, conversationId }, session)
      return true
    })
    return this.#told(actor, message, { rev, isStarred: true })
  }

  /** Takes a star off; a repeat changes nothing. @throws {AppError} `not_found` */
  async remove(actor: Actor, place: MessageRef): Promise<Changed> {
    const message = await this.#messages.get(actor, place)
    const userId = new ObjectId(actor.userId)
    const messageId = new ObjectId(bareId(message.id))
    const rev = await this.#store.accounts.changeIf(
      userId,
      'star',
      messageId,
      async session => await this.#store.stars.remove(userId, messageId, session)
    )
    return this.#told(actor, message, { rev, isStarred: false })
  }

  /**
   * A page of the messages that the actor has starred and still sees, the newest star first.
   * @throws {AppError} `rate_limited`, `busy`
   */
  async list(actor: Actor, request: ListRequest): Promise<StarPage> {
    this.#budgets.spend(actor, WEIGHT.page)
    return await this.#gate.run({ party: actor.userId }, async () => await this.#read(actor, request))
  }

  async #read(actor: Actor, { limit = PAGE_SIZE, after }: ListRequest): Promise<StarPage> {
    const userId = new ObjectId(actor.userId)
    const from = after === undefined ? undefined : new ObjectId(after)
    const rows = cutPage(await this.#store.stars.page(userId, limit + 1, from), limit)
    const readers = await this.#readersOf(userId, rows.page)
    const ids = rows.page.map(({ messageId }) => messageId)
    const found = await this.#store.messages.findPresent(userId, ids, SYNC_PAGE_BYTES)
    const answeredBy = await this.#store.messages.findAnswered(found.messages)
    const shown = new Map<string, Message>()
    for (const message of found.messages) {
      const reader = readerFor(message, readers)
      const isShown = reader !== undefined && message.deletedAt === undefined
      if (isShown) shown.set(message._id.toHexString(), presentMessage(message, answeredBy(message), reader))
    }
    const stars = rows.page.flatMap((star): Star[] => {
      const message = shown.get(star.messageId.toHexString())
      return message === undefined ? [] : [{ message, starredAt: star.createdAt.toISOString() }]
    })
    const { last: cutAt } = found
    const last = cutAt === undefined ? rows.last : rows.page.find(({ messageId }) => messageId.equals(cutAt))
    return { stars, ...omitUndefined({ next: last?._id.toHexString() }) }
  }

  /** Removes the stars of messages that the actor does not see any more: they take no room. */
  async #removeUnseen(actor: Actor): Promise<void> {
    this.#budgets.spend(actor, WEIGHT.list)
    const userId = new ObjectId(actor.userId)
    const rows = await this.#store.stars.page(userId, this.#maxStars)
    const readers = await this.#readersOf(userId, rows)
    const ids = rows.map(({ messageId }) => messageId)
    const places = await this.#store.messages.findPresentPlaces(userId, ids)
    const seen = places.filter(place => readerFor(place, readers) !== undefined)
    const seenIds = new Set(seen.map(({ _id }) => _id.toHexString()))
    const unseen = ids.filter(id => !seenIds.has(id.toHexString()))
    if (unseen.length > 0) await this.#store.stars.removeMany(userId, unseen)
  }

  /** The person as a reader of each of the conversations that they are in, by its id (hex). */
  async #readersOf(userId: ObjectId, stars: readonly StarDoc[]): Promise<Map<string, Reader>> {
    const ids = new Map(stars.map(({ conversationId: id }) => [id.toHexString(), id]))
    const members = await this.#store.members.findByUserIn(userId, [...ids.values()])
    return new Map(members.map(member => [member.conversationId.toHexString(), readerOf(member)]))
  }

  #told(actor: Actor, message: Message, { rev, isStarred }: { rev: number | undefined; isStarred: boolean }): Changed {
    const { id: messageId, conversationId } = message
    const event = StarsUpdated.create({ conversationId, messageId, isStarred })
    if (rev !== undefined) this.#bus.publish('user', { userId: actor.userId, rev, event })
    return presentChanged(message)
  }

  #tooMany(): AppError {
    return new AppError('quota_reached', `At most ${this.#maxStars} messages can be starred`)
  }
}

/** The reader of a message, where they see it. */
function readerFor({ conversationId, seq }: MessagePlace, readers: ReadonlyMap<string, Reader>): Reader | undefined {
  const reader = readers.get(conversationId.toHexString())
  return reader !== undefined && seq > reader.afterSeq ? reader : undefined
}
