import { ConversationUpdated, MemberChanged } from '../../../protocol/conversations/events.ts'
import { bareId, prefixedId } from '../../../protocol/ids.ts'
import { SYNC_PAGE_BYTES, SYNC_PAGE_ITEMS } from '../../../protocol/limits.ts'
import type { Actor } from '../../actor.ts'
import type { DatabaseClock } from '../../database/index.ts'
import { ObjectId } from '../../database/object-id.ts'
import type { FairGate } from '../../limits/fair-gate.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import {
  isHiddenFor,
  pairOf,
  presentConversation,
  presentMember,
  type Reader,
  readerOf
} from '../../present/present.ts'
import type { ConversationDoc, MemberDoc, MessageDoc } from '../../store/documents.ts'
import type { DeviceCursor, MissedItem, ReplayGate } from '../../streams/positions.ts'
import { MARGIN_MS } from '../../streams/recent-positions.ts'
import type { ReplayStores } from '../replay.ts'
import type { SyncService } from '../sync.ts'
import { changedEvents, itemsOf, newEvents } from './missed-events.ts'

/** Conversations of one person that are looked at. */
const MAX_MEMBERSHIPS = 10_000

interface MissedDeps {
  readonly clock: DatabaseClock
  readonly store: ReplayStores
  readonly sync: Pick<SyncService, 'userEvents'>
  readonly pageGate: FairGate
}

/** A client that catches up: whose it is, what it has, and what it hears meanwhile. */
interface Client {
  readonly actor: Actor
  readonly cursor: DeviceCursor
  readonly gate: ReplayGate
  /** A moment of the database's clock before which the client had surely not come. */
  readonly cameAt: Date
}

/** A conversation whose changes are sent to a client. */
interface Behind {
  readonly id: ObjectId
  readonly since: number
}

/** Conversation while its changes are sent: it goes on meanwhile. */
interface Pass {
  /** As it was read before the membership: the person was in it up to this `rev`. */
  readonly head: ConversationDoc
  readonly reader: Reader
  /** Positions that the client has reached. */
  readonly rev: number
  readonly seq: number
  /** The client's position before, and the head then: what changed in between was shown with the message. */
  readonly since: number
  readonly shownTo: number
}

/**
 * What clients without cursors have missed, from the positions that have arrived there: first the person's own stream,
 * then each conversation, oldest first. A message is sent once, as it is now; of those that a client has, it is told
 * what has changed.
 */
export class MissedService {
  readonly #deps: MissedDeps

  constructor(deps: MissedDeps) {
    this.#deps = deps
  }

  /** Everything since the cursor, in bounded reads, until every stream is level. */
  async *since(actor: Actor, cursor: DeviceCursor, gate: ReplayGate): AsyncGenerator<MissedItem> {
    const client = { actor, cursor, gate, cameAt: new Date(this.#deps.clock.now() - MARGIN_MS) }
    yield* this.#account(client)
    for (const behind of await this.#behind(client)) yield* this.#conversation(client, behind)
    // Conversations that the person came into meanwhile.
    for (let stream = gate.behind; stream !== undefined; stream = gate.behind) {
      const id = new ObjectId(bareId(stream))
      const me = await this.#deps.store.members.find(id, new ObjectId(actor.userId))
      if (me === null) gate.forget(stream)
      else yield* this.#conversation(client, { id, since: positionIn(me, cursor) })
    }
  }

  async *#account({ actor, cursor, gate }: Client): AsyncGenerator<MissedItem> {
    const { userId } = actor
    const stream = prefixedId('user', userId)
    let since = Math.min(cursor.account, await this.#deps.store.accounts.head(new ObjectId(userId)))
    do {
      const from = since
      const { events, rev } = await this.#read(actor, async () => await this.#deps.sync.userEvents(userId, from))
      for (const [at, event] of [...events].sort(([one], [other]) => one - other)) {
        yield { missed: { event, stream }, reached: { stream, rev: at } }
      }
      since = rev
    } while (!gate.level(stream, since))
    yield { reached: { stream, rev: since } }
  }

  /** Conversations that have gone on since the client's positions, newest activity first; the others are level. */
  async #behind(client: Client): Promise<Behind[]> {
    const { actor, cursor, gate } = client
    const { members, conversations } = this.#deps.store
    return await this.#read(actor, async () => {
      const memberships = await members.findByUser(new ObjectId(actor.userId), MAX_MEMBERSHIPS)
      const heads = await conversations.activity(memberships.map(me => me.conversationId))
      const headOf = new Map(heads.map(head => [head._id.toHexString(), head]))
      return memberships
        .flatMap(me => {
          const id = me.conversationId.toHexString()
          const { rev = 0, lastActivityAt } = headOf.get(id) ?? {}
          const since = positionIn(me, cursor)
          if (since >= rev && gate.level(prefixedId('conv', id), rev)) return []
          return [{ id: me.conversationId, since, at: lastActivityAt?.getTime() ?? 0 }]
        })
        .sort((a, b) => b.at - a.at)
    })
  }

