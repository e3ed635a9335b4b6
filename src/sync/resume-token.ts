import { prefixedId } from '../../protocol/ids.ts'
import type { Actor } from '../actor.ts'
import { ObjectId } from '../database/object-id.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { pairOf, type Reader, readerOf } from '../present/present.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { ConversationDoc } from '../store/documents.ts'
import type { MemberStore } from '../store/members.ts'
import type { MessageStore } from '../store/messages.ts'
import type { ReplayItem, ResumeToken } from '../streams/positions.ts'
import { MARGIN_MS, MAX_NAMED } from '../streams/recent-positions.ts'
import type { AccountStore } from '../streams/store.ts'
import type { ReplayService } from './replay.ts'

/** Conversations of one person that are looked at. */
const MAX_MEMBERSHIPS = 10_000
/** Changes of one conversation that are sent again; beyond them its client loads it anew. */
const MAX_CHANGES = 1_000

interface ResumptionDeps {
  readonly store: {
    readonly accounts: AccountStore
    readonly conversations: ConversationStore
    readonly members: MemberStore
    readonly messages: MessageStore
  }
  readonly replay: ReplayService
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
    const at = Date.now()
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
    const { accounts, members, conversations } = this.#deps.store
    const userId = new ObjectId(actor.userId)
    let account = Math.min(token.account, await accounts.head(userId))
    for (let page = await this.#deps.replay.account(actor.userId, account); page.length > 0; ) {
      for (const change of page) yield { kind: 'account', change }
      account = page.at(-1)?.rev ?? account
      page = await this.#deps.replay.account(actor.userId, account)
    }
    const memberships = await members.findByUser(userId, MAX_MEMBERSHIPS)
    const readers = new Map(memberships.map(me => [me.conversationId.toHexString(), readerOf(me)]))
    const moved = await conversations.movedAmong(
      memberships.map(me => me.conversationId),
      new Date(token.at - MARGIN_MS)
    )
    for (const doc of moved) {
      const reader = readers.get(doc._id.toHexString())
      if (reader !== undefined) yield* this.#missedIn(doc, token, reader)
    }
  }

  async *#missedIn(doc: ConversationDoc, token: ResumeToken, reader: Reader): AsyncGenerator<ReplayItem> {
    const conversationId = doc._id.toHexString()
    let since = token.recent.get(conversationId) ?? (await this.#revAt(doc._id, token.at - MARGIN_MS))
    if (doc.rev - since > MAX_CHANGES) {
      yield { kind: 'reset', conversationId: prefixedId('conv', conversationId), rev: doc.rev }
      return
    }
    const pair = pairOf(doc)
    while (since < doc.rev) {
      const page = await this.#deps.replay.conversation(conversationId, since, reader)
      if (page.length === 0) return
      for (const change of page) {
        const isVisible = change.seq === undefined || change.seq > reader.afterSeq
        yield { kind: 'conversation', change: { ...change, ...omitUndefined({ pair }) }, isVisible }
      }
      since = page.at(-1)?.rev ?? doc.rev
    }
  }

  /** The `rev` of the newest message from before a moment. */
  async #revAt(conversationId: ObjectId, at: number): Promise<number> {
    const message = await this.#deps.store.messages.newestBefore(conversationId, new Date(at))
    return message?.createdRev ?? 0
  }
}
