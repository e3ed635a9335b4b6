import { bareId } from '../../../protocol/ids.ts'
import { LIST_BYTES, PAGE_SIZE } from '../../../protocol/limits.ts'
import type { DraftState } from '../../../protocol/messages/drafts/entities.ts'
import { type DraftSaveData, DraftUpdated } from '../../../protocol/messages/drafts/events.ts'
import type { DraftPage } from '../../../protocol/messages/drafts/routes.ts'
import type { Actor } from '../../actor.ts'
import type { Bus } from '../../bus/bus.ts'
import type { Config } from '../../config/config.ts'
import { viewOf } from '../../conversations/index.ts'
import type { ClientSession, DatabaseClock } from '../../database/index.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { type Budgets, WEIGHT } from '../../limits/budgets.ts'
import type { FairGate } from '../../limits/fair-gate.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { fillPage } from '../../page.ts'
import type { MessageDraftDoc } from '../../store/documents.ts'
import type { MemberStore } from '../../store/members.ts'
import { noSuchConversation } from '../../store/missing.ts'
import { nameTimeCursor, readTimeCursor } from '../../store/time-cursor.ts'
import type { AccountStore } from '../../streams/store.ts'
import { requireMoment, requireWellFormed } from '../../text.ts'
import type { RequireAnswerable } from '../answerable.ts'
import { readRanges, storedRange } from '../mentions/mentions.ts'
import { presentDraft, presentState } from './present.ts'
import type { MessageDraftStore } from './store.ts'

/** The most bytes of a range of a text on the wire. */
const RANGE_BYTES = 96

interface DraftDeps {
  readonly store: {
    readonly accounts: AccountStore
    readonly members: MemberStore
    readonly messageDrafts: MessageDraftStore
  }
  readonly bus: Bus
  readonly clock: DatabaseClock
  readonly config: Pick<Config, 'limits'>
  readonly budgets: Budgets
  readonly requireAnswerable: RequireAnswerable
  readonly ownGate: FairGate
}

/** A draft as it is to be: with content, or taken away. */
type Wanted = Omit<MessageDraftDoc, '_id'>

/** A change that waits for the one before it. */
interface Waiting {
  wanted: Wanted
  readonly written: Promise<DraftState>
}

/**
 * Drafts: what a person has begun to write, one in a conversation, on all their devices. Of two changes the later one
 * stays. What comes while a change is written goes together in the next one, so that typing costs little.
 */
export class DraftService {
  readonly #store: DraftDeps['store']
  readonly #bus: Bus
  readonly #clock: DatabaseClock
  readonly #textBytes: number
  readonly #budgets: Budgets
  readonly #requireAnswerable: RequireAnswerable
  readonly #gate: FairGate
  readonly #writing = new Map<string, Promise<DraftState>>()
  readonly #waiting = new Map<string, Waiting>()

  constructor({ store, bus, clock, config, budgets, requireAnswerable, ownGate }: DraftDeps) {
    this.#store = store
    this.#bus = bus
    this.#clock = clock
    this.#textBytes = config.limits.textBytes
    this.#budgets = budgets
    this.#requireAnswerable = requireAnswerable
    this.#gate = ownGate
  }

  /** A page of the actor's drafts, the newest first, as many as fit a list. */
  async list(actor: Actor, { limit = PAGE_SIZE, after }: { limit?: number; after?: string }): Promise<DraftPage> {
    this.#budgets.spend(actor, WEIGHT.page)
    const cursor = after === undefined ? undefined : readTimeCursor(after)
    const rows = this.#store.messageDrafts.newest(new ObjectId(actor.userId), limit + 1, cursor)
    const { page, last } = await fillPage(rows, { limit, maxBytes: LIST_BYTES }, ({ content }) => bytesOf(content))
    const next = last && nameTimeCursor({ at: last.changedAt, id: last.conversationId })
    return { drafts: page.map(presentDraft), ...omitUndefined({ next }) }
  }

  /** The actor's draft of a conversation. @throws {AppError} `not_found` for who is not a member */
  async get(actor: Actor, id: string): Promise<DraftState> {
    const { conversationId, userId } = await viewOf(this.#store.members, actor, id)
    return presentState(conversationId, await this.#store.messageDrafts.find(userId, conversationId))
  }

  /**
   * Keeps a draft, unless a later one is there. @returns what is there then
   * @throws {AppError} `invalid`, `too_large`, `not_found` for who is not a member and for an answered message that
   * they do not see
   */
  async save(actor: Actor, { conversationId, changedAt, ...input }: DraftSaveData): Promise<DraftState> {
    const content = readContent(input, this.#textBytes)
    if (content.replyTo !== undefined) await this.#requireAnswerable(actor, conversationId, content.replyTo)
    return await this.#change({
      ...this.#placeOf(actor, conversationId),
      content,
      changedAt: this.#momentOf(changedAt)
    })
  }

  /** Takes the draft away, unless a later one is there. @returns what is there then @throws {AppError} `not_found` */
  async delete(
    actor: Actor,
    { conversationId, changedAt: given }: Pick<DraftSaveData, 'conversationId' | 'changedAt'>
  ): Promise<DraftState> {
    const changedAt = this.#momentOf(given)
    return await this.#change({ ...this.#placeOf(actor, conversationId), changedAt, takenAwayAt: changedAt })
  }

  #placeOf({ userId }: Actor, conversationId: string) {
    return { userId: new ObjectId(userId), conversationId: new ObjectId(bareId(conversationId)) }
  }

