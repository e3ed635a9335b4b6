import { bareId } from '../../protocol/ids.ts'
import { PAGE_SIZE } from '../../protocol/limits.ts'
import type { Me, User } from '../../protocol/users/entities.ts'
import { ProfileUpdated, UserUpdated } from '../../protocol/users/events.ts'
import type { ProfileChanges } from '../../protocol/users/routes.ts'
import type { Actor } from '../actor.ts'
import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/config.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { emailKey, parsePhone, phoneBeginnings } from '../identifiers.ts'
import { userId } from '../ids.ts'
import { RecentCache } from '../limits/recent-cache.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { cutPage } from '../page.ts'
import type { AccountStore } from '../streams/store.ts'
import { requirePlainText } from '../text.ts'
import type { BlockStore } from './blocks/store.ts'
import { presentMe, presentNames, presentUser } from './profiles.ts'
import type { UserDoc, UserStore } from './store.ts'
import type { Visibility } from './visibility.ts'

/** Cached person of an existing user system: little, because there are many. */
interface External {
  readonly id: string
  readonly isDisabled: boolean
}

function externalOf({ _id, isDisabled = false }: UserDoc): External {
  return { id: _id.toHexString(), isDisabled }
}

interface UserDeps {
  readonly store: { readonly users: UserStore; readonly accounts: AccountStore; readonly blocks: BlockStore }
  readonly bus: Bus
  readonly visibility: Pick<Visibility, 'findAll'>
  readonly config: Pick<Config, 'DEFAULT_REGION' | 'AUTH_AUTOPROVISION'>
}

type AccountStatus = 'enabled' | 'disabled' | 'unknown'

const CACHE_MS = 30_000
const MAX_CACHED = 50_000
const NAME_LENGTH = 64
/** People who are left out of a search by the database itself. */
const MAX_EXCEPT = 1_000
/** People that numbered pages reach. */
const MAX_NUMBERED = 1_000
const MAX_PUSH_TOKENS = 10
const PUSH_TOKEN = /^[\x21-\x7e]{8,4096}$/
const OWN_ID = /^(?:user_)?([0-9a-f]{24})$/

/** People and their profiles. */
export class UserService {
  readonly #store: UserDeps['store']
  readonly #bus: Bus
  readonly #config: UserDeps['config']
  readonly #visibility: UserDeps['visibility']
  readonly #statuses: RecentCache<AccountStatus>
  /** Ids here by the ids in an existing user system. */
  readonly #externals: RecentCache<External | undefined>

  constructor({ store, bus, config, visibility }: UserDeps) {
    this.#store = store
    this.#bus = bus
    this.#config = config
    this.#visibility = visibility
    this.#statuses = new RecentCache(id => this.#loadStatus(id), CACHE_MS, MAX_CACHED)
    this.#externals = new RecentCache(subject => this.#findExternal(subject), CACHE_MS, MAX_CACHED)
  }

  /** @throws {AppError} `unauthenticated` when there is no such person any more */
  async me({ userId }: Pick<Actor, 'userId'>): Promise<Me> {
    const user = await this.#store.users.find(new ObjectId(userId))
    if (!user) throw new AppError('unauthenticated', 'The account does not exist')
    return presentMe(user)
  }

