import { ConversationUpdated, MemberChanged } from '../../protocol/conversations/events.ts'
import { SYNC_PAGE_BYTES, SYNC_PAGE_ITEMS } from '../../protocol/limits.ts'
import type { Message } from '../../protocol/messages/entities.ts'
import { MessageDeleted, MessageEdited, MessageNew } from '../../protocol/messages/events.ts'
import { Noop } from '../../protocol/sync/events.ts'
import type { ConversationChange, UserChange } from '../bus/bus.ts'
import { ObjectId } from '../database/object-id.ts'
import { Batcher } from '../limits/batcher.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { fitPage, pairOf, presentConversation, presentMember, presentMessage, type Reader } from '../present/present.ts'
import { byConversation } from '../store/by-conversation.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { AnsweredMessage, ConversationDoc, MemberDoc, MessageDoc } from '../store/documents.ts'
import type { MemberStore } from '../store/members.ts'
import type { AnsweredBy, MessagePage, MessageStore } from '../store/messages.ts'
import type { ConversationHead, Membership } from '../streams/positions.ts'
import type { AccountStore } from '../streams/store.ts'
import { membershipOf, type SyncService } from './sync.ts'

/** Conversations of one person that a process follows. */
const MAX_MEMBERSHIPS = 10_000

const NOOP = Noop.create({})

const NO_MESSAGES: MessagePage = { messages: [], more: false, upToRev: 0 }

/** Conversations whose changes are read with one query. */
const READ_TOGETHER = 20

/** Stores that everything is read from which somebody has missed. */
export interface ReplayStores {
  readonly accounts: AccountStore
  readonly conversations: ConversationStore
  readonly members: MemberStore
  readonly messages: MessageStore
}

/** A page of a conversation's changes that is asked for. */
interface Asked {
  readonly conversationId: ObjectId
  readonly since: number
  /** Person whom they are for; without one they are for the members who are here. */
  readonly reader?: Reader
}

/** Changes of a conversation, as they are stored. */
interface Changed {
  readonly head: ConversationDoc
  readonly page: MessagePage
  readonly members: readonly MemberDoc[]
}

/** Events that this process has not heard, made again from the state that the store holds. */
export class ReplayService {
  readonly #store: ReplayStores
  readonly #sync: SyncService
  /** A few conversations after the other, so that memory stays bounded however many are behind. */
  readonly #pages = new Batcher<Asked, ConversationChange[]>(async asked => await this.#readPages(asked), READ_TOGETHER)

  constructor({
    store,
    sync
  }: {
    store: ReplayStores
    sync: SyncService
  }) {
    this.#store = store
    this.#sync = sync
  }

  /** Conversations of a person, in the order of their ids. */
  async memberships(userId: string, limit = MAX_MEMBERSHIPS): Promise<Membership[]> {
    return (await this.#store.members.findByUser(new ObjectId(userId), limit)).map(membershipOf)
  }

  /** Heads of an account and of these conversations. */
  async heads(
    userId: string,
    conversationIds: readonly string[]
  ): Promise<{ account: number; conversations: Map<string, ConversationHead> }> {
    const [account, docs] = await Promise.all([
      this.#store.accounts.head(new ObjectId(userId)),
      this.#store.conversations.heads(conversationIds.map(id => new ObjectId(id)))
    ])
    return { account, conversations: new Map(docs.map(({ _id, rev, seq }) => [_id.toHexString(), { rev, seq }])) }
  }

  /**
   * The changes of a conversation after `since`, dense by `rev`: what has been overtaken by a later change is a
   * `noop` in its place. One page; call again from the last `rev`. What is asked for at the same time is read together.
   * @param reader who reads; without one quotes show everything, and `quotedSeq` says to whom
   */
  async conversation(conversationId: string, since: number, reader?: Reader): Promise<ConversationChange[]> {
    return await this.#pages.add({
      conversationId: new ObjectId(conversationId),
      since,
      ...omitUndefined({ reader })
    })
  }

  /** The heads are read first: whatever is below them can be seen by what is read after them. */
  async #readPages(asked: readonly Asked[]): Promise<ConversationChange[][]> {
    const heads = await this.#store.conversations.findMany(asked.map(({ conversationId }) => conversationId))
    // Bounded, so that what is replayed at once does not make every listener a slow one.
    const headOf = new Map(heads.map(head => [head._id.toHexString(), head]))
    const ranges = asked.map(it => ({ ...it, upTo: it.since + SYNC_PAGE_ITEMS }))
    const withMembers = ranges.filter(it => (headOf.get(it.conversationId.toHexString())?.memberRev ?? 0) > it.since)
    const [pages, members] = await Promise.all([
      this.#store.messages.changedWithin(ranges, SYNC_PAGE_BYTES),
      withMembers.length > 0 ? this.#store.members.changedWithin(withMembers) : []
    ])
    const answeredBy = await this.#store.messages.findAnswered(pages.flatMap(({ messages }) => messages))
    const membersOf = byConversation(members)
    return ranges.map((range, index) => {
      const id = range.conversationId.toHexString()
      const head = headOf.get(id)
      if (head === undefined) return []
      const changed = { head, page: pages[index] ?? NO_MESSAGES, members: membersOf.get(id) ?? [] }
      return denseChanges(changed, answeredBy, range)
    })
  }

  /** The changes of one person's account after `since`, dense by `rev`. */
  async account(userId: string, since: number): Promise<UserChange[]> {
    const { events, rev: end } = await this.#sync.userEvents(userId, since)
    return Array.from({ length: end - since }, (_, index) => {
      const rev = since + 1 + index
      return { userId, rev, event: events.get(rev) ?? NOOP }
    })
  }
}