  async *#conversation(client: Client, { id, since }: Behind): AsyncGenerator<MissedItem> {
    const stream = prefixedId('conv', id.toHexString())
    let rev = since
    let seq: number | undefined
    let shownTo: number | undefined
    do {
      const now = await this.#read(client.actor, async () => await this.#headAndReader(client.actor, id))
      if (now === undefined) {
        // The end of a membership is told by the person's own stream.
        client.gate.forget(stream)
        return
      }
      const { head, reader } = now
      shownTo ??= head.rev
      seq ??= await this.#read(client.actor, async () => await this.#seqAt(head, rev))
      if (!client.cursor.isNew) yield* this.#shared(client.actor, head, rev)
      for (let pass: Pass | undefined = { head, reader, rev, seq, since, shownTo }; pass !== undefined; ) {
        pass = yield* this.#page(client, stream, pass)
        if (pass !== undefined) seq = pass.seq
      }
      rev = Math.max(rev, head.rev)
      yield { reached: { stream, rev } }
    } while (!client.gate.level(stream, rev))
  }

  /** The head first: who is a member after it was read may know of all that is below it. */
  async #headAndReader(actor: Actor, id: ObjectId): Promise<{ head: ConversationDoc; reader: Reader } | undefined> {
    const { conversations, members } = this.#deps.store
    const head = await conversations.find(id)
    const me = await members.find(id, new ObjectId(actor.userId))
    return head === null || me === null ? undefined : { head, reader: readerOf(me) }
  }

  /** The `seq` of the last message at a position. Every change makes one message at most. */
  async #seqAt(head: ConversationDoc, since: number): Promise<number> {
    const { rev, seq } = head
    if (rev - since <= SYNC_PAGE_ITEMS) return Math.max(0, seq - (rev - since))
    return await this.#deps.store.messages.seqAtRev(head._id, since)
  }

  /** Changes of what all members share, and of who they are. */
  async *#shared(actor: Actor, head: ConversationDoc, since: number): AsyncGenerator<MissedItem> {
    const context = omitUndefined({ pair: pairOf(head) })
    if (head.selfRev > since)
      yield { missed: { event: ConversationUpdated.create(presentConversation(head, actor.userId)), ...context } }
    for (let from = since; from < head.memberRev; ) {
      const after = from
      const members = await this.#read(
        actor,
        async () => await this.#deps.store.members.changedSince(head._id, after, SYNC_PAGE_ITEMS)
      )
      if (members.length > 0) {
        const event = MemberChanged.create({ members: members.map(presentMember) })
        yield { missed: { event, stream: prefixedId('conv', head._id.toHexString()), ...context } }
      }
      from = members.at(-1)?.rev ?? head.memberRev
    }
  }

  /**
   * A page of messages that the client does not have, and the changes of those that it has, up to the `rev` of the last.
   * @returns the rest of the pass; undefined where there is none
   */
  async *#page(client: Client, stream: string, pass: Pass): AsyncGenerator<MissedItem, Pass | undefined> {
    const { head, reader, rev, seq } = pass
    if (rev >= head.rev) return undefined
    const view = { conversationId: head._id, ...reader }
    const size = { limit: SYNC_PAGE_ITEMS, maxBytes: SYNC_PAGE_BYTES }
    const { messages, more } = await this.#read(
      client.actor,
      async () => await this.#deps.store.messages.pageAfter(view, seq, size)
    )
    const before = messages.filter(({ createdRev }) => createdRev <= head.rev)
    const last = before.at(-1)
    const isWhole = !more || before.length < messages.length
    const upTo = isWhole ? head.rev : Math.max(rev, last?.createdRev ?? rev)
    const unsent = before.filter(({ createdRev }) => createdRev > rev)
    yield* this.#upTo(client, { ...pass, stream, unsent, upTo })
    return { ...pass, rev: upTo, seq: last?.seq ?? seq }
  }

  /** Sends messages, and the changes of older ones, up to a `rev`. */
  async *#upTo(
    client: Client,
    { unsent, upTo, stream, ...pass }: Pass & { unsent: readonly MessageDoc[]; upTo: number; stream: string }
  ): AsyncGenerator<MissedItem> {
    let rest = unsent
    for (let from = pass.rev; from < upTo; ) {
      // Where every change has made a message, no older one has changed.
      const isDense = rest.length === upTo - from
      const { changed, to } = isDense ? { changed: [], to: upTo } : await this.#changed(client, pass, { from, upTo })
      const first = rest.filter(({ createdRev }) => createdRev <= to)
      rest = rest.slice(first.length)
      yield* this.#send(client, { ...pass, stream, changed, fresh: first, to })
      from = to
    }
  }

  /** Messages that the client has and that have changed, and the `rev` up to which these are all. */
  async #changed(
    { actor, cursor }: Client,
    { head, reader, since, shownTo }: Pass,
    { from, upTo }: { from: number; upTo: number }
  ): Promise<{ changed: MessageDoc[]; to: number }> {
    const end = Math.min(upTo, from + SYNC_PAGE_ITEMS)
    const range = { conversationId: head._id, since: from, upTo: end }
    const [page] = await this.#read(
      actor,
      async () => await this.#deps.store.messages.changedWithin([range], SYNC_PAGE_BYTES)
    )
    const changed = (page?.messages ?? []).filter(it => {
      // What changed before is new to a client that had the message; what changes now is to all of them.
      const isMissed = it.rev > shownTo || (it.createdRev <= since && !cursor.isNew)
      return isMissed && it.seq > reader.afterSeq && !isHiddenFor(it, reader.userId)
    })
    return { changed, to: page?.more === true ? Math.max(from + 1, page.upToRev) : end }
  }

  async *#send(
    { actor, cursor, cameAt }: Client,
    {
      head,
      reader,
      stream,
      changed,
      fresh,
      to
    }: Pass & { stream: string; changed: readonly MessageDoc[]; fresh: readonly MessageDoc[]; to: number }
  ): AsyncGenerator<MissedItem> {
    const { messages } = this.#deps.store
    const answeredBy = await this.#read(actor, async () => await messages.findAnswered([...changed, ...fresh]))
    const context = omitUndefined({ pair: pairOf(head) })
    for (const message of changed) {
      yield* itemsOf(changedEvents(message, answeredBy(message), reader), { seq: message.seq, ...context })
    }
    for (const [index, message] of fresh.entries()) {
      const next = fresh[index + 1]?.createdRev
      const reached = { stream, rev: next === undefined ? to : next - 1 }
      // A new device does not miss what its person had sent before it came.
      const isOwn = cursor.isNew && message.senderId.equals(actor.userId) && message.createdAt < cameAt
      const events = isOwn ? [] : newEvents(message, answeredBy(message), reader)
      yield* itemsOf(events, { seq: message.seq, ...context }, reached)
    }
    if (fresh.length === 0) yield { reached: { stream, rev: to } }
  }

  /** Reads when it is the person's turn. */
  async #read<T>({ userId }: Actor, read: () => Promise<T>): Promise<T> {
    return await this.#deps.pageGate.run({ party: userId }, read)
  }
}

/** Position of a client in a conversation: its own, or where the person came in if that was later. */
function positionIn({ conversationId, joinedRev, rev }: MemberDoc, { conversations }: DeviceCursor): number {
  const known = conversations.get(conversationId.toHexString())
  // An older membership does not say where it began; the last change of it is not earlier.
  return known === undefined ? (joinedRev ?? rev) : Math.max(known, joinedRev ?? 0)
}
