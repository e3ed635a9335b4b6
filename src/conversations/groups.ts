import type { GroupSettings, Role } from '../../protocol/conversations/entities.ts'
import { ConversationRemoved, ConversationUpdated, MemberChanged } from '../../protocol/conversations/events.ts'
import { bareId } from '../../protocol/ids.ts'
import type { Actor } from '../actor.ts'
import type { Config } from '../config/config.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { conversationId } from '../ids.ts'
import { type Budgets, WEIGHT } from '../limits/budgets.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { presentConversation, presentMember, settingsOf } from '../present/present.ts'
import type { Commits } from '../store/commit/commits.ts'
import type { ConversationState, Draft, Joined } from '../store/commit/draft.ts'
import type { MemberDoc } from '../store/documents.ts'
import type { ClaimsPictures } from '../store/pictures.ts'
import type { BlockService, UserService } from '../users/index.ts'
import type { Consent } from './consent/consent.ts'
import { inParts, type LargeChanges, SLICE } from './large-changes.ts'
import { addedNews, newMember } from './new-members.ts'
import { readableTexts, requireAdmin, requireAllowed, requireGroup, requireMember } from './policy.ts'
import { appendSystemMessage, changeNote, type Note } from './system-messages.ts'

interface GroupDeps {
  store: { readonly commits: Commits; readonly pictures: ClaimsPictures }
  users: Pick<UserService, 'requireUsers'>
  blocks: Pick<BlockService, 'requireUnblocked'>
  consent: Pick<Consent, 'requireMayAdd'>
  largeChanges: LargeChanges
  budgets: Budgets
  config: Pick<Config, 'limits'>
}

interface GroupChanges {
  name?: string
  description?: string
  avatarUrl?: string
  settings?: Partial<GroupSettings>
}

/** Position at which a change landed. */
type Landed = { rev: number }

/** Members of groups with their roles, titles and pictures. Each change is `rate_limited` beyond the actor's budget. */
export class GroupService {
  readonly #commits: Commits
  readonly #pictures: ClaimsPictures
  readonly #users: GroupDeps['users']
  readonly #blocks: GroupDeps['blocks']
  readonly #consent: GroupDeps['consent']
  readonly #largeChanges: LargeChanges
  readonly #budgets: Budgets
  readonly #maxMembers: number

  constructor({ store, users, blocks, consent, largeChanges, budgets, config }: GroupDeps) {
    this.#commits = store.commits
    this.#pictures = store.pictures
    this.#users = users
    this.#blocks = blocks
    this.#consent = consent
    this.#largeChanges = largeChanges
    this.#budgets = budgets
    this.#maxMembers = config.limits.groupMembers
  }

