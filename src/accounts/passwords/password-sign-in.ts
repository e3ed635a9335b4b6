import type { Credentials, PasswordChange, PasswordReset, Registration } from '../../../protocol/accounts/routes.ts'
import type { Me } from '../../../protocol/users/entities.ts'
import type { Actor } from '../../actor.ts'
import type { Config } from '../../config/config.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { type IdentifierKeys, identifierKeys } from '../../identifiers.ts'
import { Counters } from '../../limits/counters.ts'
import { KnownNetworks } from '../../limits/known-networks.ts'
import type { NetworkBuckets } from '../../limits/network-buckets.ts'
import { rateOf, TokenBuckets } from '../../limits/token-buckets.ts'
import { Tries } from '../../limits/tries.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { requirePlainText } from '../../text.ts'
import { presentMe, type UserDoc, type UserKey, type UserService, type UserStore } from '../../users/index.ts'
import type { Codes } from '../codes/codes.ts'
import { requireRecipient } from '../codes/otp-recipient.ts'
import type { OpenSession, SessionService } from '../sessions/sessions.ts'
import type { SignInCounts } from '../sign-in-counts.ts'
import { signInName } from '../sign-in-name.ts'
import type { Passwords } from './passwords.ts'

/** Session that has just been opened; the transport adds the access token. */
export interface SignIn extends OpenSession {
  readonly user: Me
}

interface AuthDeps {
  readonly store: { readonly users: UserStore }
  readonly config: Pick<Config, 'DEFAULT_REGION' | 'limits' | 'timings'>
  readonly sessions: SessionService
  readonly users: UserService
  readonly passwords: Passwords
  readonly codes: Codes
  readonly known: KnownNetworks
  readonly registrations: NetworkBuckets
  readonly signIns: SignInCounts
}

const QUARTER_MS = 15 * 60_000
const HOUR_MS = 60 * 60_000
/** Changes of a password by one person in an hour: each takes two of the hashes that everybody waits for. */
const CHANGES_PER_HOUR = 5

/** Accounts with a password: making one, signing in, staying signed in. `ip` is the address that asks. */
export class PasswordSignIn {
  readonly #store: AuthDeps['store']
  readonly #region: string | undefined
  readonly #sessions: SessionService
  readonly #users: UserService
  readonly #passwords: Passwords
  readonly #codes: Codes
  readonly #known: KnownNetworks
  readonly #tries: Tries
  readonly #triesOfSession: Counters
  readonly #changes = new TokenBuckets(rateOf(CHANGES_PER_HOUR, HOUR_MS))
  readonly #refreshes: Tries
  readonly #registrations: NetworkBuckets
  readonly #signIns: SignInCounts

  constructor({ store, config, sessions, users, passwords, codes, known, registrations, signIns }: AuthDeps) {
    const { passwordTries, passwordTriesPerAddress } = config.limits
    this.#store = store
    this.#region = config.DEFAULT_REGION
    this.#sessions = sessions
    this.#users = users
    this.#passwords = passwords
    this.#codes = codes
    this.#known = known
    const tries = { limit: passwordTries, perNetwork: passwordTriesPerAddress, pauseMs: config.timings.slowTryMs }
    this.#tries = new Tries({ ...tries, known })
    this.#refreshes = new Tries({ ...tries, known: new KnownNetworks() })
    this.#triesOfSession = new Counters({ limit: passwordTries, windowMs: QUARTER_MS })
    this.#registrations = registrations
    this.#signIns = signIns
  }

