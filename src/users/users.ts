import type { Created } from '../../protocol/envelope.ts'
import { bareId } from '../../protocol/ids.ts'
import type { Me, User } from '../../protocol/users/entities.ts'
import { ProfileUpdated, UserUpdated } from '../../protocol/users/events.ts'
import type { ProfileChanges } from '../../protocol/users/routes.ts'
import type { Actor } from '../actor.ts'
import type { Bus, ProfileChange } from '../bus/bus.ts'
import type { Config } from '../config/config.ts'
import type { ClientSession } from '../database/index.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { emailKey, parsePhone } from '../identifiers.ts'
import { Coalescer } from '../limits/coalescer.ts'
import { RecentCache } from '../limits/recent-cache.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { ClaimsPictures } from '../store/pictures.ts'
import type { AccountStore } from '../streams/store.ts'
import { isReadable, requirePlainText } from '../text.ts'
import type { Address } from './addresses/address.ts'
import type { AddressStore } from './addresses/store.ts'
import { presentMe, presentNames, presentShown, presentUser } from './profiles.ts'
import type { PushTokenStore } from './push-tokens/store.ts'
import type { UserDoc, UserStore } from './store.ts'
import type { Visibility } from './visibility.ts'

/** Somebody as an existing user system names them. */
export interface ExternalPerson extends ExternalProfile {
  readonly subject: string
  /** A subject that has the form of a user id here is one. */
  readonly mayBeOwn: boolean
}

/** Profile that an existing user system gives somebody. */
export interface ExternalProfile {
  readonly name?: string
  readonly phone?: string
  readonly email?: string
}

/** A changed profile for those who see the same of it. */
interface ProfileUpdate {
  readonly event: Created<typeof ProfileUpdated>
  readonly viewerIds: readonly string[]
}

interface UserDeps {
  readonly store: {
    readonly users: UserStore
    readonly addresses: AddressStore
    readonly pushTokens: PushTokenStore
    readonly accounts: AccountStore
    readonly pictures: ClaimsPictures
  }
  readonly bus: Bus
  readonly visibility: Pick<Visibility, 'findAll' | 'viewersOf'>
  readonly config: Pick<Config, 'DEFAULT_REGION' | 'AUTH_AUTOPROVISION' | 'timings'>
}

/** Status of an account. */
type AccountStatus = 'enabled' | 'disabled' | 'unknown'

const CACHE_MS = 30_000
const MAX_CACHED = 50_000
const NAME_LENGTH = 64
const MAX_PUSH_TOKENS = 10
const PUSH_TOKEN = /^[\x21-\x7e]{8,4096}$/
const OWN_ID = /^(?:user_)?([0-9a-f]{24})$/

/** People and their profiles. */
export class UserService {
  readonly #store: UserDeps['store']
  readonly #bus: Bus
  readonly #config: UserDeps['config']
  readonly #visibility: UserDeps['visibility']
  readonly #profiles: Coalescer<ProfileChange>
  readonly #statuses: RecentCache<AccountStatus>
  /** Ids here by the ids in an existing user system. */
  readonly #externals: RecentCache<string | undefined>

  constructor({ store, bus, config, visibility }: UserDeps) {
    this.#store = store
    this.#bus = bus
    this.#config = config
    this.#visibility = visibility
    this.#profiles = new Coalescer(config.timings.livePauseMs, change => bus.publish('profile', change))
    this.#statuses = new RecentCache(id => this.#loadStatus(id), CACHE_MS, MAX_CACHED)
    this.#externals = new RecentCache(subject => this.#findExternal(subject), CACHE_MS, MAX_CACHED)
    bus.subscribe('accountEnd', ({ userId }) => this.forget(userId))
  }

  /** Looks an account up anew that may have been disabled on another server. @param userId 24 hexadecimal digits */
  forget(userId: string): void {
    this.#statuses.delete(userId)
  }

