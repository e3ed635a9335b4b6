import { bareId, prefixedId } from '../../protocol/ids.ts'
import type { UserEvent } from '../../protocol/index.ts'
import { HEADS_PAGE, MAX_CHANGES_BEHIND, SYNC_PAGE_BYTES, SYNC_PAGE_ITEMS } from '../../protocol/limits.ts'
import type { Cursors, Head, Heads } from '../../protocol/sync/entities.ts'
import type { SyncItem, SyncPage } from '../../protocol/sync/events.ts'
import type { Actor } from '../actor.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { conversationId } from '../ids.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { cutPage } from '../page.ts'
import {
  isHiddenFor,
  messageBytes,
  presentConversation,
  presentMember,
  presentMessage,
  readerOf
} from '../present/present.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { ConversationDoc, MemberDoc } from '../store/documents.ts'
import type { MemberStore } from '../store/members.ts'
import type { MessageStore } from '../store/messages.ts'
import { noSuchConversation } from '../store/missing.ts'
import type { Membership, Standing } from '../streams/positions.ts'
import type { AccountStore } from '../streams/store.ts'
import { presentUserItems, type UserItemTable } from '../streams/user-items.ts'

/** More than a member takes on the wire. */
const MEMBER_BYTES = 512
/** Size of a page of changed messages. */
const PAGE = { limit: SYNC_PAGE_ITEMS, maxBytes: SYNC_PAGE_BYTES }

interface SyncDeps {
  store: {
    readonly accounts: AccountStore
    readonly conversations: ConversationStore
    readonly members: MemberStore
    readonly messages: MessageStore
  }
  items: UserItemTable
}

/** Catching up: what moved since a client's cursors, and what it is now. */
export class SyncService {
  readonly #store: SyncDeps['store']
  readonly #items: UserItemTable

  constructor({ store, items }: SyncDeps) {
    this.#store = store
    this.#items = items
  }

  /**
   * The heads that differ from the cursors, a page at a time, and on the first page the streams that are gone.
   * @param after the last conversation of the page before; the first page may begin from what is known already
   */
  async heads(
    actor: Actor,
    cursors: Cursors,
    { after, standing }: { after?: string | undefined; standing?: Standing | undefined } = {}
  ): Promise<Heads> {
    const userId = new ObjectId(actor.userId)
    const rows = standing?.memberships ?? (await this.#memberships(userId, after))
    const { page, last } = cutPage(rows, HEADS_PAGE)
    const heads = await this.#headsOf(page, standing)
    if (after === undefined) heads.push(await this.#accountHead(actor, standing))
    const gone = after === undefined ? await this.#gone(userId, cursors) : []
    return {
      heads: heads.filter(({ stream, rev }) => cursors[stream] !== rev),
      gone,
      more: last !== undefined,
      ...omitUndefined({ after: last?.conversationId })
    }
  }

  /**
   * A page of what changed in a stream after `since`.
   * @throws {AppError} `not_found` for streams that are not the actor's, `invalid` for a cursor beyond the head
   */
  async pull(actor: Actor, stream: string, since: number): Promise<SyncPage> {
    if (stream.startsWith('user_')) {
      if (bareId(stream) !== actor.userId) throw new AppError('not_found', 'No such stream')
      return await this.#pullUser(actor, stream, since)
    }
    return await this.#pullConversation(actor, stream, since)
  }

  async #pullConversation(actor: Actor, stream: string, since: number): Promise<SyncPage> {
    const id = new ObjectId(bareId(stream))
    const me = await this.#store.members.find(id, new ObjectId(actor.userId))
    // The head first, then upward without a bound: what changes meanwhile only moves forward in the scan.
    const head = me === null ? null : await this.#store.conversations.find(id)
    if (me === null || head === null) throw noSuchConversation()
    requireReached(since, head.rev)
    if (head.rev - since > MAX_CHANGES_BEHIND) return { stream, rev: head.rev, more: false, items: [], reset: true }
    if (head.rev === since) return { stream, rev: since, more: false, items: [] }
    const scans = await this.#scan(head, since, me)
    return { stream, ...mergePage(scans, head.rev) }
  }

  async #scan(head: ConversationDoc, since: number, me: MemberDoc): Promise<Scan[]> {
    const [{ messages, more, upToRev }, members] = await Promise.all([
      this.#store.messages.changedSince(head._id, since, PAGE),
      head.memberRev > since ? this.#store.members.changedSince(head._id, since, SYNC_PAGE_ITEMS) : []
    ])
    const reader = readerOf(me)
    const visible = messages.filter(message => message.seq > reader.afterSeq && !isHiddenFor(message, me.userId))
    const answeredBy = await this.#store.messages.findAnswered(visible)
    return [
      {
        items: visible.map(message => ({
          type: 'message',
          rev: message.rev,
          message: presentMessage(message, answeredBy(message), reader)
        })),
        completeTo: more ? upToRev : undefined
      },
      {
        // Who left before the reader came is none of theirs.
        items: members
          .filter(({ leftAt }) => leftAt === undefined || leftAt >= me.joinedAt)
          .map(member => ({ type: 'member', rev: member.rev, member: presentMember(member) })),
        completeTo: members.length >= SYNC_PAGE_ITEMS ? members.at(-1)?.rev : undefined
      },
      {
        items:
          head.selfRev <= since
            ? []
            : [
                {
                  type: 'conversation',
                  rev: head.selfRev,
                  conversation: presentConversation(head, me.userId.toHexString())
                }
              ],
        completeTo: undefined
      }
    ]
  }

