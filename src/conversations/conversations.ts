import type { ConversationView } from '../../protocol/conversations/entities.ts'
import type { NewConversation } from '../../protocol/conversations/events.ts'
import type { MemberPage } from '../../protocol/conversations/routes.ts'
import { bareId, prefixedId } from '../../protocol/ids.ts'
import { LIST_BYTES, PAGE_SIZE } from '../../protocol/limits.ts'
import type { Actor } from '../actor.ts'
import type { Config } from '../config/config.ts'
import type { DatabaseClock } from '../database/index.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { pairKeyOf, userId } from '../ids.ts'
import { type Budgets, WEIGHT } from '../limits/budgets.ts'
import { TokenBuckets } from '../limits/token-buckets.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { cutPage } from '../page.ts'
import { hiddenUpTo, presentMember, presentReceipt, presentView } from '../present/present.ts'
import type { Commits } from '../store/commit/commits.ts'
import type { ConversationState } from '../store/commit/draft.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { ConversationDoc, MemberDoc, MessageDoc } from '../store/documents.ts'
import type { MemberStore } from '../store/members.ts'
import type { MessageStore } from '../store/messages.ts'
import { noSuchConversation } from '../store/missing.ts'
import type { ClaimsPictures } from '../store/pictures.ts'
import type { SeqRange } from '../store/view.ts'
import type { BlockService, UserService } from '../users/index.ts'
import type { Consent } from './consent/consent.ts'
import type { DirectPairs } from './direct/pairs.ts'
import type { LargeChanges } from './large-changes.ts'
import { addedNews, newMember } from './new-members.ts'
import { readableTexts, requireSomebodyElse } from './policy.ts'
import { firstNote, type Note } from './system-messages.ts'

interface ConversationDeps {
  readonly clock: DatabaseClock
  store: {
    readonly commits: Commits
    readonly conversations: ConversationStore
    readonly members: MemberStore
    readonly messages: MessageStore
    readonly pictures: ClaimsPictures
  }
  users: Pick<UserService, 'requireUsers'>
  blocks: Pick<BlockService, 'blockedPeers' | 'requireUnblocked' | 'syncDirectConversation'>
  consent: Pick<Consent, 'requireMayStart' | 'requireMayAdd' | 'requireRoom'>
  largeChanges: LargeChanges
  budgets: Budgets
  pairs: Pick<DirectPairs, 'idOf'>
  config: Pick<Config, 'limits'>
}

/** A conversation that was just made, with its first message. */
interface Inserted {
  readonly state: ConversationState
  readonly first: MessageDoc | undefined
}

/** A conversation and the membership of who sees it. */
interface Seen {
  readonly doc: ConversationDoc
  readonly me: MemberDoc
}

/** Messages below a hidden last one among which another is looked for to be shown in its place. */
const MAX_LOOKED_AT = 500

/** Conversations: making and looking at them; the list is in `conversation-list.ts`. What members may change is in `groups.ts`. */
export class ConversationService {
  readonly #clock: DatabaseClock
  readonly #store: ConversationDeps['store']
  readonly #users: ConversationDeps['users']
  readonly #blocks: ConversationDeps['blocks']
  readonly #consent: ConversationDeps['consent']
  readonly #largeChanges: LargeChanges
  readonly #pairs: ConversationDeps['pairs']
  readonly #budgets: Budgets
  readonly #maxMembers: number
  readonly #groupsMade: TokenBuckets
  /** Direct conversations that are being made here, by pair. */
  readonly #opening = new Map<string, Promise<Inserted | undefined>>()

  constructor({ clock, store, users, blocks, consent, largeChanges, budgets, pairs, config }: ConversationDeps) {
    this.#clock = clock
    this.#store = store
    this.#users = users
    this.#blocks = blocks
    this.#consent = consent
    this.#largeChanges = largeChanges
    this.#budgets = budgets
    this.#pairs = pairs
    this.#maxMembers = config.limits.groupMembers
    this.#groupsMade = TokenBuckets.perDay(config.limits.groupsPerDay)
  }