  /** @throws {AppError} `unauthenticated` when there is no such person any more */
  async me({ userId }: Pick<Actor, 'userId'>): Promise<Me> {
    const user = await this.#store.users.find(new ObjectId(userId))
    if (!user) throw new AppError('unauthenticated', 'The account does not exist')
    return presentMe(user)
  }

  /**
   * Changes the actor's profile and tells their devices.
   * @throws {AppError} `conflict` when the username is taken; for the picture `not_found` and `invalid`
   */
  async update(actor: Actor, changes: ProfileChanges): Promise<Me> {
    const fields = profileFields(await this.#store.pictures.claim(actor, changes))
    if (Object.keys(fields).length === 0) return await this.me(actor)
    const me = await this.#change(actor, async (id, session) => await this.#store.users.update(id, fields, session))
    this.#profiles.push(actor.userId, { userId: actor.userId })
    return me
  }

  /**
   * The changed profile of somebody as each of these viewers may see it, once for all who see the same; those who are
   * blocked either way are left out. Ids are 24 hexadecimal digits.
   */
  async profileUpdates(userId: string, viewerIds: readonly string[]): Promise<ProfileUpdate[]> {
    const user = await this.#store.users.find(new ObjectId(userId))
    if (user === null) return []
    const { id, ...names } = presentNames(user)
    const groups = await this.#visibility.viewersOf(userId, viewerIds)
    return groups.map(({ visibility, ...seen }) => {
      const event = ProfileUpdated.create({ userId: id, ...names, ...presentShown(user, visibility) })
      return { event, viewerIds: seen.viewerIds }
    })
  }

  /** Keeps an address that the actor says is theirs, until somebody proves it. Tells their devices. */
  async noteAddress(actor: Pick<Actor, 'userId'>, address: Address): Promise<Me> {
    return await this.#change(actor, async (id, session) => await this.#store.addresses.note(id, address, session))
  }

  /**
   * Keeps an address that the actor has proved, in the place of the one before, and takes it from those who only say
   * that it is theirs. Tells the actor's devices. @throws {AppError} `conflict` when somebody else has proved it
   */
  async verifyAddress(actor: Pick<Actor, 'userId'>, address: Address): Promise<Me> {
    const me = await this.#change(
      actor,
      async (id, session) => await this.#store.addresses.verify(id, address, session)
    )
    await this.#store.addresses.forget(address)
    return me
  }

  /** Profile of a person as the actor may see it. @throws {AppError} `not_found` */
  async get(actor: Pick<Actor, 'userId'>, id: string): Promise<User> {
    const user = await this.#store.users.find(new ObjectId(bareId(id)))
    const [profile] = user === null ? [] : await this.#visiblePresence(actor, [user])
    if (profile === undefined) throw new AppError('not_found', 'There is no such user')
    return profile
  }

  /** Profiles as the actor may see them, in no particular order, of whom there is. Ids in either form. */
  async findMany(actor: Pick<Actor, 'userId'>, ids: readonly string[]): Promise<User[]> {
    if (ids.length === 0) return []
    return await this.#visiblePresence(actor, await this.#store.users.findMany(objectIds(ids)))
  }

  /** Keeps a device's push token, which is nobody else's from then on; of more than ten the oldest is forgotten. @throws {AppError} `invalid` */
  async addPushToken(actor: Actor, token: string): Promise<void> {
    if (!PUSH_TOKEN.test(token)) throw new AppError('invalid', 'This is not a push token')
    const sessionId = actor.sessionId === undefined ? undefined : new ObjectId(actor.sessionId)
    const given = { token, ...omitUndefined({ sessionId }) }
    await this.#store.pushTokens.add(new ObjectId(actor.userId), given, MAX_PUSH_TOKENS)
  }

  /** @throws {AppError} `not_found` when one of them does not exist or is disabled. Ids in either form. */
  async requireUsers(ids: readonly string[]): Promise<void> {
    const wanted = objectIds(ids)
    const found = wanted.length > 0 ? await this.#store.users.findMany(wanted) : []
    if (found.filter(({ isDisabled }) => !isDisabled).length < wanted.length) {
      throw new AppError('not_found', 'There is no such user')
    }
  }

