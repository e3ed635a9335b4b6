import { prefixedId } from '../../protocol/ids.ts'
import type { ConversationChange, UserChange } from '../bus/bus.ts'
import { type ConversationDoc, ObjectId, type Store } from '../store/index.ts'
import type { Actor } from './actor.ts'
import { hiddenUpTo, pairOf } from './present.ts'
import { MARGIN_MS, MAX_NAMED } from './recent-places.ts'
import type { ReplayService } from './replay.ts'

/** Conversations of one person that are looked at. */
const MAX_MEMBERSHIPS = 10_000
/** Changes of one conversation that are sent again; beyond them its client loads it anew. */
const MAX_CHANGES = 1_000

/** Where a client of a one-way stream is. */
export interface Bookmark {
  /** When the event was sent, ms since 1970. */
  readonly at: number
  /** The `rev` of the account stream. */
  readonly account: number
  /** The `rev` of each conversation that had events shortly before, by id (24 hexadecimal digits). */
  readonly recent: ReadonlyMap<string, number>
}

/** Something that was missed; of a conversation that has gone on too far, only that. */
export type Missed =
  | { readonly kind: 'conversation'; readonly change: ConversationChange; readonly isVisible: boolean }
  | { readonly kind: 'account'; readonly change: UserChange }
  | { readonly kind: 'reset'; readonly conversationId: string; readonly rev: number }

interface Parts {
  readonly store: Pick<Store, 'accounts' | 'conversations' | 'members' | 'messages'>
  readonly replay: ReplayService
}

/**
 * Continues one-way streams, whose clients send back nothing but the id of the last event. An id is a moment, and
 * the exact place in every stream that moved shortly before it: what moved earlier had been sent by then.
 */
export class ResumptionService {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Reads an id. @returns undefined for what is none */
  parse(id: string): Bookmark | undefined {
    const [, at, account, named = ''] = /^(\d{1,15})-(\d{1,15})((?:~[0-9a-f]{24}\.\d{1,15}){0,40})$/.exec(id) ?? []
    if (at === undefined || account === undefined) return undefined
    const recent = named
      .split('~')
      .slice(1)
      .map(one => [one.slice(0, 24), Number(one.slice(25))] as const)
    return { at: Number(at), account: Number(account), recent: new Map(recent) }
  }

  /** Where a client begins that has no id: now. */
  async now({ userId }: Actor): Promise<Bookmark> {
    const { accounts, members, conversations } = this.#parts.store
    const id = new ObjectId(userId)
    const at = Date.now()
    const [account, memberships] = await Promise.all([accounts.head(id), members.ofUser(id, MAX_MEMBERSHIPS)])
    const ids = memberships.map(me => me.conversationId)
    const moved = await conversations.movedAmong(ids, new Date(at - MARGIN_MS))
    const newest = moved.sort((a, b) => b.changedAt.getTime() - a.changedAt.getTime()).slice(0, MAX_NAMED)
    return { at, account, recent: new Map(newest.map(({ _id, rev }) => [_id.toHexString(), rev])) }
  }

  encode({ at, account, recent }: Bookmark): string {
    return `${at}-${account}${[...recent].map(([id, rev]) => `~${id}.${rev}`).join('')}`
  }

  /** What happened since, the account first, then each conversation in order; current state, as in every replay. */
  async *since(actor: Actor, bookmark: Bookmark): AsyncGenerator<Missed> {
    const { accounts, members, conversations } = this.#parts.store
    const userId = new ObjectId(actor.userId)
    let account = Math.min(bookmark.account, await accounts.head(userId))
    for (let page = await this.#parts.replay.account(actor.userId, account); page.length > 0; ) {
      for (const change of page) yield { kind: 'account', change }
      account = page.at(-1)?.rev ?? account
      page = await this.#parts.replay.account(actor.userId, account)
    }
    const memberships = await members.ofUser(userId, MAX_MEMBERSHIPS)
    const afterSeq = new Map(memberships.map(me => [me.conversationId.toHexString(), hiddenUpTo(me)]))
    const moved = await conversations.movedAmong(
      memberships.map(me => me.conversationId),
      new Date(bookmark.at - MARGIN_MS)
    )
    for (const doc of moved) yield* this.#missedIn(doc, bookmark, afterSeq.get(doc._id.toHexString()) ?? 0)
  }

  async *#missedIn(doc: ConversationDoc, bookmark: Bookmark, afterSeq: number): AsyncGenerator<Missed> {
    const conversationId = doc._id.toHexString()
    let since = bookmark.recent.get(conversationId) ?? (await this.#revAt(doc._id, bookmark.at - MARGIN_MS))
    if (doc.rev - since > MAX_CHANGES) {
      yield { kind: 'reset', conversationId: prefixedId('conv', conversationId), rev: doc.rev }
      return
    }
    const pair = pairOf(doc)
    while (since < doc.rev) {
      const page = await this.#parts.replay.conversation(conversationId, since)
      if (page.length === 0) return
      for (const change of page) {
        const isVisible = change.seq === undefined || change.seq > afterSeq
        yield { kind: 'conversation', change: { ...change, ...(pair && { pair }) }, isVisible }
      }
      since = page.at(-1)?.rev ?? doc.rev
    }
  }

  /** The `rev` of the newest message from before a moment. */
  async #revAt(conversationId: ObjectId, at: number): Promise<number> {
    const message = await this.#parts.store.messages.newestBefore(conversationId, new Date(at))
    return message?.createdRev ?? 0
  }
}
