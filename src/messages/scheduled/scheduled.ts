import { bareId } from '../../../protocol/ids.ts'
import { LIST_BYTES, PAGE_SIZE } from '../../../protocol/limits.ts'
import type { ScheduledMessage } from '../../../protocol/messages/scheduled/entities.ts'
import type { ScheduledChangeData, ScheduledCreateData } from '../../../protocol/messages/scheduled/events.ts'
import type { ScheduledPage } from '../../../protocol/messages/scheduled/routes.ts'
import type { Actor } from '../../actor.ts'
import type { Config } from '../../config/config.ts'
import { requireAdmin, requireMaySend, requireUnblocked } from '../../conversations/index.ts'
import type { ClientSession, DatabaseClock } from '../../database/index.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import type { Jobs } from '../../jobs/index.ts'
import { type Budgets, WEIGHT } from '../../limits/budgets.ts'
import type { TokenBuckets } from '../../limits/token-buckets.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { fillPage } from '../../page.ts'
import type { ConversationStore } from '../../store/conversations.ts'
import type { MemberStore } from '../../store/members.ts'
import { noSuchConversation } from '../../store/missing.ts'
import { nameTimeCursor, readTimeCursor } from '../../store/time-cursor.ts'
import { requireMoment } from '../../text.ts'
import type { RequireAnswerable } from '../answerable.ts'
import type { FilesPort } from '../attaching.ts'
import { type NewContent, readContent } from '../content.ts'
import { isEveryoneMentioned } from '../mentions/mentions.ts'
import type { ChangeScheduled } from './changes.ts'
import { presentScheduled, withPrefixes } from './present.ts'
import type { ScheduledDoc, ScheduledStore } from './store.ts'

/** Kind of the work that sends them; the key is `<id>.<version>`. */
export const SENDING = 'scheduled-message'
/** Time from now within which a message may be scheduled, ms. */
const MAX_AHEAD_MS = 365 * 24 * 3_600_000

interface ScheduledDeps {
  readonly store: {
    readonly conversations: ConversationStore
    readonly members: MemberStore
    readonly scheduled: ScheduledStore
  }
  readonly files: FilesPort
  readonly clock: DatabaseClock
  readonly config: Pick<Config, 'limits'>
  readonly budgets: Budgets
  readonly jobs: Pick<Jobs, 'enqueue' | 'withdraw'>
  readonly sends: TokenBuckets
  readonly requireAnswerable: RequireAnswerable
  readonly changeScheduled: ChangeScheduled
}

/** Content to be sent, and when; checked. */
type Plan = Required<Pick<ScheduledDoc, 'sendAt' | 'content'>> & Pick<ScheduledDoc, 'bodyHash'>

/**
 * Scheduled messages of their senders: made, listed, changed and taken back. Each is written together with the work
 * that sends it, so that it is sent whatever dies in between.
 */
export class ScheduledService {
  readonly #deps: ScheduledDeps
  readonly #store: ScheduledDeps['store']

  constructor(deps: ScheduledDeps) {
    this.#deps = deps
    this.#store = deps.store
  }