  /** Require an enabled account; that it is one is cached for 30 s. @throws {AppError} `unauthenticated`, `account_disabled` */
  async requireEnabled(userId: string): Promise<void> {
    const status = await this.#statuses.get(userId)
    if (status === 'enabled') return
    this.#statuses.delete(userId)
    if (status === 'disabled') throw new AppError('account_disabled', 'The account is disabled')
    throw new AppError('unauthenticated', 'The account does not exist')
  }

  /**
   * Require a person of an existing user system, registered at the first request where that is configured.
   * @param person as the system names them; their addresses only where they are proved there
   * @returns their id, 24 hexadecimal digits
   * @throws {AppError} `unauthenticated` when there is no such person, `account_disabled`
   */
  async requireExternal(person: ExternalPerson): Promise<string> {
    const key = externalKey(person)
    const userId = (await this.#externals.get(key)) ?? (await this.#provision(key, person))
    await this.requireEnabled(userId)
    return userId
  }

  /** Changes the actor's profile, and tells their devices. */
  async #change(
    actor: Pick<Actor, 'userId'>,
    work: (id: ObjectId, session: ClientSession) => Promise<UserDoc | null>
  ): Promise<Me> {
    const id = new ObjectId(actor.userId)
    let user: UserDoc | null = null
    const rev = await this.#store.accounts.change(id, 'profile', id, async session => {
      user = await work(id, session)
      if (!user) throw new AppError('unauthenticated', 'The account does not exist')
    })
    if (!user) throw new Error('A profile was changed, but whose')
    const me = presentMe(user)
    this.#bus.publish('user', { userId: actor.userId, rev, event: UserUpdated.create(me) })
    return me
  }

  async #findExternal(key: string): Promise<string | undefined> {
    const user = await this.#store.users.findExternal(subjectOf(key))
    return user?._id.toHexString()
  }

  async #provision(key: string, { name, ...said }: ExternalProfile): Promise<string> {
    this.#externals.delete(key)
    if (!this.#config.AUTH_AUTOPROVISION) throw new AppError('unauthenticated', 'The account does not exist')
    const phone = said.phone === undefined ? undefined : await parsePhone(said.phone, undefined)
    const addresses: Address[] = [
      ...(phone === undefined ? [] : [{ phone }]),
      ...(said.email === undefined ? [] : [{ email: emailKey(said.email) }])
    ]
    const user = await this.#store.users.ensureExternal(subjectOf(key), firstName(name), addresses)
    await Promise.all(addresses.map(async address => await this.#store.addresses.forget(address)))
    return user._id.toHexString()
  }

  async #visiblePresence(actor: Pick<Actor, 'userId'>, users: readonly UserDoc[]): Promise<User[]> {
    const ids = users.map(({ _id }) => _id.toHexString())
    const visibilities = await this.#visibility.findAll(actor.userId, ids)
    return users.flatMap((user, index) => {
      const visibility = visibilities.get(ids[index] ?? '')
      return visibility === undefined ? [] : [presentUser(user, visibility)]
    })
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

/** Key of somebody in the cache: a user id here, or `=` and their id there. */
function externalKey({ subject, mayBeOwn }: ExternalPerson): string {
  const [, own] = (mayBeOwn && OWN_ID.exec(subject)) || []
  return own ?? `=${subject}`
}

function subjectOf(key: string): ObjectId | string {
  return key.startsWith('=') ? key.slice(1) : new ObjectId(key)
}

/** A name as somebody else's system wrote it, made to fit; one that shows nothing is as if there were none. */
function firstName(name = ''): string {
  const text = name.replace(/[\p{Cc}\p{Bidi_Control}]/gu, '').trim()
  const fitting = text
    .slice(0, NAME_LENGTH)
    .replace(/\p{Surrogate}/gu, '')
    .trim()
  return isReadable(fitting) ? fitting : 'User'
}