  /** The events of one person's own stream after `since`, by `rev`, up to where the stream stands or a page ends. */
  async userEvents(userId: string, since: number): Promise<{ events: ReadonlyMap<number, UserEvent>; rev: number }> {
    const actor = { userId, expiresAt: 0 }
    const { changes, rev } = await this.#userChanges(actor, since)
    const presented = await presentUserItems(this.#items, actor, changes)
    return { events: new Map([...presented].map(([at, { event }]) => [at, event])), rev }
  }

  async #userChanges(actor: Actor, since: number) {
    const userId = new ObjectId(actor.userId)
    const head = await this.#store.accounts.head(userId)
    requireReached(since, head)
    const changes = await this.#store.accounts.changesSince(userId, since, SYNC_PAGE_ITEMS)
    const more = changes.length >= SYNC_PAGE_ITEMS
    return { changes, more, rev: more ? (changes.at(-1)?.rev ?? head) : head }
  }

  async #pullUser(actor: Actor, stream: string, since: number): Promise<SyncPage> {
    const { changes, more, rev } = await this.#userChanges(actor, since)
    const presented = await presentUserItems(this.#items, actor, changes)
    const items = changes.flatMap(change => presented.get(change.rev)?.item ?? [])
    const fitting = items.slice(0, pageEnd(items))
    const last = fitting.at(-1)
    if (last === undefined || fitting.length === items.length) return { stream, rev, more, items }
    return { stream, rev: last.rev, more: true, items: fitting }
  }

  async #memberships(userId: ObjectId, after: string | undefined): Promise<Membership[]> {
    const from = after === undefined ? undefined : new ObjectId(after)
    return (await this.#store.members.findByUser(userId, HEADS_PAGE + 1, from)).map(membershipOf)
  }

  async #headsOf(memberships: readonly Membership[], standing: Standing | undefined): Promise<Head[]> {
    const known = new Map(standing?.heads)
    const unknown = memberships.filter(({ conversationId: id }) => !known.has(id))
    const docs = await this.#store.conversations.heads(unknown.map(({ conversationId: id }) => new ObjectId(id)))
    for (const { _id, rev, seq } of docs) known.set(_id.toHexString(), { rev, seq })
    return memberships.flatMap(({ conversationId: id, deliveredSeq, readSeq }) => {
      const head = known.get(id)
      if (head === undefined) return []
      return [{ stream: prefixedId('conv', id), rev: head.rev, seq: head.seq, deliveredSeq, readSeq }]
    })
  }

  async #accountHead({ userId }: Actor, standing: Standing | undefined): Promise<Head> {
    const rev = standing?.account ?? (await this.#store.accounts.head(new ObjectId(userId)))
    return { stream: prefixedId('user', userId), rev }
  }

  async #gone(userId: ObjectId, cursors: Cursors): Promise<string[]> {
    const known = Object.keys(cursors).filter(stream => stream.startsWith('conv_'))
    if (known.length === 0) return []
    const present = await this.#store.members.findByUserIn(
      userId,
      known.map(stream => new ObjectId(bareId(stream)))
    )
    const ids = new Set(present.map(it => conversationId(it.conversationId)))
    return known.filter(stream => !ids.has(stream))
  }
}

export function membershipOf({ conversationId, joinedSeq, deliveredSeq, readSeq }: MemberDoc): Membership {
  return { conversationId: conversationId.toHexString(), joinedSeq, deliveredSeq, readSeq }
}

/** The items of one index scan; a scan that was cut is complete only up to its last `rev`. */
interface Scan {
  items: SyncItem[]
  completeTo: number | undefined
}

function requireReached(since: number, head: number): void {
  if (since > head) throw new AppError('invalid', `The cursor ${since} is beyond the head ${head}`)
}

/** Merges the scans by `rev`, and cuts the page at what all of them are complete to, and at its size. */
function mergePage(scans: readonly Scan[], head: number): Pick<SyncPage, 'rev' | 'more' | 'items'> {
  const cuts = scans.flatMap(({ completeTo }) => (completeTo === undefined ? [] : [completeTo]))
  const cut = cuts.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...cuts)
  const merged = scans
    .flatMap(({ items }) => items)
    .filter(({ rev }) => rev <= cut)
    .sort((a, b) => a.rev - b.rev)
  const end = pageEnd(merged)
  const items = merged.slice(0, end)
  const more = end < merged.length || cut < Number.POSITIVE_INFINITY
  const completeTo = end < merged.length ? (items.at(-1)?.rev ?? head) : cut
  // Beyond the head, which was read before, one scan may have seen what another has not.
  return { items, rev: Math.min(completeTo, head), more }
}

/** Number of items that fit a page; changes of one `rev` stay together. */
function pageEnd(items: readonly SyncItem[]): number {
  let bytes = 0
  for (const [index, item] of items.entries()) {
    bytes += sizeOf(item)
    const isFull = index >= SYNC_PAGE_ITEMS || bytes > SYNC_PAGE_BYTES
    if (index > 0 && isFull && items[index - 1]?.rev !== item.rev) return index
  }
  return items.length
}

/** An upper bound of an item's bytes on the wire. */
function sizeOf(item: SyncItem): number {
  if (item.type === 'message') return messageBytes(item.message)
  return item.type === 'member' ? MEMBER_BYTES : Buffer.byteLength(JSON.stringify(item))
}
