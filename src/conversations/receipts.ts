import type { Receipt } from '../../protocol/conversations/entities.ts'
import { Delivered, PreferencesUpdated, Read } from '../../protocol/conversations/events.ts'
import { bareId } from '../../protocol/ids.ts'
import { PAGE_SIZE } from '../../protocol/limits.ts'
import type { MessageReceipts } from '../../protocol/messages/routes.ts'
import type { Actor } from '../actor.ts'
import type { Bus, EphemeralMessage } from '../bus/bus.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { conversationId, userId } from '../ids.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { cutPage } from '../page.ts'
import { isHiddenFor, pairOf, presentMembership, presentReceipt } from '../present/present.ts'
import type { Commits } from '../store/commit/commits.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { ConversationDoc, MemberDoc } from '../store/documents.ts'
import type { MemberStore } from '../store/members.ts'
import type { MessageStore } from '../store/messages.ts'
import { noSuchConversation, noSuchMessage } from '../store/missing.ts'
import type { AccountStore } from '../streams/store.ts'
import type { BlockService } from '../users/index.ts'
import { MAX_TOLD_MEMBERS, viewOf } from './policy.ts'

interface Marks {
  deliveredSeq?: number
  readSeq?: number
  /** Whether it is for what had been waiting for the person. */
  isCatchUp?: boolean
}

interface Cursors {
  readonly deliveredSeq: number
  readonly readSeq: number
  /** Last `seq` that had been waiting for the person; 0 for none. */
  readonly catchUpSeq: number
}

interface ReceiptStores {
  readonly accounts: Pick<AccountStore, 'changeIf'>
  readonly commits: Pick<Commits, 'recentHead'>
  readonly conversations: ConversationStore
  readonly members: MemberStore
  readonly messages: MessageStore
}

interface ReceiptDeps {
  store: ReceiptStores
  bus: Bus
  blocks: Pick<BlockService, 'blockedPeers'>
}

/** Delivery and read cursors of members. Cursors only move forward, and never beyond the last message. */
export class ReceiptService {
  readonly #store: ReceiptStores
  readonly #bus: Bus
  readonly #blocks: ReceiptDeps['blocks']
  /** Cursors that came in while the same ones were being written: merged, and written once afterwards. */
  readonly #waiting = new Map<string, Cursors>()
  readonly #writing = new Map<string, Promise<Receipt>>()

  constructor({ store, bus, blocks }: ReceiptDeps) {
    this.#store = store
    this.#bus = bus
    this.#blocks = blocks
  }