  /**
   * Schedules a message; a repeated `clientId` answers the first one, whatever has become of it.
   * @throws {AppError} as a send, `quota_reached` for one too many, `invalid` for a time that is over or too far away
   */
  async create(
    actor: Actor,
    { conversationId: id, clientId, sendAt, ...input }: ScheduledCreateData
  ): Promise<{ message: ScheduledMessage; isNew: boolean }> {
    const plan = this.#read(sendAt, input)
    const place = { userId: new ObjectId(actor.userId), conversationId: new ObjectId(bareId(id)), clientId }
    const first = await this.#store.scheduled.findFirst(place)
    if (first !== null) return { message: presentScheduled(requireSame(first, plan)), isNew: false }
    await this.#requireMayPlan(actor, place.conversationId, plan)
    const createdAt = new Date(this.#deps.clock.now())
    const doc: ScheduledDoc = { _id: new ObjectId(), ...place, ...plan, version: 1, status: 'waiting', createdAt }
    let before: ScheduledDoc | null = null
    const written = await this.#deps.changeScheduled(doc, async session => {
      before = await this.#store.scheduled.findFirst(place, session)
      if (before !== null) return null
      await this.#requireRoom(place.userId, session)
      await this.#store.scheduled.insert(doc, session)
      await this.#enqueue(doc, session)
      return doc
    })
    return { message: presentScheduled(written ?? requireSame(before ?? doc, plan)), isNew: written !== null }
  }

  /** A page of the actor's that are not sent, in the order of their time, as many as fit a list. */
  async list(actor: Actor, { limit = PAGE_SIZE, after }: { limit?: number; after?: string }): Promise<ScheduledPage> {
    this.#deps.budgets.spend(actor, WEIGHT.page)
    const cursor = after === undefined ? undefined : readTimeCursor(after)
    const rows = this.#store.scheduled.pageByUser(new ObjectId(actor.userId), limit + 1, cursor)
    const { page, last } = await fillPage(rows, { limit, maxBytes: LIST_BYTES }, bytesOf)
    const next = last && nameTimeCursor({ at: last.sendAt, id: last._id })
    return { scheduled: page.map(presentScheduled), ...omitUndefined({ next }) }
  }

  /** @throws {AppError} `not_found` for others than its sender */
  async get(actor: Actor, id: string): Promise<ScheduledMessage> {
    return presentScheduled(await this.#require(actor, id))
  }

  /**
   * Gives it another time and content. One that was refused waits again.
   * @throws {AppError} as `create`; `not_found`, `conflict` once it is sent or taken back
   */
  async change(actor: Actor, { scheduledId, sendAt, ...input }: ScheduledChangeData): Promise<ScheduledMessage> {
    const plan = this.#read(sendAt, input)
    const doc = await this.#require(actor, scheduledId)
    await this.#requireMayPlan(actor, doc.conversationId, plan)
    const changed = await this.#deps.changeScheduled(doc, async session => {
      const after = await this.#store.scheduled.change(doc._id, plan, session)
      if (after === null) return null
      await this.#deps.jobs.withdraw(SENDING, [keyOf({ ...after, version: after.version - 1 })], session)
      await this.#enqueue(after, session)
      return after
    })
    if (changed === null) throw tooLate()
    return presentScheduled(changed)
  }

  /** Takes it back, or away once it was refused; a repeat changes nothing. @throws {AppError} `not_found`, `conflict` once it is sent */
  async cancel(actor: Actor, id: string): Promise<ScheduledMessage> {
    const doc = await this.#require(actor, id)
    if (doc.status === 'cancelled') return presentScheduled(doc)
    const cancelled = await this.#deps.changeScheduled(doc, async session => {
      const after = await this.#store.scheduled.cancel(doc._id, session)
      if (after !== null) await this.#deps.jobs.withdraw(SENDING, [keyOf(after)], session)
      return after
    })
    if (cancelled !== null) return presentScheduled(cancelled)
    const now = await this.#require(actor, id)
    if (now.status !== 'cancelled') throw tooLate()
    return presentScheduled(now)
  }

  #read(sendAt: string, input: NewContent): Plan {
    const { bodyHash } = readContent(input, this.#deps.config.limits.textBytes)
    const moment = requireMoment('sendAt', sendAt)
    return { sendAt: moment, content: withPrefixes(input), bodyHash: `${bodyHash}:${moment.getTime()}` }
  }

  /** Checks now what is checked again when it is sent, so that a mistake is seen while somebody looks. */
  async #requireMayPlan(actor: Actor, id: ObjectId, { sendAt, content }: Plan): Promise<void> {
    const aheadMs = sendAt.getTime() - this.#deps.clock.now()
    if (aheadMs < 0) throw new AppError('invalid', 'sendAt is over')
    if (aheadMs > MAX_AHEAD_MS) throw new AppError('invalid', 'sendAt is more than 365 days away')
    this.#deps.sends.takeInTurn(actor, 'You are sending too fast')
    const me = await this.#store.members.find(id, new ObjectId(actor.userId))
    const doc = me && (await this.#store.conversations.find(id))
    if (!me || !doc) throw noSuchConversation()
    const state = { doc, members: new Map([[actor.userId, me]]) }
    requireMaySend(state, actor)
    requireUnblocked(state)
    if (isEveryoneMentioned(content)) requireAdmin(state, actor)
    if (content.replyTo !== undefined)
      await this.#deps.requireAnswerable(actor, id.toHexString(), new ObjectId(bareId(content.replyTo)))
    // Its files stay until it is sent.
    await this.#deps.files.attach(actor, content.attachments ?? [], sendAt)
  }

  async #requireRoom(userId: ObjectId, session: ClientSession): Promise<void> {
    const { scheduledMessages } = this.#deps.config.limits
    if ((await this.#store.scheduled.countOpen(userId, session)) >= scheduledMessages) {
      throw new AppError('quota_reached', `At most ${scheduledMessages} messages are scheduled at once`)
    }
  }

  async #enqueue(doc: ScheduledDoc, session: ClientSession): Promise<void> {
    await this.#deps.jobs.enqueue(SENDING, [{ key: keyOf(doc), rev: doc.version, dueAt: doc.sendAt }], session)
  }

  async #require(actor: Actor, id: string): Promise<ScheduledDoc> {
    const doc = await this.#store.scheduled.find(new ObjectId(bareId(id)))
    if (doc?.userId.toHexString() !== actor.userId) throw new AppError('not_found', 'No such scheduled message')
    return doc
  }
}

/** Key of the work that sends a version. */
export function keyOf({ _id, version }: Pick<ScheduledDoc, '_id' | 'version'>): string {
  return `${_id.toHexString()}.${version}`
}

function tooLate(): AppError {
  return new AppError('conflict', 'It is sent, or was taken back')
}

function requireSame(first: ScheduledDoc, { bodyHash }: Plan): ScheduledDoc {
  if (first.bodyHash === bodyHash) return first
  throw new AppError('idempotency_mismatch', 'This clientId was used for another scheduled message')
}

function bytesOf({ content }: ScheduledDoc): number {
  return 512 + Buffer.byteLength(JSON.stringify(content ?? {}))
}
