import type { CodeLogin, CodeRegistration, CodeRequest, CodeSent } from '../../../protocol/accounts/routes.ts'
import type { Config } from '../../config/config.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { requirePlainText } from '../../text.ts'
import { presentMe, type UserDoc, type UserStore } from '../../users/index.ts'
import type { Delivery } from '../delivery/port.ts'
import { requireOtherPassword, type SignIn } from '../passwords/password-sign-in.ts'
import type { Passwords } from '../passwords/passwords.ts'
import type { SessionService } from '../sessions/sessions.ts'
import { CODE_MS, type Codes } from './codes.ts'
import { OtpLimits } from './otp-limits.ts'
import { type OtpRecipient, requireRecipient } from './otp-recipient.ts'

interface OtpDeps {
  readonly store: { readonly users: UserStore }
  readonly config: Pick<Config, 'DEFAULT_REGION' | 'NODE_ENV' | 'OTP_DELIVERY' | 'limits'>
  readonly codes: Codes
  readonly passwords: Passwords
  readonly sessions: SessionService
  readonly delivery: Delivery
  readonly onError: (error: unknown) => void
}

/** Signing in by one-time codes. `ip` is the address that asks. */
export class OtpService {
  readonly #users: UserStore
  readonly #region: string | undefined
  readonly #isShown: boolean
  readonly #deps: OtpDeps
  readonly #caps: OtpLimits

  constructor(deps: OtpDeps) {
    const { NODE_ENV, OTP_DELIVERY, DEFAULT_REGION, limits } = deps.config
    this.#deps = deps
    this.#users = deps.store.users
    this.#region = DEFAULT_REGION
    this.#isShown = NODE_ENV !== 'production' && OTP_DELIVERY === 'log'
    this.#caps = new OtpLimits(limits)
  }

  /**
   * Makes a code and sends it, to who is not known only when it is for registering. Answer, refusals and work are the
   * same either way; so the delivery, which only some of them get and which takes longer than anything else, is not
   * waited for. When it fails for good, that is logged, and the person asks for another code.
   * @throws {AppError} `invalid`, `rate_limited`
   */
  async request(input: CodeRequest, ip: string): Promise<CodeSent> {
    const { purpose } = input
    const target = await this.#requireReachable(input)
    this.#caps.take(target, ip)
    const user = await this.#users.findByKey(target.key)
    const isOpening = purpose === 'register' || (user !== null && !user.isDisabled)
    const code = await this.#deps.codes.make(purpose, target, isOpening)
    if (isOpening) {
      const { delivery, onError } = this.#deps
      const { channel, to } = target
      setImmediate(() => void delivery.deliver({ channel, to, code, purpose }).catch(onError))
    }
    return { expiresInMs: CODE_MS, ...omitUndefined({ devCode: this.#isShown ? code : undefined }) }
  }

  /**
   * Signs in by a code of the purpose `register`; who is not known gets an account, and who is keeps what they have. An account that somebody made with
   * this number or email without ever proving that it is theirs becomes that of who proves it: its password is
   * replaced or taken away, and its sessions end.
   * @throws {AppError} `invalid`, `unauthenticated`, `conflict` when the username is taken, `account_disabled`,
   * `rate_limited`
   */
  async register(input: CodeRegistration, ip: string): Promise<SignIn> {
    const { code, device } = input
    const target = await requireRecipient(input, this.#region)
    const displayName = requirePlainText('displayName', input.displayName ?? input.username ?? 'User')
    if (input.password !== undefined)
      requireOtherPassword(input.password, [input.username, input.email, input.phone, target.to])
    const claim = { purpose: 'register', target, code, ip } as const
    const { known, passwordHash } = await this.#deps.codes.take(claim, async () => await this.#prepare(input, target))
    const user = known ?? (await this.#create(target, { ...input, displayName, passwordHash }))
    requireEnabled(user)
    if (!user.isVerified && (await this.#users.claim(user._id, passwordHash))) {
      await this.#deps.sessions.revokeAll({ userId: user._id.toHexString() })
    }
    return await this.#open(user, device)
  }

  /**
   * Signs in by a code of the purpose `login`.
   * @throws {AppError} `invalid`, `unauthenticated`, `account_disabled`, `rate_limited`
   */
  async login(input: CodeLogin, ip: string): Promise<SignIn> {
    const target = await requireRecipient(input, this.#region)
    const claim = { purpose: 'login', target, code: input.code, ip } as const
    const user = await this.#deps.codes.take(claim, async () => await this.#users.findByKey(target.key))
    if (!user) throw new AppError('unauthenticated', 'The account does not exist')
    requireEnabled(user)
    if (!user.isVerified) await this.#users.verify(user._id)
    return await this.#open(user, input.device)
  }

  async #requireReachable(input: CodeRequest): Promise<OtpRecipient> {
    const target = await requireRecipient(input, this.#region)
    if (this.#deps.delivery.channels.includes(target.channel)) return target
    throw new AppError('invalid', 'This server sends codes by email only')
  }

  /** Check what may still refuse while the code is valid: for its holder nothing here is a secret. */
  async #prepare({ username, password }: CodeRegistration, { key }: OtpRecipient) {
    const known = await this.#users.findByKey(key)
    if (!known && username !== undefined && (await this.#users.findByKey({ usernameKey: username.toLowerCase() }))) {
      throw new AppError('conflict', 'The username is taken')
    }
    const isNeeded = password !== undefined && !known?.isVerified
    return { known, passwordHash: isNeeded ? await this.#deps.passwords.hash(password) : undefined }
  }

  async #create(
    { key }: OtpRecipient,
    {
      username,
      displayName,
      passwordHash
    }: { username?: string; displayName: string; passwordHash: string | undefined }
  ): Promise<Omit<UserDoc, 'searchTokens'>> {
    const user = {
      _id: new ObjectId(),
      ...key,
      displayName,
      isVerified: true,
      createdAt: new Date(),
      ...omitUndefined({ username, usernameKey: username?.toLowerCase(), passwordHash })
    }
    try {
      await this.#users.insert(user)
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
