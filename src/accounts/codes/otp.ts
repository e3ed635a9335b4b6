import type { CodeLogin, CodeRegistration, CodeRequest, CodeSent } from '../../../protocol/accounts/routes.ts'
import type { Config } from '../../config/config.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { requirePlainText } from '../../text.ts'
import { type AddressStore, presentMe, type UserDoc, type UserStore, verified } from '../../users/index.ts'
import { requireOtherPassword, type SignIn } from '../passwords/password-sign-in.ts'
import type { Passwords } from '../passwords/passwords.ts'
import type { SessionService } from '../sessions/sessions.ts'
import type { SignInCounts } from '../sign-in-counts.ts'
import type { Asker, CodeRequests } from './code-requests.ts'
import type { Codes } from './codes.ts'
import { type OtpRecipient, requireRecipient } from './otp-recipient.ts'

interface OtpDeps {
  readonly store: { readonly users: UserStore; readonly addresses: AddressStore }
  readonly config: Pick<Config, 'DEFAULT_REGION'>
  readonly codes: Codes
  readonly codeRequests: CodeRequests
  readonly passwords: Passwords
  readonly sessions: SessionService
  readonly signIns: SignInCounts
}

/** Signing in by one-time codes. `ip` is the address that asks. */
export class OtpService {
  readonly #users: UserStore
  readonly #region: string | undefined
  readonly #deps: OtpDeps

  constructor(deps: OtpDeps) {
    this.#deps = deps
    this.#users = deps.store.users
    this.#region = deps.config.DEFAULT_REGION
  }

  /**
   * Makes a code and sends it, to who is not known only when it is for registering. Answer, refusals and work are the
   * same either way. @throws {AppError} `invalid`, `not_configured`, `rate_limited`
   */
  async request({ purpose, ...address }: CodeRequest, asker: Asker): Promise<CodeSent> {
    const { codeRequests } = this.#deps
    const target = await codeRequests.requireReachable(address)
    return await codeRequests.send({ purpose, target }, asker, async () => {
      const user = await this.#users.findByKey(target.key)
      return purpose === 'register' || (user !== null && !user.isDisabled)
    })
  }

  /**
   * Signs in by a code of the purpose `register`: the person who has proved the address before; otherwise a new one,
   * whatever other accounts say that it is theirs.
   * @throws {AppError} `invalid`, `unauthenticated`, `conflict` when the username is taken, `account_disabled`,
   * `rate_limited`
   */
  async register(input: CodeRegistration, ip: string): Promise<SignIn> {
    return await this.#deps.signIns.watch('code', this.#register(input, ip))
  }

  async #register(input: CodeRegistration, ip: string): Promise<SignIn> {
    const { code, requestId, device } = input
    const target = await requireRecipient(input, this.#region)
    const displayName = requirePlainText('displayName', input.displayName ?? input.username ?? 'User')
    if (input.password !== undefined)
      requireOtherPassword(input.password, [input.username, input.email, input.phone, target.to])
    const claim = { purpose: 'register', target, code, requestId, ip } as const
    const { known, passwordHash } = await this.#deps.codes.take(
      claim,
      async () => await this.#prepare(input, target, ip)
    )
    const user = known ?? (await this.#create(target, { ...input, displayName, passwordHash }))
    requireEnabled(user)
    return await this.#open(user, device)
  }

  /**
   * Signs in by a code of the purpose `login`.
   * @throws {AppError} `invalid`, `unauthenticated`, `account_disabled`, `rate_limited`
   */
  async login(input: CodeLogin, ip: string): Promise<SignIn> {
    return await this.#deps.signIns.watch('code', this.#login(input, ip))
  }

  async #login(input: CodeLogin, ip: string): Promise<SignIn> {
    const target = await requireRecipient(input, this.#region)
    const { code, requestId, device } = input
    const claim = { purpose: 'login', target, code, requestId, ip } as const
    const user = await this.#deps.codes.take(claim, async () => await this.#users.findByKey(target.key))
    if (!user) throw new AppError('unauthenticated', 'The account does not exist')
    requireEnabled(user)
    return await this.#open(user, device)
  }

  /** Check what may still refuse while the code is valid: for its holder nothing here is a secret. */
  async #prepare({ username, password }: CodeRegistration, { key }: OtpRecipient, ip: string) {
    const known = await this.#users.findByKey(key)
    if (!known && username !== undefined && (await this.#users.findByKey({ usernameKey: username.toLowerCase() }))) {
      throw new AppError('conflict', 'The username is taken')
    }
    const isNeeded = password !== undefined && !known
    return { known, passwordHash: isNeeded ? await this.#deps.passwords.hash(password, { ip }) : undefined }
  }

  async #create(
    { key }: OtpRecipient,
    {
      username,
      displayName,
      passwordHash
    }: { username?: string; displayName: string; passwordHash: string | undefined }
  ): Promise<Omit<UserDoc, 'searchTokens'>> {
    const createdAt = new Date()
    const user = {
      _id: new ObjectId(),
      ...verified(key, createdAt),
      displayName,
      createdAt,
      ...omitUndefined({ username, usernameKey: username?.toLowerCase(), passwordHash })
    }
    try {
      await this.#users.insert(user)
      await this.#deps.store.addresses.forget(key)
      return user
    } catch (error) {
      const other = await this.#users.findByKey(key)
      if (!other) throw error
      return other
    }
  }

  async #open(user: Omit<UserDoc, 'searchTokens'>, device: CodeLogin['device']): Promise<SignIn> {
    const session = await this.#deps.sessions.open(user._id.toHexString(), device)
    return { ...session, user: presentMe(user) }
  }
}

function requireEnabled({ isDisabled }: Pick<UserDoc, 'isDisabled'>): void {
  if (isDisabled) throw new AppError('account_disabled', 'The account is disabled')
}
