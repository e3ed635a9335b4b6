import type { ConversationView } from '../../protocol/conversations/entities.ts'
import type { ConversationPage } from '../../protocol/conversations/routes.ts'
import { PAGE_SIZE } from '../../protocol/limits.ts'
import type { Actor } from '../actor.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { type Budgets, WEIGHT } from '../limits/budgets.ts'
import type { FairGate } from '../limits/fair-gate.ts'
import { skipOf } from '../page.ts'
import { hiddenUpTo, peerOf } from '../present/present.ts'
import { matcherOf } from '../search-words.ts'
import type { ConversationStore, ListedRow } from '../store/conversations.ts'
import type { ConversationDoc, PreferencesDoc } from '../store/documents.ts'
import type { ListedMemberships, MemberStore } from '../store/members.ts'
import { nameTimeCursor, readTimeCursor, type TimeCursor } from '../store/time-cursor.ts'
import type { UserStore } from '../users/index.ts'
import type { ConversationService } from './conversations.ts'

/** Memberships of one person that a list looks at. */
const MAX_MEMBERSHIPS = 10_000
/** People whose names are looked at. */
const MAX_PEERS = 5_000
/** Time for which a group counts as new to who was brought into it, ms, and how many of these do. */
const NEW_MS = 30 * 24 * 3_600_000
const MAX_NEW = 50
/** Conversations that numbered pages reach. */
const MAX_NUMBERED = 10_000

/** Filter of the list; a field left out does not matter. */
export interface ListRequest {
  limit?: number
  /** `next` of the page before. */
  after?: string
  /** 1 is the first one; not together with `after`. */
  page?: number
  archived?: boolean
  pinned?: boolean
  unread?: boolean
  type?: ConversationDoc['type']
  /** Beginnings of words of its name, of the other person's name or of their nickname. */
  q?: string
}

interface ListDeps {
  store: { readonly conversations: ConversationStore; readonly members: MemberStore; readonly users: UserStore }
  conversations: Pick<ConversationService, 'views'>
  budgets: Budgets
  pageGate: FairGate
}

/** A membership as a list looks at it. */
interface Listed {
  readonly conversationId: ObjectId
  readonly preferences: PreferencesDoc
}

/** Cut of a list: how many, of which type, and after which; and the groups that are new to the person. */
interface ListCut {
  readonly limit: number
  readonly type: ConversationDoc['type'] | undefined
  readonly after: string | undefined
  readonly joined: ListedMemberships['joined']
}

const NONE: PreferencesDoc = {}

/** Position in the list: pinned ones come first. */
interface ListCursor extends TimeCursor {
  readonly isPinned: boolean
}

/** Memberships that a page is cut from, the pinned ones apart. */
interface Candidates {
  pinned: ObjectId[]
  others: ObjectId[]
}

/** The list of somebody's conversations, however many they are in. */
export class ConversationListService {
  readonly #store: ListDeps['store']
  readonly #conversations: ListDeps['conversations']
  readonly #budgets: Budgets
  readonly #gate: FairGate

  constructor({ store, conversations, budgets, pageGate }: ListDeps) {
    this.#store = store
    this.#conversations = conversations
    this.#budgets = budgets
    this.#gate = pageGate
  }

  /**
   * A page of the actor's conversations: pinned ones first, then by newest activity; without those put away.
   * @throws {AppError} `invalid` for a page that is too far, `rate_limited`, `busy`
   */
  async page(actor: Actor, request: ListRequest): Promise<ConversationPage> {
    this.#budgets.spend(actor, WEIGHT.list)
    return await this.#gate.run({ party: actor.userId }, async () => await this.#read(actor, request))
  }

