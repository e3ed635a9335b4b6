import type { ClientSession, Collection, Db, Filter, IndexDescription, ObjectId } from 'mongodb'
import { MongoServerError } from 'mongodb'
import { isDuplicate } from '../database/duplicates.ts'
import { AppError } from '../errors.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { type Asked, queryTokens, searchTokens } from '../search-words.ts'
import { fileOfPicture, PICTURE_INDEX, releaseFiles } from '../store/pictures.ts'
import { type Address, verified } from './addresses/address.ts'

/** Role beyond that of everybody: an admin may disable accounts. */
export type Role = 'admin'

/** A person. What is not known about them is absent, so that the unique indexes leave it out. */
export interface UserDoc {
  _id: ObjectId
  username?: string
  /** The username in lower case. */
  usernameKey?: string
  /** E.164. Like the email: theirs by a code, or by what a configured issuer says. */
  phone?: string
  phoneVerifiedAt?: Date
  /** Email in lower case. */
  email?: string
  emailVerifiedAt?: Date
  /** Address that is claimed and not proved: it signs nobody in, finds nobody, and several accounts may claim it. */
  unverifiedPhone?: string
  unverifiedEmail?: string
  passwordHash?: string
  displayName: string
  bio?: string
  avatarUrl?: string
  /** A line of their own under the name. */
  statusText?: string
  publicKey?: string
  isDisabled?: boolean
  /** Moment by the database's clock. */
  disabledAt?: Date
  role?: Role
  /** Id in an existing user system, where that is not an id of ours. */
  externalId?: string
  /** Beginnings of the words of name and username. */
  searchTokens: string[]
  createdAt: Date
  updatedAt?: Date
  lastSeenAt?: Date
  /** Devices that take push notifications, the newest last. */
  pushTokens?: { token: string; at: Date; sessionId?: ObjectId }[]
}

/** Key that finds exactly one person. */
export type UserKey =
  | Pick<Required<UserDoc>, 'usernameKey'>
  | Pick<Required<UserDoc>, 'phone'>
  | Pick<Required<UserDoc>, 'email'>

/** Fields that a person may change; `undefined` takes a field away. */
export interface ProfileFields {
  username?: string
  displayName?: string
  bio?: string | undefined
  avatarUrl?: string | undefined
  statusText?: string | undefined
  publicKey?: string | undefined
}

const TIME_LIMIT_EXCEEDED = 50
const SEARCH_TIME_MS = 1000
const USERNAME_BEGINNING = /^[a-z0-9][a-z0-9._-]{0,31}$/
const unique = (field: string): IndexDescription => ({
  key: { [field]: 1 },
  unique: true,
  partialFilterExpression: { [field]: { $exists: true } }
})
/** Projection without the fields that only the login needs. */
export const PROFILE = { passwordHash: 0, searchTokens: 0, pushTokens: 0 } as const

/** The people, with what they sign in with. */
export class UserStore {
  static readonly indexes: IndexDescription[] = [
    unique('usernameKey'), // findByKey: login, search
    unique('phone'), // findByKey: login, search
    unique('email'), // findByKey: login, search
    unique('externalId'), // findExternal, ensureExternal
    { key: { searchTokens: 1 } }, // search
    PICTURE_INDEX // FileUses: isUsed
  ]

  readonly #db: Db
  readonly #users: Collection<UserDoc>

  constructor(db: Db) {
    this.#db = db
    this.#users = db.collection('users')
  }

  /** @throws {AppError} `conflict` when username, phone or email belongs to somebody. */
  async insert(user: Omit<UserDoc, 'searchTokens'>): Promise<void> {
    await refuseTaken(this.#users.insertOne({ ...user, searchTokens: searchTokens(user) }))
  }

  async find(_id: ObjectId): Promise<UserDoc | null> {
    return await this.#users.findOne({ _id }, { projection: PROFILE })
  }

  /** People among the given that exist, in no order. */
  async findMany(ids: readonly ObjectId[]): Promise<UserDoc[]> {
    return await this.#users.find({ _id: { $in: [...ids] } }, { projection: PROFILE }).toArray()
  }

  /** Person with the password's hash. */
  async findByKey(key: UserKey): Promise<UserDoc | null> {
    return await this.#users.findOne(key)
  }

  /** Person with the password's hash. */
  async findWithPassword(_id: ObjectId): Promise<UserDoc | null> {
    return await this.#users.findOne({ _id })
  }

  /** Sets another password in the place of the one known; `undefined` for none. @returns whether it was that one */
  async changePassword(_id: ObjectId, before: string | undefined, passwordHash: string): Promise<boolean> {
    const filter = { _id, passwordHash: before ?? { $exists: false } }
    const { matchedCount } = await this.#users.updateOne(filter, { $set: { passwordHash } })
    return matchedCount === 1
  }

  /** Sets a password whatever it was before, for somebody who has just proved who they are. */
  async resetPassword(_id: ObjectId, passwordHash: string): Promise<void> {
    await this.#users.updateOne({ _id }, { $set: { passwordHash } })
  }

  /** Find a person of an existing user system by the id there; an `ObjectId` is the id here as well. */
  async findExternal(subject: ObjectId | string): Promise<UserDoc | null> {
    return await this.#users.findOne(externalKey(subject), { projection: PROFILE })
  }

  /**
   * Makes sure that somebody of an existing user system is known; however many ask at once, there is one.
   * @param addresses theirs by what that system says; left out where somebody here has proved one of them
   */
  async ensureExternal(
    subject: ObjectId | string,
    displayName: string,
    addresses: readonly Address[] = []
  ): Promise<UserDoc> {
    const key = externalKey(subject)
    const createdAt = new Date()
    const proved = Object.assign({}, ...addresses.map(address => verified(address, createdAt)))
    const $setOnInsert = { ...proved, displayName, searchTokens: searchTokens({ displayName }), createdAt }
    try {
      const user = await this.#users.findOneAndUpdate(
        key,
        { $setOnInsert },
        { upsert: true, returnDocument: 'after', projection: PROFILE }
      )
      if (user) return user
    } catch (error) {
      if (!isDuplicate(error)) throw error
    }
    const other = await this.findExternal(subject)
    if (other) return other
    if (addresses.length === 0) throw new Error('A person who was just added is gone')
    return await this.ensureExternal(subject, displayName)
  }

