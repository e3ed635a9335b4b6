import type { Role } from '../../protocol/entities/conversation.ts'
import { bareId } from '../../protocol/ids.ts'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import { type ConversationState, type Draft, type MemberDoc, ObjectId, type Store } from '../store/index.ts'
import type { Actor } from './actor.ts'
import type { BlockService } from './blocks.ts'
import { addedNews, newMember } from './conversations.ts'
import { requireAdmin, requireGroup, requireMember } from './policy.ts'
import { conversationId, presentConversation, presentMember } from './present.ts'
import type { UserService } from './users.ts'

interface GroupParts {
  store: Pick<Store, 'commits'>
  users: Pick<UserService, 'requireUsers'>
  blocks: Pick<BlockService, 'requireUnblocked'>
  config: Pick<Config, 'limits'>
}

interface GroupChanges {
  name?: string
  description?: string
  avatarUrl?: string
}

/** Where a change landed. */
interface Landed {
  rev: number
}

/** Who is in a group, with which role, and what it is called. */
export class GroupService {
  readonly #commits: Store['commits']
  readonly #users: GroupParts['users']
  readonly #blocks: GroupParts['blocks']
  readonly #maxMembers: number

  constructor({ store, users, blocks, config }: GroupParts) {
    this.#commits = store.commits
    this.#users = users
    this.#blocks = blocks
    this.#maxMembers = config.limits.groupMembers
  }

  /** Changes what a group is called. @throws {AppError} `not_found`, `forbidden`, `invalid` */
  async update(actor: Actor, id: string, changes: GroupChanges): Promise<Landed> {
    return await this.#run(id, draft => {
      requireAdmin(draft.state, actor)
      const { doc } = draft.state
      const isSame = Object.entries(changes).every(([key, value]) => doc[key as keyof GroupChanges] === value)
      if (isSame) return doc.rev
      const rev = draft.update(changes)
      const after = { ...draft.state.doc }
      draft.tell({ type: 'conversation:updated', data: () => presentConversation(after) })
      return rev
    })
  }

  /** Adds people; who is in already stays as they are. @throws {AppError} `not_found`, `forbidden`, `blocked`, `quota_reached` */
  async add(actor: Actor, id: string, userIds: readonly string[]): Promise<Landed> {
    const bare = [...new Set(userIds.map(bareId))]
    await this.#users.requireUsers(bare)
    await this.#blocks.requireUnblocked(actor, bare)
    return await this.#run(id, draft => {
      requireAdmin(draft.state, actor)
      const { doc, members } = draft.state
      const fresh = bare.filter(userId => !members.has(userId))
      if (fresh.length === 0) return doc.rev
      if (members.size + fresh.length > this.#maxMembers) {
        throw new AppError('quota_reached', `A group has at most ${this.#maxMembers} members`)
      }
      const added = fresh.map(userId => newMember(doc, userId, 'member'))
      const joined = new Map(added.map(member => [member.userId.toHexString(), member.joinedSeq]))
      draft.accountNews.push(addedNews(added.map(member => member.userId)))
      return changeMembers(draft, added, { joined })
    })
  }

  /** Removes somebody else. @throws {AppError} `not_found`, `forbidden` for who may not, or for the owner */
  async remove(actor: Actor, id: string, userId: string): Promise<Landed> {
    return await this.#run(id, draft => {
      const me = requireAdmin(draft.state, actor)
      const member = requireOther(draft.state, bareId(userId))
      if (member.role === 'owner' || (member.role === 'admin' && me.role !== 'owner')) {
        throw new AppError('forbidden', 'Only somebody above them may remove them')
      }
      return end(draft, [member], [])
    })
  }

  /** Leaves; an owner hands over to who has been admin, else member, the longest. @throws {AppError} `not_found`, `invalid` */
  async leave(actor: Actor, id: string): Promise<Landed> {
    return await this.#run(id, draft => {
      const me = requireMember(draft.state, actor)
      requireGroup(draft.state)
      const heir = me.role === 'owner' ? heirOf(draft.state, me) : undefined
      return end(draft, [me], heir === undefined ? [] : [{ ...heir, role: 'owner' }])
    })
  }

  /** Gives a role; `owner` hands the group over. @throws {AppError} `not_found`, `forbidden` */
  async setRole(actor: Actor, id: string, userId: string, role: Role): Promise<Landed> {
    return await this.#run(id, draft => {
      const me = requireAdmin(draft.state, actor)
      const member = requireOther(draft.state, bareId(userId))
      const needsOwner = role === 'owner' || member.role !== 'member'
      if (member.role === 'owner' || (needsOwner && me.role !== 'owner')) {
        throw new AppError('forbidden', 'Only the owner may do this')
      }
      if (member.role === role) return draft.state.doc.rev
      const former: MemberDoc[] = role === 'owner' ? [{ ...me, role: 'admin' }] : []
      return changeMembers(draft, [{ ...member, role }, ...former], {})
    })
  }

  async #run(id: string, decide: (draft: Draft) => number): Promise<Landed> {
    return await this.#commits.run(bareId(id), { decide: draft => ({ rev: decide(draft) }) })
  }
}

function requireOther({ members }: ConversationState, userId: string): Readonly<MemberDoc> {
  const member = members.get(userId)
  if (member === undefined) throw new AppError('not_found', 'No such member')
  return member
}

function heirOf({ members }: ConversationState, owner: Readonly<MemberDoc>): Readonly<MemberDoc> | undefined {
  const others = [...members.values()].filter(member => member !== owner)
  const admins = others.filter(({ role }) => role === 'admin')
  return (admins.length > 0 ? admins : others).sort((a, b) => a.joinedAt.getTime() - b.joinedAt.getTime())[0]
}

function end(draft: Draft, leaving: readonly Readonly<MemberDoc>[], others: readonly MemberDoc[]): number {
  const left = leaving.map(member => member.userId.toHexString())
  const id = conversationId(draft.state.doc._id)
  draft.accountNews.push({
    userIds: leaving.map(({ userId }) => new ObjectId(userId)),
    type: 'conversation:removed',
    data: () => ({ conversationId: id })
  })
  return changeMembers(draft, [...leaving.map(member => ({ ...member, leftAt: draft.now })), ...others], { left })
}

function changeMembers(
  draft: Draft,
  members: readonly MemberDoc[],
  who: { joined?: ReadonlyMap<string, number>; left?: readonly string[] }
): number {
  const rev = draft.changeMembers(members)
  const after = members.map(member => ({ ...member, rev }))
  draft.tell({ type: 'member:changed', data: () => ({ members: after.map(presentMember) }), ...who })
  return rev
}