  /** Changes the actor's profile and tells their devices. @throws {AppError} `conflict` when the username is taken */
  async update(actor: Actor, changes: ProfileChanges): Promise<Me> {
    const fields = profileFields(changes)
    if (Object.keys(fields).length === 0) return await this.me(actor)
    const userId = new ObjectId(actor.userId)
    let user: UserDoc | null = null
    const rev = await this.#store.accounts.change(userId, 'profile', userId, async session => {
      user = await this.#store.users.update(userId, fields, session)
      if (!user) throw new AppError('unauthenticated', 'The account does not exist')
    })
    if (!user) throw new Error('A profile was changed, but whose')
    const me = presentMe(user)
    this.#bus.publish('user', { userId: actor.userId, rev, event: UserUpdated.create(me) })
    const { id, displayName, username } = presentNames(user)
    const event = ProfileUpdated.create({ userId: id, displayName, ...omitUndefined({ username }) })
    this.#bus.publish('profile', { userId: actor.userId, event })
    return me
  }

  /** Profile of a person as the actor may see it. @throws {AppError} `not_found` */
  async get(actor: Pick<Actor, 'userId'>, id: string): Promise<User> {
    const user = await this.#store.users.find(new ObjectId(bareId(id)))
    const [profile] = user === null ? [] : await this.#visiblePresence(actor, [user])
    if (profile === undefined) throw new AppError('not_found', 'There is no such user')
    return profile
  }

  /**
   * People by a whole username, phone number or email first, then by the beginning of a username, then of words of
   * names or of a phone number (five digits); 50 unless told, of the first page (1) unless told. Neither the actor nor
   * peers blocked either way.
   */
  async search(actor: Pick<Actor, 'userId'>, text: string, limit = PAGE_SIZE, page = 1): Promise<User[]> {
    const skip = (page - 1) * limit
    if (skip + limit > MAX_NUMBERED) return []
    const region = this.#config.DEFAULT_REGION
    const phone = await parsePhone(text, region)
    const keys = [
      { usernameKey: text.trim().toLowerCase() },
      ...(text.includes('@') ? [{ email: emailKey(text.trim()) }] : []),
      ...(phone === undefined ? [] : [{ phone }])
    ]
    const except = await this.#hiddenFrom(actor)
    const wanted = { text, keys, phones: await phoneBeginnings(text, region) }
    const found = await this.#store.users.search(wanted, skip + limit, except)
    return await this.#presentUnblocked(actor, found.slice(skip))
  }

  /**
   * Everybody but the actor and peers blocked either way, in the order of their ids: after somebody, or a
   * numbered page (1 is the first one).
   */
  async list(
    actor: Pick<Actor, 'userId'>,
    { limit = PAGE_SIZE, after, page: number = 1 }: { limit?: number; after?: string; page?: number } = {}
  ) {
    const skip = (number - 1) * limit
    if (skip + limit > MAX_NUMBERED) return { users: [] }
    const rows = await this.#store.users.page(limit + 1, {
      skip,
      except: await this.#hiddenFrom(actor),
      ...omitUndefined({ after: after === undefined ? undefined : new ObjectId(bareId(after)) })
    })
    const { page, last } = cutPage(rows, limit)
    const users = await this.#presentUnblocked(actor, page)
    return {
      users,
      ...omitUndefined({ next: last && userId(last._id) })
    }
  }

  /** Profiles as the actor may see them, in no particular order, of whom there is. Ids in either form. */
  async findMany(actor: Pick<Actor, 'userId'>, ids: readonly string[]): Promise<User[]> {
    if (ids.length === 0) return []
    return await this.#visiblePresence(actor, await this.#store.users.findMany(objectIds(ids)))
  }

  /** Keeps a device's push token; of more than ten the oldest is forgotten. @throws {AppError} `invalid` */
  async addPushToken(actor: Actor, token: string): Promise<void> {
    if (!PUSH_TOKEN.test(token)) throw new AppError('invalid', 'This is not a push token')
    await this.#store.users.addPushToken(new ObjectId(actor.userId), token, MAX_PUSH_TOKENS)
  }

  /** @throws {AppError} `not_found` when one of them does not exist or is disabled. Ids in either form. */
  async requireUsers(ids: readonly string[]): Promise<void> {
    const wanted = objectIds(ids)
    const found = wanted.length > 0 ? await this.#store.users.findMany(wanted) : []
    if (found.filter(({ isDisabled }) => !isDisabled).length < wanted.length) {
      throw new AppError('not_found', 'There is no such user')
    }
  }

  /** Require an enabled account; cached for 30 s. @throws {AppError} `unauthenticated`, `account_disabled` */
  async requireEnabled(userId: string): Promise<void> {
    const status = await this.#statuses.get(userId)
    if (status === 'enabled') return
    if (status === 'disabled') throw new AppError('account_disabled', 'The account is disabled')
    this.#statuses.delete(userId)
    throw new AppError('unauthenticated', 'The account does not exist')
  }

  /**
   * Require a person of an existing user system, registered at the first request where that is configured.
   * @param subject a user id of either form, or any other text that the system names them by
   * @returns their id, 24 hexadecimal digits
   * @throws {AppError} `unauthenticated` when there is no such person, `account_disabled`
   */
  async requireExternal(subject: string, name: string | undefined): Promise<string> {
    const user = (await this.#externals.get(subject)) ?? (await this.#provision(subject, name))
    if (user.isDisabled) throw new AppError('account_disabled', 'The account is disabled')
    return user.id
  }

  async #findExternal(subject: string): Promise<External | undefined> {
    const user = await this.#store.users.findExternal(subjectOf(subject))
    return user === null ? undefined : externalOf(user)
  }

  async #provision(subject: string, name: string | undefined): Promise<External> {
    this.#externals.delete(subject)
    if (!this.#config.AUTH_AUTOPROVISION) throw new AppError('unauthenticated', 'The account does not exist')
    return externalOf(await this.#store.users.ensureExternal(subjectOf(subject), firstName(name)))
  }

  async #visiblePresence(actor: Pick<Actor, 'userId'>, users: readonly UserDoc[]): Promise<User[]> {
    const ids = users.map(({ _id }) => _id.toHexString())
    const visibilities = await this.#visibility.findAll(actor.userId, ids)
    return users.flatMap((user, index) => {
      const visibility = visibilities.get(ids[index] ?? '')
      return visibility === undefined ? [] : [presentUser(user, visibility)]
    })
  }

  async #presentUnblocked(actor: Pick<Actor, 'userId'>, users: readonly UserDoc[]): Promise<User[]> {
    const ids = users.map(({ _id }) => _id.toHexString())
    const visibilities = await this.#visibility.findAll(actor.userId, ids)
    return users.flatMap((user, index) => {
      const visibility = visibilities.get(ids[index] ?? '')
      return visibility === undefined || visibility.isBlocked ? [] : [presentUser(user, visibility)]
    })
  }

  /** People left out of every list: the actor, and peers blocked either way. */
  async #hiddenFrom({ userId: id }: Pick<Actor, 'userId'>): Promise<ObjectId[]> {
    const me = new ObjectId(id)
    return [me, ...(await this.#store.blocks.blockedPeers(me, MAX_EXCEPT))].slice(0, MAX_EXCEPT)
  }

  async #loadStatus(userId: string): Promise<AccountStatus> {
    const user = await this.#store.users.find(new ObjectId(userId))
    if (!user) return 'unknown'
    return user.isDisabled ? 'disabled' : 'enabled'
  }
}