  /**
   * Moves the actor's cursors; what is read is delivered too. A `seq` that does not exist yet is clamped.
   * @throws {AppError} `not_found` for who is not a member
   */
  async mark(actor: Actor, conversationId: string, marks: Marks): Promise<Receipt> {
    const key = `${actor.userId}:${bareId(conversationId)}`
    const wanted = join(cursorsOf(marks), this.#waiting.get(key))
    const writing = this.#writing.get(key)
    if (writing === undefined) return await this.#write(key, actor, bareId(conversationId), wanted)
    this.#waiting.set(key, wanted)
    await writing.catch(() => undefined)
    const merged = this.#waiting.get(key)
    if (merged === undefined)
      return await (this.#writing.get(key) ?? this.#write(key, actor, bareId(conversationId), wanted))
    this.#waiting.delete(key)
    return await this.#write(key, actor, bareId(conversationId), merged)
  }

  /**
   * Moves the actor's cursors up to messages, named by their ids.
   * @throws {AppError} `not_found`, and nothing moves, for messages that are missing, foreign or of elsewhere
   */
  async markUpTo(
    actor: Actor,
    {
      conversationId: id,
      deliveredUpTo,
      readUpTo
    }: { conversationId?: string; deliveredUpTo?: string; readUpTo?: string }
  ): Promise<Receipt> {
    const ids = [deliveredUpTo, readUpTo].flatMap(it => (it === undefined ? [] : [new ObjectId(bareId(it))]))
    const found = await this.#store.messages.findPlaces(ids)
    const place = id === undefined ? found[0]?.conversationId : new ObjectId(bareId(id))
    const seqOf = (it: string | undefined): number | undefined =>
      it === undefined ? undefined : found.find(({ _id }) => _id.equals(bareId(it)))?.seq
    const missing = ids.length === 0 || ids.some(it => !found.some(({ _id }) => _id.equals(it)))
    if (missing || place === undefined || found.some(it => !it.conversationId.equals(place))) {
      throw noSuchMessage()
    }
    const [deliveredSeq = 0, readSeq = 0] = [seqOf(deliveredUpTo), seqOf(readUpTo)]
    return await this.mark(actor, place.toHexString(), { deliveredSeq, readSeq })
  }

  /**
   * Of a page of members, who has received and who has read a message; its sender is left out, and so is who is apart
   * from the actor by a block.
   * @throws {AppError} `not_found` for what the actor does not see
   */
  async findByMessage(
    actor: Actor,
    place: { conversationId: string; messageId: string },
    { limit = PAGE_SIZE, after }: { limit?: number; after?: string } = {}
  ): Promise<MessageReceipts> {
    const view = await viewOf(this.#store.members, actor, place.conversationId)
    const message = await this.#store.messages.find(new ObjectId(bareId(place.messageId)))
    const isHere = message?.conversationId.equals(view.conversationId) === true && message.seq > view.afterSeq
    if (message === null || !isHere || isHiddenFor(message, view.userId)) {
      throw noSuchMessage()
    }
    const from = after === undefined ? undefined : new ObjectId(bareId(after))
    const rows = await this.#store.members.page(view.conversationId, limit + 1, from)
    const { page, last } = cutPage(rows, limit)
    const blockedIds = await this.#blocks.blockedPeers(actor.userId)
    const isOther = ({ userId: id }: MemberDoc) => !id.equals(message.senderId) && !blockedIds.has(id.toHexString())
    const others = page.filter(it => isOther(it) && it.joinedSeq < message.seq)
    return {
      readBy: others.filter(it => it.readSeq >= message.seq).map(it => userId(it.userId)),
      deliveredTo: others.filter(it => it.deliveredSeq >= message.seq).map(it => userId(it.userId)),
      ...omitUndefined({ next: last && userId(last.userId) })
    }
  }

  async #write(key: string, actor: Actor, conversationId: string, cursors: Cursors): Promise<Receipt> {
    const writing = this.#advance(actor, new ObjectId(conversationId), cursors)
    this.#writing.set(key, writing)
    try {
      return await writing
    } finally {
      if (this.#writing.get(key) === writing) this.#writing.delete(key)
    }
  }

  async #advance(actor: Actor, conversationId: ObjectId, cursors: Cursors): Promise<Receipt> {
    const head = await this.#headFor(conversationId, cursors)
    // In large groups the person's own devices alone are told, and of what was read.
    const recipients = head.memberCount <= MAX_TOLD_MEMBERS ? undefined : ('own devices' as const)
    // Known here before it is asked for there, so that members on this server are told before the reply; and before
    // the write, so that what is written is told.
    if (recipients === undefined) await this.#blocks.blockedPeers(actor.userId)
    // A forged cursor is clamped: nobody has read what is not there yet.
    const deliveredSeq = Math.min(cursors.deliveredSeq, head.seq)
    const readSeq = Math.min(cursors.readSeq, head.seq)
    const { before, rev } = await this.#move(actor, conversationId, { deliveredSeq, readSeq })
    if (before === null) throw noSuchConversation()
    const after = furthest(before, { deliveredSeq, readSeq })
    if (rev !== undefined) this.#publishRead(head, after, rev)
    // What had been waiting is told apart from what came live meanwhile, although both were written at once.
    const caughtUp = furthest(before, { deliveredSeq: Math.min(cursors.catchUpSeq, head.seq), readSeq: 0 })
    this.#emitReceipt(head, before, caughtUp, omitUndefined({ isCatchUp: true, recipients }))
    this.#emitReceipt(head, caughtUp, after, omitUndefined({ recipients }))
    return presentReceipt(after)
  }

  /** How far somebody has read is state of their account: it takes a place in their own stream. */
  async #move(
    actor: Actor,
    conversationId: ObjectId,
    cursors: Pick<Cursors, 'deliveredSeq' | 'readSeq'>
  ): Promise<{ before: MemberDoc | null; rev?: number | undefined }> {
    const { accounts, members } = this.#store
    const userId = new ObjectId(actor.userId)
    if (cursors.readSeq === 0) return { before: await members.advance(conversationId, userId, cursors) }
    let before: MemberDoc | null = null
    const rev = await accounts.changeIf(userId, 'preferences', conversationId, async session => {
      before = await members.advance(conversationId, userId, cursors, session)
      return before !== null && before.readSeq < cursors.readSeq
    })
    return { before, rev }
  }

  #publishRead({ _id, seq }: ConversationDoc, after: MemberDoc, rev: number): void {
    const read = { conversationId: conversationId(_id), me: presentMembership(after, seq) }
    this.#bus.publish('user', { userId: after.userId.toHexString(), rev, event: PreferencesUpdated.create(read) })
  }

