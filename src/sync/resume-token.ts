import { prefixedId } from '../../protocol/ids.ts'
import type { Actor } from '../actor.ts'
import type { DatabaseClock } from '../database/index.ts'
import { ObjectId } from '../database/object-id.ts'
import type { FairGate } from '../limits/fair-gate.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { pairOf, type Reader, readerOf } from '../present/present.ts'
import type { ConversationDoc } from '../store/documents.ts'
import type { ReplayItem, ResumeToken } from '../streams/positions.ts'
import { MARGIN_MS, MAX_AGE_MS, MAX_NAMED } from '../streams/recent-positions.ts'
import type { ReplayService, ReplayStores } from './replay.ts'
import type { SyncService } from './sync.ts'

/** Conversations of one person that are looked at. */
const MAX_MEMBERSHIPS = 10_000
/** Changes of one conversation that are sent again; beyond them its client loads it anew. */
const MAX_CHANGES = 1_000
/** Pages of changes of an account that are sent again, likewise. */
const MAX_ACCOUNT_PAGES = 5

interface ResumptionDeps {
  readonly clock: DatabaseClock
  readonly store: ReplayStores
  readonly sync: Pick<SyncService, 'userEvents'>
  readonly replay: Pick<ReplayService, 'conversation'>
  readonly pageGate: FairGate
}

/**
 * Continues one-way streams, whose clients send back nothing but the id of the last event. An id is a moment, and
 * the exact place in every stream that moved shortly before it: what moved earlier had been sent by then.
 */
export class ResumptionService {
  readonly #deps: ResumptionDeps

  constructor(deps: ResumptionDeps) {
    this.#deps = deps
  }

  /** Reads an id. @returns undefined for what is none */
  parse(id: string): ResumeToken | undefined {
    const [, at, account, named = ''] = /^(\d{1,15})-(\d{1,15})((?:~[0-9a-f]{24}\.\d{1,15}){0,40})$/.exec(id) ?? []
    if (at === undefined || account === undefined) return undefined
    const recent = named
      .split('~')
      .slice(1)
      .map(one => [one.slice(0, 24), Number(one.slice(25))] as const)
    return { at: Number(at), account: Number(account), recent: new Map(recent) }
  }

  /** Token of a client that has no id: now. */
  async now({ userId }: Actor): Promise<ResumeToken> {
    const { accounts, members, conversations } = this.#deps.store
    const id = new ObjectId(userId)
    const at = this.#deps.clock.now()
    const [account, memberships] = await Promise.all([accounts.head(id), members.findByUser(id, MAX_MEMBERSHIPS)])
    const ids = memberships.map(me => me.conversationId)
    const moved = await conversations.movedAmong(ids, new Date(at - MARGIN_MS))
    const newest = moved.sort((a, b) => b.changedAt.getTime() - a.changedAt.getTime()).slice(0, MAX_NAMED)
    return { at, account, recent: new Map(newest.map(({ _id, rev }) => [_id.toHexString(), rev])) }
  }

  encode({ at, account, recent }: ResumeToken): string {
    return `${at}-${account}${[...recent].map(([id, rev]) => `~${id}.${rev}`).join('')}`
  }

  /** Replay since the token: the account first, then each conversation in order; current state, as in every replay. */
  async *replaySince(actor: Actor, token: ResumeToken): AsyncGenerator<ReplayItem> {
    yield* this.#missedOfAccount(actor, token)
    const { members, conversations } = this.#deps.store
    const memberships = await this.#read(
      actor,
      async () => await members.findByUser(new ObjectId(actor.userId), MAX_MEMBERSHIPS)
    )
    const ids = memberships.map(me => me.conversationId)
    const since = new Date(token.at - MARGIN_MS)
    const moved = await this.#read(actor, async () => await conversations.movedAmong(ids, since))
    const readers = new Map(memberships.map(me => [me.conversationId.toHexString(), readerOf(me)]))
    for (const doc of moved) {
      const reader = readers.get(doc._id.toHexString())
      if (reader !== undefined) yield* this.#missedIn(actor, doc, { token, reader })
    }
  }

  async *#missedOfAccount(actor: Actor, token: ResumeToken): AsyncGenerator<ReplayItem> {
    const { userId } = actor
    const head = await this.#deps.store.accounts.head(new ObjectId(userId))
    let since = Math.min(token.account, head)
    for (let pages = 0; since < head; pages++) {
      if (this.#isOld(token) || pages === MAX_ACCOUNT_PAGES) {
        yield { kind: 'reset', stream: prefixedId('user', userId), rev: head }
        return
      }
      const { events, rev } = await this.#read(actor, async () => await this.#deps.sync.userEvents(userId, since))
      const changes = [...events].sort(([one], [other]) => one - other)
      for (const [at, event] of changes) yield { kind: 'account', change: { userId, rev: at, event } }
      since = rev
    }
  }

  async *#missedIn(
    actor: Actor,
    doc: ConversationDoc,
    { token, reader }: { token: ResumeToken; reader: Reader }
  ): AsyncGenerator<ReplayItem> {
    const id = doc._id.toHexString()
    const named = token.recent.get(id)
    const since = named ?? (await this.#read(actor, async () => await this.#revAt(doc, token)))
    if (since === undefined || doc.rev - since > MAX_CHANGES) {
      yield { kind: 'reset', stream: prefixedId('conv', id), rev: doc.rev }
      return
    }
    const pair = pairOf(doc)
    for (let rev = since; rev < doc.rev; ) {
      const from = rev
      const page = await this.#read(actor, async () => await this.#deps.replay.conversation(id, from, reader))
      if (page.length === 0) return
      for (const change of page) {
        const isVisible = change.seq === undefined || change.seq > reader.afterSeq
        yield { kind: 'conversation', change: { ...change, ...omitUndefined({ pair }) }, isVisible }
      }
      rev = page.at(-1)?.rev ?? doc.rev
    }
  }

  /**
   * The `rev` of the newest message from before a token's moment; undefined where that is further back than is sent
   * again. Looks at no more messages than are to be sent.
   */
  async #revAt({ _id, seq }: ConversationDoc, token: ResumeToken): Promise<number | undefined> {
    if (this.#isOld(token)) return undefined
    const { messages } = this.#deps.store
    const moment = new Date(token.at - MARGIN_MS)
    const first = Math.max(0, seq - MAX_CHANGES)
    const sentAt = first === 0 ? undefined : await messages.sentAt(_id, first)
    if (sentAt !== undefined && sentAt > moment) return undefined
    return (await messages.newestBefore(_id, moment, first))?.createdRev ?? 0
  }

  /** Reads when it is the person's turn. */
  async #read<T>({ userId }: Actor, read: () => Promise<T>): Promise<T> {
    return await this.#deps.pageGate.run({ party: userId }, read)
  }

  /** Whether a token is from so long ago, or from no moment at all, that all is loaded anew. */
  #isOld({ at }: ResumeToken): boolean {
    return this.#deps.clock.now() - at > MAX_AGE_MS
  }
}