  /**
   * The direct conversation with somebody, made if there is none (two calls at once make one), or a new group.
   * @throws {AppError} `not_found` for people who do not exist, `invalid` for oneself, `quota_reached`, `blocked`,
   * `forbidden` when somebody does not let the actor start one or add them, `rate_limited`
   */
  async create(actor: Actor, input: NewConversation): Promise<{ conversation: ConversationView; isNew: boolean }> {
    if (input.type === 'direct') return await this.#openDirect(actor, bareId(input.userId), false)
    const texts = readableTexts(input)
    const others = [...new Set(texts.memberIds?.map(bareId) ?? [])].filter(id => id !== actor.userId)
    if (others.length >= this.#maxMembers) {
      throw new AppError('quota_reached', `A group has at most ${this.#maxMembers} members`)
    }
    this.#budgets.spend(actor, WEIGHT.group)
    this.#groupsMade.take(actor.userId, 'Too many groups for one day')
    await this.#users.requireUsers(others)
    await this.#blocks.requireUnblocked(actor, others)
    await this.#consent.requireRoom([actor.userId])
    await this.#consent.requireMayAdd(actor.userId, others)
    const { type, name, description, avatarUrl } = await this.#store.pictures.claim(actor, texts)
    const fields = {
      type,
      name,
      ...omitUndefined({ description: description || undefined, avatarUrl: avatarUrl || undefined })
    }
    const created = await this.#largeChanges.run(actor, others.length, async () => {
      return await this.#insert(fields, [actor.userId, ...others], { kind: 'created', name, userIds: others })
    })
    const me = created?.state.members.get(actor.userId)
    if (created === undefined || me === undefined) throw new AppError('conflict', 'The group could not be made')
    return { conversation: presentView(created.state.doc, me, omitUndefined({ newest: created.first })), isNew: true }
  }

  /** The direct conversation of two who agreed to talk, whatever their settings. @throws {AppError} `blocked`, `not_found` */
  async openAgreed(actor: Actor, peerId: ObjectId): Promise<ConversationView> {
    return (await this.#openDirect(actor, peerId.toHexString(), true)).conversation
  }

  /**
   * The id of the direct conversation with somebody, to send into; made if there is none. One read where this process
   * knows the conversation. There a block is left to the commit, which refuses what is sent.
   * @throws {AppError} as `create`
   */
  async openDirect(actor: Actor, userId: string): Promise<string> {
    const peerId = bareId(userId)
    requireSomebodyElse(actor, peerId)
    const [id] = await Promise.all([this.#pairs.idOf(actor.userId, peerId), this.#users.requireUsers([peerId])])
    if (id !== undefined) return prefixedId('conv', id)
    return (await this.#openDirect(actor, peerId, false)).conversation.id
  }

  /** @throws {AppError} `not_found` for who is not a member */
  async get(actor: Actor, id: string): Promise<ConversationView> {
    const conversationId = new ObjectId(bareId(id))
    const me = await this.#store.members.find(conversationId, new ObjectId(actor.userId))
    const doc = me && (await this.#store.conversations.find(conversationId))
    if (!me || !doc) throw noSuchConversation()
    const [view] = await this.views([doc], [me])
    if (view === undefined) throw noSuchConversation()
    return view
  }

  /** The direct conversation with somebody, if there is one. @param userId in either form */
  async direct(actor: Actor, userId: string): Promise<ConversationView | undefined> {
    const id = await this.directId(actor, userId)
    return id === undefined ? undefined : await this.get(actor, id)
  }

  /** Id of a direct conversation; read once and then cached. @param userId in either form */
  async directId(actor: Actor, userId: string): Promise<string | undefined> {
    const id = await this.#pairs.idOf(actor.userId, bareId(userId))
    return id === undefined ? undefined : prefixedId('conv', id)
  }

  /**
   * Views of the conversations for the person of the memberships: one query for newest, one for unread, and one more
   * where the person has hidden some of the newest. Last messages that are too large for a list are left out; a single
   * one never is.
   */
  async views(docs: readonly ConversationDoc[], memberships: readonly MemberDoc[]): Promise<ConversationView[]> {
    const [{ userId } = {}] = memberships
    if (userId === undefined) return []
    const mine = new Map(memberships.map(member => [member.conversationId.toHexString(), member]))
    const seen = docs.flatMap(doc => {
      const me = mine.get(doc._id.toHexString())
      return me === undefined ? [] : [{ doc, me }]
    })
    const unreadOnes = seen.flatMap(({ doc, me }) => rangeAfter(me.readSeq, doc, me))
    const [newest, unread] = await Promise.all([
      this.#newest(userId, seen),
      this.#store.messages.unread(userId, unreadOnes)
    ])
    const answeredBy = await this.#store.messages.findAnswered(newest)
    const newestOf = new Map(newest.map(message => [message.conversationId.toHexString(), message]))
    return seen.map(({ doc, me }) => {
      const id = doc._id.toHexString()
      const last = newestOf.get(id)
      const said = { newest: last, answered: last && answeredBy(last), unreadCount: unread.get(id) }
      return presentView(doc, me, omitUndefined(said))
    })
  }

  /** A page of members with their receipts. @throws {AppError} `not_found` for who is not a member */
  async members(
    actor: Actor,
    id: string,
    { limit = PAGE_SIZE, after }: { limit?: number; after?: string }
  ): Promise<MemberPage> {
    const conversationId = new ObjectId(bareId(id))
    const me = await this.#store.members.find(conversationId, new ObjectId(actor.userId))
    if (me === null) throw noSuchConversation()
    const from = after === undefined ? undefined : new ObjectId(bareId(after))
    const rows = await this.#store.members.page(conversationId, limit + 1, from)
    const { page, last } = cutPage(rows, limit)
    const blockedIds = await this.#blocks.blockedPeers(actor.userId)
    return {
      members: page.map(presentMember),
      receipts: page.filter(row => !blockedIds.has(row.userId.toHexString())).map(presentReceipt),
      ...omitUndefined({ next: last && userId(last.userId) })
    }
  }

  /** The newest message that the person sees of each; below many that they have hidden none is looked for. */
  async #newest(userId: ObjectId, seen: readonly Seen[]): Promise<MessageDoc[]> {
    const { messages } = this.#store
    const last = seen.flatMap(({ doc, me }) => rangeAfter(doc.seq - 1, doc, me))
    const found = await messages.findRanges(userId, last, LIST_BYTES)
    if (found.length === last.length) return found
    const isFound = new Set(found.map(({ conversationId }) => conversationId.toHexString()))
    const below = seen
      .filter(({ doc }) => !isFound.has(doc._id.toHexString()))
      .flatMap(({ doc, me }) => rangeAfter(doc.seq - 1 - MAX_LOOKED_AT, doc, me))
    return [...found, ...(await messages.newestBelowHidden(userId, below, LIST_BYTES))]
  }

  async #openDirect(
    actor: Actor,
    peerId: string,
    isAgreed: boolean
  ): Promise<{ conversation: ConversationView; isNew: boolean }> {
    requireSomebodyElse(actor, peerId)
    await this.#users.requireUsers([peerId])
    await this.#blocks.requireUnblocked(actor, [peerId])
    const existing = await this.direct(actor, peerId)
    if (existing !== undefined) return { conversation: existing, isNew: false }
    if (!isAgreed) await this.#consent.requireMayStart(actor.userId, peerId)
    const created = await this.#insertDirect(actor.userId, peerId)
    const me = created?.state.members.get(actor.userId)
    if (created !== undefined && me !== undefined)
      return { conversation: presentView(created.state.doc, me), isNew: true }
    const other = await this.direct(actor, peerId)
    if (other === undefined) throw noSuchConversation()
    return { conversation: other, isNew: false }
  }

  /** Makes the direct conversation of two people. @returns undefined when somebody else has made it meanwhile */
  async #insertDirect(a: string, b: string): Promise<Inserted | undefined> {
    const pairKey = pairKeyOf(a, b)
    const opening = this.#opening.get(pairKey)
    if (opening !== undefined) {
      await opening
      return undefined
    }
    const inserting = this.#insert({ type: 'direct', pairKey }, [a, b])
    this.#opening.set(pairKey, inserting)
    try {
      const created = await inserting
      // A block that came meanwhile did not find the conversation; now it is found from here, or this from there.
      await this.#blocks.syncDirectConversation(a, b)
      return created
    } finally {
      this.#opening.delete(pairKey)
    }
  }

  async #insert(
    fields: Pick<ConversationDoc, 'type' | 'name' | 'description' | 'avatarUrl' | 'pairKey'>,
    userIds: readonly string[],
    note?: Note
  ): Promise<Inserted | undefined> {
    const now = new Date(this.#clock.now())
    const _id = new ObjectId()
    const head = { rev: 1, seq: 0, selfRev: 1, memberRev: 1, memberCount: userIds.length }
    const doc: ConversationDoc = { _id, ...fields, ...head, lastActivityAt: now, changedAt: now, createdAt: now }
    const [first = '', ...others] = userIds
    const members =
      fields.type === 'group'
        ? [
            newMember(doc, first, { joinedAt: now, role: 'owner' }),
            ...others.map(id => newMember(doc, id, { joinedAt: now, addedBy: first }))
          ]
        : userIds.map(id => newMember(doc, id, { joinedAt: now }))
    const news = addedNews(members.map(member => member.userId))
    const message = note === undefined ? undefined : firstNote(doc, first, note)
    const state = await this.#store.commits.create({ doc, members, news, ...omitUndefined({ first: message }) })
    return state && { state, first: message }
  }
}

/** Range of a conversation that a member sees after a `seq`, if there is anything. */
function rangeAfter(seq: number, doc: ConversationDoc, me: MemberDoc): SeqRange[] {
  const afterSeq = Math.max(seq, hiddenUpTo(me))
  if (doc.seq <= afterSeq) return []
  return [{ conversationId: doc._id, afterSeq, upToSeq: doc.seq }]
}