  /**
   * Changes a profile, inside a transaction.
   * @returns the person as changed; `null` when there is none
   * @throws {AppError} `conflict` when the username belongs to somebody else
   */
  async update(_id: ObjectId, fields: ProfileFields, session: ClientSession): Promise<UserDoc | null> {
    const before = await this.#users.findOne(
      { _id },
      { session, projection: { username: 1, displayName: 1, avatarUrl: 1 } }
    )
    if (!before) return null
    const now = new Date()
    const set: Partial<UserDoc> = { searchTokens: searchTokens({ ...before, ...fields }), updatedAt: now }
    const released =
      { ...before, ...fields }.avatarUrl === before.avatarUrl ? undefined : fileOfPicture(before.avatarUrl)
    if (released !== undefined) await releaseFiles(this.#db, [released], now, session)
    const unset: Record<string, ''> = {}
    for (const [name, value] of Object.entries(fields)) {
      if (value === undefined) unset[name] = ''
      else Object.assign(set, { [name]: value })
    }
    if (fields.username !== undefined) set.usernameKey = fields.username.toLowerCase()
    return await refuseTaken(
      this.#users.findOneAndUpdate(
        { _id },
        { $set: set, ...omitUndefined({ $unset: Object.keys(unset).length > 0 ? unset : undefined }) },
        { session, returnDocument: 'after', projection: PROFILE }
      )
    )
  }

  /** The enabled person with an email, as it is kept. */
  async findByEmail(email: string): Promise<UserDoc[]> {
    return await this.#users.find({ email, isDisabled: { $ne: true } }, { projection: PROFILE }).toArray()
  }

  /** Enabled people with one of the given numbers (E.164). */
  async findByPhones(phones: readonly string[]): Promise<UserDoc[]> {
    return await this.#users
      .find({ phone: { $in: [...phones] }, isDisabled: { $ne: true } }, { projection: PROFILE })
      .toArray()
  }

  /** Everybody who is enabled but `except`, in the order of their ids, after one of them and after `skip` others. */
  async page(
    limit: number,
    { after, skip = 0, except = [] }: { after?: ObjectId; skip?: number; except?: readonly ObjectId[] } = {}
  ): Promise<UserDoc[]> {
    const filter = { _id: { ...omitUndefined({ $gt: after }), $nin: [...except] }, isDisabled: { $ne: true } }
    return await this.#users.find(filter, { sort: { _id: 1 }, skip, limit, projection: PROFILE }).toArray()
  }

  /**
   * People by a whole username first, then by the beginning of one, then by the beginnings of words of their names;
   * by one Latin letter only those with a name of that letter, and by any part of a name that is written without spaces.
   * Nobody who is disabled or among `except`. Takes the
   * text literally. At most `limit`.
   */
  async search(text: string, limit: number, except: readonly ObjectId[] = []): Promise<UserDoc[]> {
    const tokens = queryTokens(text)
    const name = text.trim().toLowerCase()
    const filters: Filter<UserDoc>[] = [
      { usernameKey: name },
      ...(USERNAME_BEGINNING.test(name) && name.length > 1 ? [{ usernameKey: beginningWith(name) }] : []),
      ...(tokens.length > 0 ? [{ $and: tokens.map(hasTokens) }] : [])
    ]
    const others = {
      isDisabled: { $ne: true },
      ...omitUndefined({ _id: except.length > 0 ? { $nin: [...except] } : undefined })
    }
    const options = { projection: PROFILE, limit, maxTimeMS: SEARCH_TIME_MS }
    const pages = await busyWhenSlow(
      Promise.all(filters.map(async filter => await this.#users.find({ ...filter, ...others }, options).toArray()))
    )
    const found = new Map(pages.flat().map(user => [user._id.toHexString(), user]))
    return [...found.values()].slice(0, limit)
  }
}

/** Filter of people whose names have a part of a query, whichever way it is written. */
function hasTokens(asked: Asked): Filter<UserDoc> {
  return { $or: asked.map(tokens => ({ searchTokens: { $all: [...tokens] } })) }
}

/** Range of keys that begin with a text, in the order of the index. */
function beginningWith(text: string): { $gte: string; $lt: string } {
  return { $gte: text, $lt: `${text}\uffff` }
}

function externalKey(subject: ObjectId | string): { externalId: string } | { _id: ObjectId } {
  return typeof subject === 'string' ? { externalId: subject } : { _id: subject }
}

/** @throws {AppError} `conflict` for a write that would give two people the same identifier */
export async function refuseTaken<T>(write: Promise<T>): Promise<T> {
  try {
    return await write
  } catch (error) {
    if (!isDuplicate(error)) throw error
    throw new AppError('conflict', 'The username, phone number or email is taken', { cause: error })
  }
}

async function busyWhenSlow<T>(query: Promise<T>): Promise<T> {
  try {
    return await query
  } catch (error) {
    if (!(error instanceof MongoServerError) || error.code !== TIME_LIMIT_EXCEEDED) throw error
    throw new AppError('busy', 'The search took too long', { cause: error, retryAfterMs: 1000 })
  }
}