  /**
   * Changes what a group is called, and (admins alone) who may do what in it.
   * @throws {AppError} `not_found`, `forbidden`, `invalid`
   */
  async update(actor: Actor, id: string, { settings, ...given }: GroupChanges): Promise<Landed> {
    const texts = readableTexts(given)
    this.#budgets.spend(actor, WEIGHT.group)
    const changes = await this.#pictures.claim(actor, texts, id)
    return await this.#run(actor, id, draft => {
      if (settings === undefined) requireAllowed(draft.state, actor, 'whoMayEdit')
      else requireAdmin(draft.state, actor)
      const doc = { ...draft.state.doc }
      const before = settingsOf(doc)
      const isSetSame = Object.entries(settings ?? {}).every(
        ([key, value]) => before[key as keyof GroupSettings] === value
      )
      const isSame = Object.entries(changes).every(([key, value]) => doc[key as keyof typeof changes] === value)
      if (isSame && isSetSame) return doc.rev
      const rev = draft.update({
        ...changes,
        ...omitUndefined({ settings: isSetSame ? undefined : { ...before, ...settings } })
      })
      const after = { ...draft.state.doc }
      draft.emit(ConversationUpdated, () => presentConversation(after))
      appendSystemMessage(draft, actor, changeNote(doc, after))
      return rev
    })
  }

  /**
   * Adds people; who is in already stays as they are. Many are added a part at a time.
   * @throws {AppError} `not_found`, `forbidden`, `blocked`, `quota_reached`, `rate_limited`; `unknown_outcome` when some
   * were added, and a repeat adds the others
   */
  async add(actor: Actor, id: string, userIds: readonly string[]): Promise<Landed> {
    this.#budgets.spend(actor, WEIGHT.group)
    const bare = [...new Set(userIds.map(bareId))]
    await this.#users.requireUsers(bare)
    await this.#blocks.requireUnblocked(actor, bare)
    await this.#consent.requireMayAdd(actor.userId, bare, bareId(id))
    return await inParts(async done => {
      const slice = bare.slice(done * SLICE, (done + 1) * SLICE)
      const wanted = bare.slice(done * SLICE)
      const landed = await this.#run(actor, id, draft => this.#addSlice(draft, actor, slice, wanted), slice.length)
      return { landed, isLast: slice.length === wanted.length }
    })
  }

  #addSlice(draft: Draft, actor: Actor, slice: readonly string[], wanted: readonly string[]): number {
    requireAllowed(draft.state, actor, 'whoMayAdd')
    const { doc, members } = draft.state
    const fresh = slice.filter(userId => !members.has(userId))
    if (fresh.length === 0) return doc.rev
    if (members.size + wanted.filter(userId => !members.has(userId)).length > this.#maxMembers) {
      throw new AppError('quota_reached', `A group has at most ${this.#maxMembers} members`)
    }
    const added = fresh.map(userId => newMember(doc, userId, { joinedAt: draft.now, addedBy: actor.userId }))
    const joined = added.map(({ userId, joinedSeq }) => ({ userId: userId.toHexString(), joinedSeq }))
    draft.accountNews.push(addedNews(added.map(member => member.userId)))
    const rev = changeMembers(draft, added, { joined })
    appendSystemMessage(draft, actor, { kind: 'added', userIds: fresh })
    return rev
  }

  /** Removes somebody else. @throws {AppError} `not_found`, `forbidden` for who may not, or for the owner */
  async remove(actor: Actor, id: string, userId: string): Promise<Landed> {
    this.#budgets.spend(actor, WEIGHT.group)
    return await this.#run(actor, id, draft => {
      const me = requireAdmin(draft.state, actor)
      const member = requireOther(draft.state, bareId(userId))
      if (member.role === 'owner' || (member.role === 'admin' && me.role !== 'owner')) {
        throw new AppError('forbidden', 'Only somebody above them may remove them')
      }
      const rev = end(draft, actor, [member])
      appendSystemMessage(draft, actor, { kind: 'removed', userIds: [bareId(userId)] })
      return rev
    })
  }

  /** Leaves; an owner hands over to who has been admin, else member, the longest. @throws {AppError} `not_found`, `invalid` */
  async leave(actor: Actor, id: string): Promise<Landed> {
    this.#budgets.spend(actor, WEIGHT.group)
    return await this.#run(actor, id, draft => {
      const me = requireMember(draft.state, actor)
      requireGroup(draft.state)
      const heir = me.role === 'owner' ? heirOf(draft.state, me) : undefined
      const rev = end(draft, actor, [me], heir === undefined ? [] : [{ ...heir, role: 'owner' }])
      appendSystemMessage(draft, actor, { kind: 'left', userIds: [actor.userId] })
      if (heir !== undefined) appendSystemMessage(draft, actor, roleNote(heir, 'owner'))
      return rev
    })
  }

  /**
   * Ends a group: everybody leaves, the owner last, and nobody comes back. Many leave a part at a time. Once it has
   * ended, repeating it is `not_found`.
   * @throws {AppError} `not_found`, `forbidden` for who is not its owner, `invalid`; `unknown_outcome` when some have
   * left, and a repeat goes on
   */
  async end(actor: Actor, id: string): Promise<Landed> {
    this.#budgets.spend(actor, WEIGHT.group)
    return await inParts(async () => {
      let isLast = false
      const landed = await this.#run(
        actor,
        id,
        draft => {
          const me = requireMember(draft.state, actor)
          requireGroup(draft.state)
          if (me.role !== 'owner') throw new AppError('forbidden', 'Only the owner may end the group')
          const others = [...draft.state.members.values()].filter(member => member !== me)
          const leaving = others.slice(0, SLICE)
          isLast = leaving.length === others.length
          return end(draft, actor, isLast ? [...leaving, me] : leaving)
        },
        SLICE
      )
      return { landed, isLast }
    })
  }

  /** Gives a role; `owner` hands the group over. @throws {AppError} `not_found`, `forbidden` */
  async setRole(actor: Actor, id: string, userId: string, role: Role): Promise<Landed> {
    this.#budgets.spend(actor, WEIGHT.group)
    return await this.#run(actor, id, draft => {
      const me = requireAdmin(draft.state, actor)
      const member = requireOther(draft.state, bareId(userId))
      const needsOwner = role === 'owner' || member.role !== 'member'
      if (member.role === 'owner' || (needsOwner && me.role !== 'owner')) {
        throw new AppError('forbidden', 'Only the owner may do this')
      }
      if (member.role === role) return draft.state.doc.rev
      const former: MemberDoc[] = role === 'owner' ? [{ ...me, role: 'admin' }] : []
      const rev = changeMembers(draft, [{ ...member, role }, ...former], {})
      appendSystemMessage(draft, actor, roleNote(member, role))
      return rev
    })
  }

  /**
   * Makes these people, and nobody else, the admins of a group; its owner stays above them.
   * @throws {AppError} `not_found`, also for who is not in it, `forbidden` for who is no admin, and for taking the
   * role from somebody without being the owner
   */
  async setAdmins(actor: Actor, id: string, userIds: readonly string[]): Promise<Landed> {
    this.#budgets.spend(actor, WEIGHT.group)
    const wanted = new Set(userIds.map(bareId))
    return await this.#run(
      actor,
      id,
      draft => {
        const me = requireAdmin(draft.state, actor)
        const { doc, members } = draft.state
        const missing = [...wanted].some(it => !members.has(it))
        if (missing) throw new AppError('not_found', 'No such member')
        const all = [...members.values()]
        const raised = all.filter(it => it.role === 'member' && wanted.has(it.userId.toHexString()))
        const lowered = all.filter(it => it.role === 'admin' && !wanted.has(it.userId.toHexString()))
        if (lowered.length > 0 && me.role !== 'owner') throw new AppError('forbidden', 'Only the owner may do this')
        return raised.length + lowered.length === 0
          ? doc.rev
          : changeRoles(draft, actor, { admin: raised, member: lowered })
      },
      wanted.size
    )
  }

  async #run(actor: Actor, id: string, decide: (draft: Draft) => number, memberships = 1): Promise<Landed> {
    const change = { memberships, decide: (draft: Draft) => ({ rev: decide(draft) }) }
    return await this.#largeChanges.run(actor, memberships, async () => await this.#commits.run(bareId(id), change))
  }
}

