import type { Me } from '../../protocol/entities/user.ts'
import type { Credentials, Registration } from '../../protocol/routes/auth.ts'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import { Counters, networkOf } from '../limits/counters.ts'
import { ObjectId, type Store, type UserDoc } from '../store/index.ts'
import type { Actor } from './actor.ts'
import { type IdentifierKeys, identifierKeys } from './identifiers.ts'
import { Passwords } from './passwords.ts'
import { presentMe } from './profiles.ts'
import type { OpenSession, SessionService } from './sessions.ts'
import { requirePlainText, type UserService } from './users.ts'

/** Somebody who has just signed in; the transport adds the access token. */
export interface SignIn extends OpenSession {
  readonly user: Me
}

interface AuthDeps {
  readonly store: Pick<Store, 'users'>
  readonly config: Pick<Config, 'DEFAULT_REGION' | 'limits'>
  readonly sessions: SessionService
  readonly users: UserService
}

type UserKey = Parameters<Store['users']['findByKey']>[0]

const QUARTER_MS = 15 * 60_000
const HOUR_MS = 60 * 60_000

/** Accounts with a password: making one, signing in, staying signed in. `ip` is the address that asks. */
export class AuthService {
  readonly #store: AuthDeps['store']
  readonly #region: string | undefined
  readonly #sessions: SessionService
  readonly #users: UserService
  readonly #passwords = new Passwords()
  readonly #triesOfIdentifier: Counters
  readonly #triesOfNetwork: Counters
  readonly #refreshesOfNetwork: Counters
  readonly #registrations: Counters

  constructor({ store, config, sessions, users }: AuthDeps) {
    const { passwordTries, passwordTriesPerAddress, registrationsPerHour } = config.limits
    this.#store = store
    this.#region = config.DEFAULT_REGION
    this.#sessions = sessions
    this.#users = users
    this.#triesOfIdentifier = new Counters(passwordTries, QUARTER_MS)
    this.#triesOfNetwork = new Counters(passwordTriesPerAddress, QUARTER_MS)
    this.#refreshesOfNetwork = new Counters(passwordTriesPerAddress, QUARTER_MS)
    this.#registrations = new Counters(registrationsPerHour, HOUR_MS)
  }

  /**
   * Makes an account and signs in.
   * @throws {AppError} `invalid`, `conflict` when an identifier is taken, `rate_limited`
   */
  async register(input: Registration, ip: string): Promise<SignIn> {
    const keys = identifierKeys(input, this.#region)
    if (Object.keys(keys).length === 0) throw new AppError('invalid', 'One of username, phone and email is required')
    requireOtherPassword(input, keys)
    const user: Omit<UserDoc, 'searchTokens'> = {
      _id: new ObjectId(),
      ...(input.username === undefined ? {} : { username: input.username }),
      ...keys,
      displayName: requirePlainText('displayName', input.displayName ?? input.username ?? 'User'),
      createdAt: new Date()
    }
    requireAllowed(this.#registrations.take(networkOf(ip)))
    const passwordHash = await this.#passwords.hash(input.password)
    await this.#store.users.insert({ ...user, passwordHash })
    const session = await this.#sessions.open(user._id.toHexString(), input.device)
    return { ...session, user: presentMe(user) }
  }

  /**
   * Signs in. Takes the same time and says the same for an unknown person and for a wrong password.
   * @throws {AppError} `invalid`, `unauthenticated`, `account_disabled` only with the right password, `rate_limited`
   */
  async login(input: Credentials, ip: string): Promise<SignIn> {
    const key = requireOneKey(identifierKeys(input, this.#region))
    const network = networkOf(ip)
    const identifier = JSON.stringify(key)
    requireAllowed(this.#triesOfNetwork.take(network))
    requireAllowed(this.#triesOfIdentifier.take(identifier))
    const user = await this.#store.users.findByKey(key)
    if (!(await this.#passwords.matches(user?.passwordHash, input.password)) || !user) {
      throw new AppError('unauthenticated', 'The sign-in name or the password is wrong')
    }
    this.#triesOfNetwork.giveBack(network)
    this.#triesOfIdentifier.giveBack(identifier)
    if (user.isDisabled) throw new AppError('account_disabled', 'The account is disabled')
    const session = await this.#sessions.open(user._id.toHexString(), input.device)
    return { ...session, user: presentMe(user) }
  }

  /** Continues a session; see `SessionService.refresh`. @throws {AppError} also `rate_limited`, by refused tokens */
  async refresh(refreshToken: string, ip: string): Promise<SignIn> {
    const network = networkOf(ip)
    requireAllowed(this.#refreshesOfNetwork.take(network))
    const session = await this.#sessions.refresh(refreshToken)
    this.#refreshesOfNetwork.giveBack(network)
    return { ...session, user: await this.#users.me({ userId: session.userId }) }
  }

  /** Ends the session that the actor speaks from. */
  async logout(actor: Actor): Promise<void> {
    await this.#sessions.logout(actor)
  }
}

function requireOneKey({ usernameKey, phone, email }: IdentifierKeys): UserKey {
  const keys: UserKey[] = []
  if (usernameKey !== undefined) keys.push({ usernameKey })
  if (phone !== undefined) keys.push({ phone })
  if (email !== undefined) keys.push({ email })
  const [key] = keys
  if (!key || keys.length > 1) throw new AppError('invalid', 'Exactly one of username, phone and email is required')
  return key
}

function requireAllowed(retryAfterMs: number): void {
  if (retryAfterMs > 0) throw new AppError('rate_limited', 'Too many tries', { retryAfterMs })
}

function requireOtherPassword({ username, phone, email, password }: Registration, keys: IdentifierKeys): void {
  const isName = [username, phone, email, ...Object.values(keys)].some(
    name => name?.toLowerCase() === password.toLowerCase()
  )
  if (isName) throw new AppError('invalid', 'The password must not be the sign-in name')
}