/** Changes, one for each `rev` of the range, as far as the head has come and the page holds. */
function denseChanges(
  { head, page: { messages, more, upToRev }, members }: Changed,
  answeredBy: AnsweredBy,
  { since, upTo, reader }: { since: number; upTo: number; reader?: Reader }
): ConversationChange[] {
  const conversationId = head._id.toHexString()
  const changes = new Map<number, ConversationChange>()
  for (const message of messages) {
    const { createdRev, rev } = message
    const [answered, data] = [answeredBy(message), presentMessage(message, answeredBy(message), reader)]
    // Apps that keep no cursors know of a message only once they were told that it is new.
    if (createdRev > since)
      changes.set(createdRev, messageChange(message, { answered, rev: createdRev, event: MessageNew.create(data) }))
    if (rev > createdRev) changes.set(rev, messageChange(message, { answered, rev, event: changeEvent(message, data) }))
  }
  for (const rev of new Set(members.map(member => member.rev))) {
    const changed = members.filter(member => member.rev === rev)
    changes.set(rev, memberChange(conversationId, rev, changed))
  }
  if (head.selfRev > since) {
    const event = ConversationUpdated.create(presentConversation(head, reader?.userId.toHexString()))
    changes.set(head.selfRev, { conversationId, rev: head.selfRev, event })
  }
  const fitting = fitPage(messages, SYNC_PAGE_BYTES)
  const cut = fitting.length < messages.length ? fitting.at(-1)?.rev : undefined
  const end = Math.min(head.rev, upTo, cut ?? (more ? upToRev : head.rev))
  const pair = pairOf(head)
  return Array.from({ length: Math.max(0, end - since) }, (_, index) => {
    const rev = since + 1 + index
    return { ...(changes.get(rev) ?? { conversationId, rev, event: NOOP }), ...omitUndefined({ pair }) }
  })
}

function messageChange(
  { conversationId, seq }: MessageDoc,
  { answered, ...change }: Pick<ConversationChange, 'rev' | 'event'> & { answered: AnsweredMessage | undefined }
): ConversationChange {
  return {
    conversationId: conversationId.toHexString(),
    seq,
    ...change,
    ...omitUndefined({ quotedSeq: answered?.seq })
  }
}

function changeEvent({ deletedAt }: MessageDoc, data: Message) {
  return deletedAt === undefined ? MessageEdited.create(data) : MessageDeleted.create(data)
}

function memberChange(conversationId: string, rev: number, members: readonly MemberDoc[]): ConversationChange {
  const present = members.filter(({ leftAt }) => leftAt === undefined)
  const gone = members.filter(({ leftAt }) => leftAt !== undefined)
  return {
    conversationId,
    rev,
    event: MemberChanged.create({ members: members.map(presentMember) }),
    joined: present.map(({ userId, joinedSeq }) => ({ userId: userId.toHexString(), joinedSeq })),
    left: gone.map(({ userId }) => userId.toHexString())
  }
}