  /**
   * Makes an account with a username and signs in. A phone number and an email are noted, until a code proves them.
   * @throws {AppError} `invalid`, `proof_required` without a username, `conflict` when it is taken, `rate_limited`
   */
  async register(input: Registration, ip: string): Promise<SignIn> {
    const keys = await identifierKeys(input, this.#region)
    if (Object.keys(keys).length === 0) throw new AppError('invalid', 'One of username, phone and email is required')
    requireOtherPassword(input.password, [input.username, input.phone, input.email, ...Object.values(keys)])
    const { usernameKey, phone: unverifiedPhone, email: unverifiedEmail } = keys
    if (usernameKey === undefined) {
      throw new AppError(
        'proof_required',
        'A phone number or an email has to be proved: ask for a code to register with, or choose a username too'
      )
    }
    const user: Omit<UserDoc, 'searchTokens'> = {
      _id: new ObjectId(),
      ...omitUndefined({ username: input.username, usernameKey, unverifiedPhone, unverifiedEmail }),
      displayName: requirePlainText('displayName', input.displayName ?? input.username ?? 'User'),
      createdAt: new Date()
    }
    this.#registrations.take(ip, 'Too many registrations')
    const passwordHash = await this.#passwords.hash(input.password, { ip }).catch((error: unknown) => {
      this.#registrations.giveBack(ip)
      throw error
    })
    await this.#store.users.insert({ ...user, passwordHash })
    const session = await this.#sessions.open(user._id.toHexString(), input.device)
    return { ...session, user: presentMe(user) }
  }

  /**
   * Signs in. Takes the same time and says the same for an unknown person and for a wrong password.
   * @throws {AppError} `invalid`, `unauthenticated`, `account_disabled` only with the right password, `rate_limited`
   */
  async login(input: Credentials, ip: string): Promise<SignIn> {
    return await this.#signIns.watch('password', this.#login(input, ip))
  }

  async #login(input: Credentials, ip: string): Promise<SignIn> {
    const key = requireOneKey(await identifierKeys(input, this.#region))
    const user = await this.#tries.run(signInName(key), ip, async () => {
      const found = await this.#store.users.findByKey(key)
      if ((await this.#passwords.matches(found?.passwordHash, input.password, { ip })) && found) return found
      throw new AppError('unauthenticated', 'The sign-in name or the password is wrong')
    })
    if (user.isDisabled) throw new AppError('account_disabled', 'The account is disabled')
    for (const address of provedAddresses(user)) this.#known.add(signInName(address), ip)
    const session = await this.#sessions.open(user._id.toHexString(), input.device)
    await this.#requireSamePassword(user, session)
    return { ...session, user: presentMe(user) }
  }

  /** Continues a session; see `SessionService.refresh`. Counted by session. @throws {AppError} also `rate_limited`, by refused tokens */
  async refresh(refreshToken: string, ip: string): Promise<SignIn> {
    const name = this.#sessions.nameOf(refreshToken)
    const refreshing = this.#refreshes.run(name, ip, async () => await this.#sessions.refresh(refreshToken))
    const session = await this.#signIns.watch('refresh', refreshing)
    return { ...session, user: await this.#users.me({ userId: session.userId }) }
  }

  /** Ends the session that the actor speaks from. */
  async logout(actor: Actor): Promise<void> {
    await this.#sessions.logout(actor)
  }

  /**
   * Sets another password, or the first one, and ends the actor's other sessions.
   * @throws {AppError} `invalid`, `forbidden` when the current password is wrong, `proof_required` for a first one by
   * who has not signed in lately, `conflict` when it is changed at the same time, `rate_limited`
   */
  async changePassword(actor: Actor, change: PasswordChange): Promise<void> {
    this.#changes.take(actor.userId, 'The password was changed too often')
    try {
      await this.#change(actor, change)
    } catch (error) {
      this.#changes.giveBack(actor.userId)
      throw error
    }
    await this.#sessions.revokeOthers(actor)
  }

  /**
   * Sets another password by a code of the purpose `reset`, and ends every session.
   * @throws {AppError} `invalid`, `unauthenticated` when the code is wrong, `account_disabled`, `rate_limited`
   */
  async resetPassword({ code, requestId, newPassword, ...identifier }: PasswordReset, ip: string): Promise<void> {
    const target = await requireRecipient(identifier, this.#region)
    requireOtherPassword(newPassword, [identifier.phone, identifier.email, target.to])
    const claim = { purpose: 'reset', target, code, requestId, ip } as const
    const { user, passwordHash } = await this.#codes.take(claim, async () => ({
      user: await this.#store.users.findByKey(target.key),
      passwordHash: await this.#passwords.hash(newPassword, { ip })
    }))
    if (!user) throw new AppError('unauthenticated', 'The account does not exist')
    if (user.isDisabled) throw new AppError('account_disabled', 'The account is disabled')
    await this.#store.users.resetPassword(user._id, passwordHash)
    await this.#sessions.revokeAll({ userId: user._id.toHexString() })
  }

  async #change(actor: Actor, { currentPassword, newPassword }: PasswordChange): Promise<void> {
    const user = await this.#store.users.findWithPassword(new ObjectId(actor.userId))
    if (!user) throw new AppError('unauthenticated', 'The account does not exist')
    requireOtherPassword(newPassword, [user.username, user.phone, user.email])
    if (user.passwordHash !== undefined) await this.#requirePassword(user, currentPassword)
    else if (!(await this.#sessions.isFresh(actor))) {
      throw new AppError('proof_required', 'Sign in anew, or set the password by a code of the purpose reset')
    }
    const passwordHash = await this.#passwords.hash(newPassword, actor)
    if (!(await this.#store.users.changePassword(user._id, user.passwordHash, passwordHash))) {
      throw new AppError('conflict', 'The password was changed at the same time')
    }
  }

  async #requirePassword({ _id, passwordHash }: UserDoc, password: string | undefined): Promise<void> {
    if (password === undefined) throw new AppError('invalid', 'currentPassword is required')
    const id = _id.toHexString()
    await this.#triesOfSession.take(id)
    if (!(await this.#passwords.matches(passwordHash, password, { userId: id }))) {
      throw new AppError('forbidden', 'The current password is wrong')
    }
    await this.#triesOfSession.giveBack(id)
  }

  /** A password that was changed while somebody signed in with the old one ends that session with the others. */
  async #requireSamePassword({ _id, passwordHash }: UserDoc, session: OpenSession): Promise<void> {
    const current = await this.#store.users.findWithPassword(_id)
    if (current?.passwordHash === passwordHash) return
    await this.#sessions.logout({ ...session, expiresAt: 0 })
    throw new AppError('unauthenticated', 'The sign-in name or the password is wrong')
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

/** Addresses to which a code can be sent that signs the person in. */
function provedAddresses({ phone, email }: Pick<UserDoc, 'phone' | 'email'>): UserKey[] {
  return [...(phone === undefined ? [] : [{ phone }]), ...(email === undefined ? [] : [{ email }])]
}

/** @throws {AppError} `invalid` when the password is one of the names */
export function requireOtherPassword(password: string, names: readonly (string | undefined)[]): void {
  const isName = names.some(name => name?.toLowerCase() === password.toLowerCase())
  if (isName) throw new AppError('invalid', 'The password must not be the sign-in name')
}