  /** A device whose clock is fast is not ahead of the others for ever. */
  #momentOf(given: string | undefined): Date {
    const now = this.#clock.now()
    return new Date(given === undefined ? now : Math.min(requireMoment('changedAt', given).getTime(), now))
  }

  async #change(wanted: Wanted): Promise<DraftState> {
    const key = `${wanted.userId.toHexString()}:${wanted.conversationId.toHexString()}`
    const writing = this.#writing.get(key)
    if (writing === undefined) return await this.#begin(key, wanted)
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) return await this.#wait(key, wanted, writing)
    if (wanted.changedAt >= waiting.wanted.changedAt) waiting.wanted = wanted
    return await waiting.written
  }

  async #wait(key: string, wanted: Wanted, writing: Promise<unknown>): Promise<DraftState> {
    const next = async () => {
      this.#waiting.delete(key)
      return await this.#begin(key, waiting.wanted)
    }
    const waiting: Waiting = { wanted, written: writing.then(next, next) }
    this.#waiting.set(key, waiting)
    return await waiting.written
  }

  async #begin(key: string, wanted: Wanted): Promise<DraftState> {
    const party = wanted.userId.toHexString()
    const writing = this.#gate.run({ party }, async () => await this.#write(wanted))
    this.#writing.set(key, writing)
    try {
      return await writing
    } finally {
      if (this.#writing.get(key) === writing) this.#writing.delete(key)
    }
  }

  async #write(wanted: Wanted): Promise<DraftState> {
    const { userId, conversationId } = wanted
    let after: Wanted | null = wanted
    const rev = await this.#store.accounts.changeIf(userId, 'draft', conversationId, async session => {
      const before = await this.#before(wanted, session)
      after = wanted
      if (before === null || isAfter(wanted, before)) await this.#store.messageDrafts.save(wanted, session)
      else after = before
      return after === wanted && (wanted.content ?? before?.content) !== undefined
    })
    const state = presentState(conversationId, after)
    if (rev !== undefined)
      this.#bus.publish('user', { userId: userId.toHexString(), rev, event: DraftUpdated.create(state) })
    return state
  }

  /** The draft that is there; whoever leaves meanwhile conflicts with this, because both take a place in their stream. */
  async #before({ userId, conversationId }: Wanted, session: ClientSession): Promise<Wanted | null> {
    const me = await this.#store.members.find(conversationId, userId, session)
    if (me === null) throw noSuchConversation()
    return await this.#store.messageDrafts.find(userId, conversationId, session)
  }
}

/** Whether a change is later than what is there; at the same moment, whether it is another one. */
function isAfter(wanted: Wanted, before: Wanted): boolean {
  const [at, formerAt] = [wanted.changedAt.getTime(), before.changedAt.getTime()]
  return at > formerAt || (at === formerAt && contentOf(wanted) !== contentOf(before))
}

const contentOf = ({ content }: Wanted): string => JSON.stringify(content ?? null)

/** @throws {AppError} `invalid` for no content and for two texts, `too_large` */
function readContent(
  {
    text,
    encryptedContent,
    mentionRanges = [],
    replyTo
  }: Pick<DraftSaveData, 'text' | 'encryptedContent' | 'mentionRanges' | 'replyTo'>,
  textBytes: number
): NonNullable<MessageDraftDoc['content']> {
  if (text === undefined && encryptedContent === undefined && replyTo === undefined) {
    throw new AppError('invalid', 'There is nothing in the draft: delete it')
  }
  if (text !== undefined && encryptedContent !== undefined) {
    throw new AppError('invalid', 'Give either text or encryptedContent')
  }
  if (text !== undefined) requireWellFormed('text', text)
  if (encryptedContent !== undefined) requireWellFormed('encryptedContent', encryptedContent)
  if (text !== undefined && Buffer.byteLength(text) > textBytes) {
    throw new AppError('too_large', `The text is longer than ${textBytes} bytes`)
  }
  const ranges = readRanges(mentionRanges, text)
  return omitUndefined({
    text,
    encryptedContent,
    mentionRanges: ranges.length === 0 ? undefined : ranges.map(storedRange),
    replyTo: replyTo === undefined ? undefined : new ObjectId(bareId(replyTo))
  })
}

function bytesOf(content: NonNullable<MessageDraftDoc['content']>): number {
  const { text = '', encryptedContent = '', mentionRanges = [] } = content
  return 256 + Buffer.byteLength(text) + encryptedContent.length + mentionRanges.length * RANGE_BYTES
}