/** An empty text takes a field away. */
function profileFields({ username, displayName, bio, avatarUrl, statusText, publicKey }: ProfileChanges) {
  return {
    ...omitUndefined({
      username,
      displayName: displayName === undefined ? undefined : requirePlainText('displayName', displayName)
    }),
    ...(bio === undefined ? {} : { bio: optionalText('bio', bio) }),
    ...(statusText === undefined ? {} : { statusText: optionalText('statusText', statusText) }),
    ...(publicKey === undefined ? {} : { publicKey: publicKey === '' ? undefined : publicKey }),
    ...(avatarUrl === undefined ? {} : { avatarUrl: avatarUrl === '' ? undefined : avatarUrl })
  }
}

function optionalText(field: string, text: string): string | undefined {
  return text.trim() === '' ? undefined : requirePlainText(field, text)
}

function objectIds(ids: readonly string[]): ObjectId[] {
  return [...new Set(ids.map(bareId))].map(id => new ObjectId(id))
}

function subjectOf(subject: string): ObjectId | string {
  const [, own] = OWN_ID.exec(subject) ?? []
  return own === undefined ? subject : new ObjectId(own)
}

/** A name as somebody else's system wrote it, made to fit. */
function firstName(name = ''): string {
  const text = name.replace(/\p{Cc}/gu, '').trim()
  const fitting = text
    .slice(0, NAME_LENGTH)
    .replace(/\p{Surrogate}/gu, '')
    .trim()
  return fitting === '' ? 'User' : fitting
}