function roleNote({ userId }: Readonly<MemberDoc>, role: Role): Note {
  return { kind: 'role', userIds: [userId.toHexString()], role }
}

/** Gives each of these their role, in one change. */
function changeRoles(
  draft: Draft,
  actor: Actor,
  roles: Readonly<Record<'admin' | 'member', readonly Readonly<MemberDoc>[]>>
): number {
  const given = Object.entries(roles) as ['admin' | 'member', readonly Readonly<MemberDoc>[]][]
  const rev = changeMembers(
    draft,
    given.flatMap(([role, members]) => members.map(member => ({ ...member, role }))),
    {}
  )
  for (const [role, members] of given) {
    const userIds = members.map(({ userId }) => userId.toHexString())
    if (userIds.length > 0) appendSystemMessage(draft, actor, { kind: 'role', userIds, role })
  }
  return rev
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

function end(
  draft: Draft,
  actor: Actor,
  leaving: readonly Readonly<MemberDoc>[],
  others: readonly MemberDoc[] = []
): number {
  const left = leaving.map(member => member.userId.toHexString())
  const id = conversationId(draft.state.doc._id)
  draft.accountNews.push({
    userIds: leaving.map(({ userId }) => new ObjectId(userId)),
    create: () => ConversationRemoved.create({ conversationId: id })
  })
  const ended = { leftAt: draft.now, leftBy: new ObjectId(actor.userId) }
  return changeMembers(draft, [...leaving.map(member => ({ ...member, ...ended })), ...others], { left })
}

function changeMembers(
  draft: Draft,
  members: readonly MemberDoc[],
  who: { joined?: readonly Joined[]; left?: readonly string[] }
): number {
  const rev = draft.changeMembers(members)
  const after = members.map(member => ({ ...member, rev }))
  draft.emit(MemberChanged, () => ({ members: after.map(presentMember) }), who)
  return rev
}