  async #read(actor: Actor, request: ListRequest): Promise<ConversationPage> {
    const { limit = PAGE_SIZE, page: number = 1, after, unread } = request
    const skip = skipOf({ page: number, limit, max: MAX_NUMBERED, rows: 'conversations' })
    if (number > 1 && after !== undefined) throw new AppError('invalid', 'Give one of page and after')
    const userId = new ObjectId(actor.userId)
    const since = new Date(Date.now() - NEW_MS)
    const { plain, kept, joined } = await this.#store.members.listByUser(userId, MAX_MEMBERSHIPS, since)
    const memberships = [...kept, ...plain.map(conversationId => ({ conversationId, preferences: NONE }))]
    const candidates = await this.#candidates(actor, memberships, request)
    const upTo = skip + limit
    const cut = { limit: upTo + 1, type: request.type, after, joined: newestOf(joined) }
    const rows = await this.#newest(candidates, cut)
    const page = rows.slice(skip, upTo)
    const found = await this.#views(
      userId,
      page.map(({ doc }) => doc)
    )
    const conversations = unread === undefined ? found : found.filter(it => it.unreadCount > 0 === unread)
    const last = page.at(-1)
    if (rows.length <= upTo || last === undefined) return { conversations }
    const isPinned = candidates.pinned.some(id => id.equals(last.doc._id))
    return { conversations, next: `${isPinned ? 'p' : ''}${nameTimeCursor({ at: last.at, id: last.doc._id })}` }
  }

  async #views(userId: ObjectId, docs: readonly ConversationDoc[]): Promise<ConversationView[]> {
    const mine = await this.#store.members.findByUserIn(
      userId,
      docs.map(({ _id }) => _id)
    )
    return await this.#conversations.views(docs, mine)
  }

  async #newest({ pinned, others }: Candidates, { limit, after, ...order }: ListCut): Promise<ListedRow[]> {
    const cursor = after === undefined ? undefined : readListCursor(after)
    const { conversations } = this.#store
    const isPastPinned = cursor !== undefined && !cursor.isPinned
    const first =
      isPastPinned || pinned.length === 0 ? [] : await conversations.newest(pinned, limit, { ...order, after: cursor })
    if (first.length >= limit || others.length === 0) return first
    const rest = await conversations.newest(others, limit - first.length, {
      ...order,
      after: isPastPinned ? cursor : undefined
    })
    return [...first, ...rest]
  }

  async #candidates(actor: Actor, memberships: readonly Listed[], request: ListRequest): Promise<Candidates> {
    const { archived, pinned, unread, q } = request
    const wanted = memberships.filter(
      ({ preferences }) =>
        (archived === undefined || (preferences.archived ?? false) === archived) &&
        (pinned === undefined || (preferences.pinned ?? false) === pinned)
    )
    const shown = await this.#withoutHidden(wanted)
    const named = q === undefined ? shown : await this.#named(actor, shown, q)
    const left = unread === true ? await this.#withPossiblyUnread(actor, named) : named
    const ids = (rows: readonly Listed[]): ObjectId[] => rows.map(({ conversationId }) => conversationId)
    return {
      pinned: ids(left.filter(({ preferences }) => preferences.pinned === true)),
      others: ids(left.filter(({ preferences }) => preferences.pinned !== true))
    }
  }

  /** Drop conversations that were put away and in which nobody has said anything since. */
  async #withoutHidden(memberships: readonly Listed[]): Promise<readonly Listed[]> {
    const put = memberships.filter(({ preferences }) => preferences.hiddenAtSeq !== undefined)
    if (put.length === 0) return memberships
    const said = await this.#said(put)
    return memberships.filter(({ conversationId, preferences }) => {
      const hiddenAt = preferences.hiddenAtSeq
      return hiddenAt === undefined || (said.get(conversationId.toHexString()) ?? 0) > hiddenAt
    })
  }

  /** Conversations that went on since they were read: only they can have something unread. */
  async #withPossiblyUnread(actor: Actor, listed: readonly Listed[]): Promise<readonly Listed[]> {
    const ids = listed.map(({ conversationId }) => conversationId)
    const memberships = await this.#store.members.findByUserIn(new ObjectId(actor.userId), ids)
    const said = await this.#said(memberships)
    const read = new Map(memberships.map(me => [me.conversationId.toHexString(), Math.max(me.readSeq, hiddenUpTo(me))]))
    return listed.filter(({ conversationId }) => {
      const id = conversationId.toHexString()
      return (said.get(id) ?? 0) > (read.get(id) ?? 0)
    })
  }

  /** The last messages that people wrote, by conversation id (hex). */
  async #said(memberships: readonly Pick<Listed, 'conversationId'>[]): Promise<Map<string, number>> {
    const heads = await this.#store.conversations.heads(memberships.map(it => it.conversationId))
    return new Map(heads.map(({ _id, saidSeq }) => [_id.toHexString(), saidSeq]))
  }

  async #named(actor: Actor, memberships: readonly Listed[], q: string): Promise<readonly Listed[]> {
    const docs = await this.#store.conversations.activity(memberships.map(it => it.conversationId))
    const peerIds = docs.flatMap(doc => peerOf(doc, actor.userId) ?? []).slice(0, MAX_PEERS)
    const peers = await this.#store.users.findMany(peerIds.map(id => new ObjectId(id)))
    const nameOf = new Map(
      peers.map(({ _id, displayName, username = '' }) => [_id.toHexString(), `${displayName} ${username}`])
    )
    const names = new Map(
      docs.map(doc => [doc._id.toHexString(), `${doc.name ?? ''} ${nameOf.get(peerOf(doc, actor.userId) ?? '') ?? ''}`])
    )
    const isFound = matcherOf(q)
    return memberships.filter(({ conversationId, preferences }) => {
      return isFound(`${names.get(conversationId.toHexString()) ?? ''} ${preferences.nickname ?? ''}`)
    })
  }
}

function newestOf(joined: ListedMemberships['joined']): ListedMemberships['joined'] {
  if (joined.length <= MAX_NEW) return joined
  return [...joined].sort((a, b) => b.joinedAt.getTime() - a.joinedAt.getTime()).slice(0, MAX_NEW)
}

function readListCursor(after: string): ListCursor {
  const isPinned = after.startsWith('p')
  return { isPinned, ...readTimeCursor(after.slice(isPinned ? 1 : 0)) }
}
