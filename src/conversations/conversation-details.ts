import type { ConversationView, Role } from '../../protocol/conversations/entities.ts'
import { bareId } from '../../protocol/ids.ts'
import { LIST_BYTES } from '../../protocol/limits.ts'
import type { User } from '../../protocol/users/entities.ts'
import type { Actor } from '../actor.ts'
import { ObjectId } from '../database/object-id.ts'
import { messageId } from '../ids.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { byConversation } from '../store/by-conversation.ts'
import type { MemberDoc } from '../store/documents.ts'
import type { MemberStore } from '../store/members.ts'
import type { MessageStore } from '../store/messages.ts'
import type { BlockService, UserService } from '../users/index.ts'

/** Members of one conversation that are named. */
const MAX_MEMBERS = 100
/** Members that a list names of each conversation: the most with which it names no more people than this. */
const STEPS = [MAX_MEMBERS, 50, 20, 10]
const MAX_NAMED = 1_000

/**
 * A member with their profile, and how far they have got: the last messages delivered to and read by them. Who is
 * apart from the viewer by a block shows nothing of that.
 */
export interface Participant {
  readonly user: User
  readonly role: Role
  readonly joinedAt: string
  readonly deliveredSeq: number
  readonly readSeq: number
  readonly deliveredUpTo?: string
  readonly readUpTo?: string
  /** Last few reads with their positions, oldest first. */
  readonly reads: readonly { readonly seq: number; readonly at: string }[]
}

/** A conversation as one of its members sees it, together with who is in it. */
export interface ConversationDetails {
  readonly view: ConversationView
  /** Members, at most a hundred, the viewer among them; fewer in a list of many. */
  readonly participants: readonly Participant[]
}

interface SummaryDeps {
  readonly store: { readonly members: MemberStore; readonly messages: MessageStore }
  readonly users: Pick<UserService, 'findMany'>
  readonly blocks: Pick<BlockService, 'blockedPeers'>
}

/** Conversations with their people, for apps that show both in one list. A few queries for any number of them. */
export class ConversationDetailsService {
  readonly #store: SummaryDeps['store']
  readonly #users: SummaryDeps['users']
  readonly #blocks: SummaryDeps['blocks']

  constructor({ store, users, blocks }: SummaryDeps) {
    this.#store = store
    this.#users = users
    this.#blocks = blocks
  }

  /**
   * Details; peers blocked either way seem to have received nothing. Of groups in a long list some members are named:
   * the actor, then its admins, then the others, as long as there is room for their profiles.
   * @param views of the actor's own conversations
   */
  async findAll(actor: Actor, views: readonly ConversationView[]): Promise<ConversationDetails[]> {
    const [found, blockedIds] = await Promise.all([
      this.#membersOf(actor, views),
      this.#blocks.blockedPeers(actor.userId)
    ])
    const members = found.map(it =>
      blockedIds.has(it.userId.toHexString()) ? { ...it, deliveredSeq: 0, readSeq: 0, reads: [] } : it
    )
    const ids = [...new Set(members.map(({ userId }) => userId.toHexString()))]
    const [users, messageIds] = await Promise.all([this.#users.findMany(actor, ids), this.#messageIdsOf(members)])
    const profiles = new Map(users.map(user => [bareId(user.id), { user, bytes: bytesOf(user) }]))
    const membersOf = byConversation(members)
    let left = LIST_BYTES
    return views.map(view => ({
      view,
      participants: (membersOf.get(bareId(view.id)) ?? []).flatMap(member => {
        const { user, bytes = 0 } = profiles.get(member.userId.toHexString()) ?? {}
        if (user === undefined) return []
        left -= bytes
        const isNeeded = view.type !== 'group' || bareId(user.id) === actor.userId
        return isNeeded || left >= 0 ? [present(member, user, messageIds)] : []
      })
    }))
  }

  async #membersOf(actor: Actor, views: readonly ConversationView[]): Promise<MemberDoc[]> {
    const each = namedOfEach(views)
    const idsOf = (some: readonly ConversationView[]) => some.map(({ id }) => new ObjectId(bareId(id)))
    const whole = idsOf(views.filter(({ memberCount }) => memberCount <= each))
    const cut = idsOf(views.filter(({ memberCount }) => memberCount > each))
    const { members } = this.#store
    const pages = await Promise.all([
      whole.length > 0 ? members.findByConversations(whole) : [],
      cut.length > 0 ? members.firstOfEach(cut, new ObjectId(actor.userId), each) : []
    ])
    return pages.flat()
  }

  /** Ids of the messages at the members' cursors, by conversation and `seq`. */
  async #messageIdsOf(members: readonly MemberDoc[]): Promise<Map<string, string>> {
    const positions = new Map<string, { conversationId: ObjectId; seq: number }>()
    for (const { conversationId, deliveredSeq, readSeq } of members) {
      for (const seq of [deliveredSeq, readSeq])
        if (seq > 0) positions.set(keyOf(conversationId, seq), { conversationId, seq })
    }
    const messages = await this.#store.messages.findAtSeqs([...positions.values()])
    return new Map(messages.map(it => [keyOf(it.conversationId, it.seq), messageId(it._id)]))
  }
}

/** Bytes of a profile, without the key, which no list shows. */
function bytesOf({ publicKey: _, ...shown }: User): number {
  return JSON.stringify(shown).length
}

/** Number of members to name of each conversation of a list. */
function namedOfEach(views: readonly ConversationView[]): number {
  const together = (each: number) => views.reduce((sum, { memberCount }) => sum + Math.min(memberCount, each), 0)
  return STEPS.find(each => together(each) <= MAX_NAMED) ?? Math.min(...STEPS)
}

function keyOf(conversationId: ObjectId, seq: number): string {
  return `${conversationId.toHexString()}:${seq}`
}

function present(member: MemberDoc, user: User, messageIds: ReadonlyMap<string, string>): Participant {
  const { role, joinedAt, deliveredSeq, readSeq, conversationId, reads = [] } = member
  const deliveredUpTo = messageIds.get(keyOf(conversationId, deliveredSeq))
  const readUpTo = messageIds.get(keyOf(conversationId, readSeq))
  return {
    user,
    role,
    joinedAt: joinedAt.toISOString(),
    deliveredSeq,
    readSeq,
    reads: reads.map(({ seq, at }) => ({ seq, at: at.toISOString() })),
    ...omitUndefined({ deliveredUpTo, readUpTo })
  }
}