  /** A head that has the messages of the cursors if there are such: most often the one in memory. */
  async #headFor(conversationId: ObjectId, { deliveredSeq, readSeq }: Cursors): Promise<ConversationDoc> {
    const recent = this.#store.commits.recentHead(conversationId.toHexString())
    if (recent !== undefined && recent.seq >= Math.max(deliveredSeq, readSeq)) return recent
    const head = await this.#store.conversations.find(conversationId)
    if (head === null) throw noSuchConversation()
    return head
  }

  /** Tells that a member has got from one place to another, if it is another. */
  #emitReceipt(
    head: ConversationDoc,
    from: MemberDoc,
    to: MemberDoc,
    about: Pick<EphemeralMessage, 'isCatchUp' | 'recipients'>
  ): void {
    if (to.deliveredSeq === from.deliveredSeq && to.readSeq === from.readSeq) return
    const moved = to.readSeq > from.readSeq ? Read : Delivered
    if (about.recipients === 'own devices' && moved === Delivered) return
    const pair = pairOf(head)
    this.#bus.publish('ephemeral', {
      conversationId: head._id.toHexString(),
      event: moved.create(presentReceipt(to)),
      fromUserId: to.userId.toHexString(),
      ...about,
      ...omitUndefined({ pair })
    })
  }
}

function cursorsOf({ deliveredSeq = 0, readSeq = 0, isCatchUp = false }: Marks): Cursors {
  const delivered = Math.max(deliveredSeq, readSeq)
  return { deliveredSeq: delivered, readSeq, catchUpSeq: isCatchUp ? delivered : 0 }
}

function join(one: Cursors, other: Cursors = one): Cursors {
  return {
    deliveredSeq: Math.max(one.deliveredSeq, other.deliveredSeq),
    readSeq: Math.max(one.readSeq, other.readSeq),
    catchUpSeq: Math.max(one.catchUpSeq, other.catchUpSeq)
  }
}

function furthest(member: MemberDoc, { deliveredSeq, readSeq }: Pick<Cursors, 'deliveredSeq' | 'readSeq'>): MemberDoc {
  return {
    ...member,
    deliveredSeq: Math.max(member.deliveredSeq, deliveredSeq),
    readSeq: Math.max(member.readSeq, readSeq)
  }
}

/** @throws {AppError} `invalid` when neither cursor is given */
export function requireCursor({ deliveredSeq, readSeq }: Pick<Marks, 'deliveredSeq' | 'readSeq'>): void {
  if (deliveredSeq === undefined && readSeq === undefined) throw new AppError('invalid', 'Give deliveredSeq or readSeq')
}
