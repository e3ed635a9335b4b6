import type { Me, User } from '../../protocol/entities/user.ts'
import { bareId, prefixedId } from '../../protocol/ids.ts'
import { PAGE_SIZE } from '../../protocol/limits.ts'
import type { ProfileChanges } from '../../protocol/routes/users.ts'
import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import { ObjectId, type Store, type UserDoc } from '../store/index.ts'
import type { Actor } from './actor.ts'
import { emailKey, parsePhone } from './identifiers.ts'
import { RecentCache } from './recent-cache.ts'

/** What is kept of somebody of an existing user system: little, because there are many. */
interface External {
  readonly id: string
  readonly isDisabled: boolean
}

function externalOf({ _id, isDisabled = false }: UserDoc): External {
  return { id: _id.toHexString(), isDisabled }
}

interface UserDeps {
  readonly store: Pick<Store, 'users' | 'accounts'>
  readonly bus: Bus
  readonly config: Pick<Config, 'DEFAULT_REGION' | 'AUTH_AUTOPROVISION'>
}

type Standing = 'enabled' | 'disabled' | 'unknown'

const CACHE_MS = 30_000
const MAX_CACHED = 50_000
const NAME_LENGTH = 64
const OWN_ID = /^(?:user_)?([0-9a-f]{24})$/

/** People and their profiles. */
export class UserService {
  readonly #store: UserDeps['store']
  readonly #bus: Bus
  readonly #config: UserDeps['config']
  readonly #standings: RecentCache<Standing>
  /** Ids here by the ids in an existing user system. */
  readonly #externals: RecentCache<External | undefined>

  constructor({ store, bus, config }: UserDeps) {
    this.#store = store
    this.#bus = bus
    this.#config = config
    this.#standings = new RecentCache(id => this.#loadStanding(id), CACHE_MS, MAX_CACHED)
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
    this.#bus.emit('account', { userId: actor.userId, rev, type: 'user:updated', data: me })
    return me
  }

  /** @throws {AppError} `not_found` */
  async get(userId: string): Promise<User> {
    const user = await this.#store.users.find(new ObjectId(bareId(userId)))
    if (!user) throw new AppError('not_found', 'There is no such user')
    return presentUser(user)
  }

  /** People by the beginnings of words of their names, or by a whole phone number or email; 50 unless told. */
  async search(text: string, limit = PAGE_SIZE): Promise<User[]> {
    const phone = parsePhone(text, this.#config.DEFAULT_REGION)
    const keys = [
      { usernameKey: text.toLowerCase() },
      ...(text.includes('@') ? [{ email: emailKey(text) }] : []),
      ...(phone === undefined ? [] : [{ phone }])
    ]
    return (await this.#store.users.search(text, keys, limit)).map(presentUser)
  }

  /** Profiles in no particular order, of whom there is. Ids in either form. */
  async findMany(ids: readonly string[]): Promise<User[]> {
    return (await this.#store.users.findMany(objectIds(ids))).map(presentUser)
  }

  /** @throws {AppError} `not_found` when one of them does not exist or is disabled. Ids in either form. */
  async requireUsers(ids: readonly string[]): Promise<void> {
    const wanted = objectIds(ids)
    const found = wanted.length > 0 ? await this.#store.users.findMany(wanted) : []
    if (found.filter(({ isDisabled }) => !isDisabled).length < wanted.length) {
      throw new AppError('not_found', 'There is no such user')
    }
  }

  /** Who is known to be enabled is not looked up again for 30 s. @throws {AppError} `unauthenticated`, `account_disabled` */
  async requireEnabled(userId: string): Promise<void> {
    const standing = await this.#standings.get(userId)
    if (standing === 'enabled') return
    if (standing === 'disabled') throw new AppError('account_disabled', 'The account is disabled')
    this.#standings.delete(userId)
    throw new AppError('unauthenticated', 'The account does not exist')
  }

  /**
   * Somebody whom an existing user system vouches for, made known at first sight where that is configured.
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

  async #loadStanding(userId: string): Promise<Standing> {
    const user = await this.#store.users.find(new ObjectId(userId))
    if (!user) return 'unknown'
    return user.isDisabled ? 'disabled' : 'enabled'
  }
}

/** A person as anyone may see them. */
export function presentUser({ _id, username, displayName, avatarUrl, bio, createdAt }: PresentedFields): User {
  return {
    id: prefixedId('user', _id.toHexString()),
    ...(username === undefined ? {} : { username }),
    displayName,
    ...(avatarUrl === undefined ? {} : { avatarUrl }),
    ...(bio === undefined ? {} : { bio }),
    createdAt: createdAt.toISOString()
  }
}

type PresentedFields = Omit<UserDoc, 'searchTokens'>

/** A person as they see themselves. */
export function presentMe(user: PresentedFields): Me {
  const { phone, email } = user
  return { ...presentUser(user), ...(phone === undefined ? {} : { phone }), ...(email === undefined ? {} : { email }) }
}

/**
 * Text that can be stored and shown: no half characters, no blanks around it.
 * @throws {AppError} `invalid`, also when nothing is left
 */
export function requirePlainText(field: string, text: string): string {
  const trimmed = text.trim()
  if (trimmed === '' || /\p{Surrogate}/u.test(trimmed)) throw new AppError('invalid', `${field} is not readable text`)
  return trimmed
}

/** An empty text takes a field away. */
function profileFields({ username, displayName, bio, avatarUrl }: ProfileChanges) {
  return {
    ...(username === undefined ? {} : { username }),
    ...(displayName === undefined ? {} : { displayName: requirePlainText('displayName', displayName) }),
    ...(bio === undefined ? {} : { bio: bio.trim() === '' ? undefined : requirePlainText('bio', bio) }),
    ...(avatarUrl === undefined ? {} : { avatarUrl: avatarUrl === '' ? undefined : avatarUrl })
  }
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
