import type { Settings } from '../../../protocol/users/entities.ts'
import type { Config } from '../../config/config.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { pairKeyOf } from '../../ids.ts'
import { TokenBuckets } from '../../limits/token-buckets.ts'
import type { MemberDoc } from '../../store/documents.ts'
import type { MemberStore } from '../../store/members.ts'
import type { AccountStore } from '../../streams/store.ts'
import { type ContactStore, DEFAULT_SETTINGS, type FriendshipStore, type SettingsStore } from '../../users/index.ts'

/** People whom somebody lets into touch, each narrower than the one before: friends are contacts. */
const AUDIENCES = ['everyone', 'contacts', 'friends', 'nobody'] as const
type Audience = (typeof AUDIENCES)[number]

/** Time in which who left a group is not brought back by who had added them, ms. */
const STAYS_AWAY_MS = 7 * 86_400_000

interface ConsentDeps {
  readonly store: {
    readonly accounts: AccountStore
    readonly contacts: ContactStore
    readonly friendships: FriendshipStore
    readonly members: MemberStore
    readonly settings: SettingsStore
  }
  readonly config: Pick<Config, 'limits'>
}

/** Consent of people to being talked to and to being in a group, and how many strangers somebody may bring into theirs. */
export class Consent {
  readonly #store: ConsentDeps['store']
  readonly #maxMemberships: number
  readonly #strangers: TokenBuckets

  constructor({ store, config }: ConsentDeps) {
    this.#store = store
    this.#maxMemberships = config.limits.membershipsPerUser
    this.#strangers = TokenBuckets.perDay(config.limits.strangersAddedPerDay)
  }

  /** @throws {AppError} `forbidden` when the other's settings do not let this person in. Ids are hexadecimal */
  async requireMayStart(starterId: string, otherId: string): Promise<void> {
    const row = await this.#store.settings.find(new ObjectId(otherId))
    const audience = row?.privacy?.whoMayStart ?? DEFAULT_SETTINGS.privacy.whoMayStart
    if (audience === 'everyone') return
    const contacts = await this.#ownersOf(starterId, [otherId])
    if (await this.#areAmong(starterId, new Map([[otherId, audience]]), contacts)) return
    throw new AppError('forbidden', 'They do not let you start a conversation; send a request')
  }

  /**
   * Asks for the consent of people whom the actor brings into a group and who are not in it, and counts the strangers
   * among them: those who do not have the actor among their contacts.
   * @param groupId absent of a new one. Ids are hexadecimal
   * @throws {AppError} `forbidden` when somebody's settings do not allow it, or when they have left the group lately,
   * `quota_reached` when somebody is in too many conversations, `rate_limited` for too many strangers
   */
  async requireMayAdd(actorId: string, userIds: readonly string[], groupId?: string): Promise<void> {
    const rows = groupId === undefined ? [] : await this.#store.members.findAll(new ObjectId(groupId), idsOf(userIds))
    const present = new Set(rows.filter(({ leftAt }) => leftAt === undefined).map(it => it.userId.toHexString()))
    const fresh = userIds.filter(id => !present.has(id))
    const [audiences, contacts] = await Promise.all([this.#audiencesOf(fresh), this.#ownersOf(actorId, fresh)])
    if (!(await this.#areAmong(actorId, audiences, contacts))) throw notToBeAdded()
    const isGone = rows.some(member => hasLeft(member, actorId) && !contacts.has(member.userId.toHexString()))
    if (isGone) throw new AppError('forbidden', 'They have left this group; somebody else may add them')
    await this.requireRoom(fresh)
    const strangers = fresh.filter(id => !contacts.has(id)).length
    if (strangers > 0) this.#strangers.take(actorId, 'Too many strangers for one day', strangers)
  }

  /** @throws {AppError} `quota_reached` when one of them is in as many conversations as one person may be */
  async requireRoom(userIds: readonly string[]): Promise<void> {
    const ids = idsOf(userIds)
    const revs = await Promise.all(ids.map(async id => await this.#store.accounts.head(id)))
    // Each membership is a change of the account: who has fewer changes has fewer memberships.
    const many = ids.filter((_, index) => (revs[index] ?? 0) >= this.#maxMemberships)
    if (many.length === 0 || (await this.#store.members.findCrowded(many, this.#maxMemberships)).length === 0) return
    throw new AppError('quota_reached', `Somebody is in ${this.#maxMemberships} conversations already`)
  }

  async #audiencesOf(userIds: readonly string[]): Promise<Map<string, Audience>> {
    const rows = await this.#store.settings.findMany(idsOf(userIds))
    return new Map(rows.map(({ userId, privacy }) => [userId.toHexString(), narrower(privacy ?? {})]))
  }

  /** People of `ownerIds` who have somebody among their contacts. */
  async #ownersOf(contactId: string, ownerIds: readonly string[]): Promise<ReadonlySet<string>> {
    const found = await this.#store.contacts.ownersAmong(new ObjectId(contactId), idsOf(ownerIds))
    return new Set(found.map(id => id.toHexString()))
  }

  /**
   * Whether somebody belongs to the audience of each person.
   * @param contacts those who have them among their contacts
   */
  async #areAmong(
    someoneId: string,
    audiences: ReadonlyMap<string, Audience>,
    contacts: ReadonlySet<string>
  ): Promise<boolean> {
    const pairKeys: string[] = []
    for (const [otherId, audience] of audiences) {
      if (audience === 'nobody' || (audience === 'contacts' && !contacts.has(otherId))) return false
      if (audience === 'friends') pairKeys.push(pairKeyOf(someoneId, otherId))
    }
    return await this.#store.friendships.allExist(pairKeys)
  }
}

function idsOf(userIds: readonly string[]): ObjectId[] {
  return userIds.map(id => new ObjectId(id))
}

/** Audience that may add somebody: never wider than the one that may talk to them. */
function narrower({ whoMayAdd, whoMayStart }: Partial<Settings['privacy']>): Audience {
  const indexes = [
    whoMayAdd ?? DEFAULT_SETTINGS.privacy.whoMayAdd,
    whoMayStart ?? DEFAULT_SETTINGS.privacy.whoMayStart
  ].map(it => AUDIENCES.indexOf(it))
  return AUDIENCES[Math.max(...indexes)] ?? 'nobody'
}

/** Whether somebody has lately left a group by themself, into which this person had brought them. */
function hasLeft({ userId, addedBy, leftBy, leftAt }: MemberDoc, adderId: string): boolean {
  const isOwnChoice = leftBy?.equals(userId) === true && addedBy?.equals(adderId) === true
  return isOwnChoice && Date.now() - (leftAt?.getTime() ?? 0) < STAYS_AWAY_MS
}

function notToBeAdded(): AppError {
  return new AppError('forbidden', 'Somebody does not let you add them to a group')
}
