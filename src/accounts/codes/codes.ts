import { createHmac, hkdfSync, randomBytes, randomInt, timingSafeEqual } from 'node:crypto'
import type { Config } from '../../config/config.ts'
import { AppError } from '../../errors.ts'
import { Counters } from '../../limits/counters.ts'
import { networkOf } from '../../limits/networks.ts'
import type { CodePurpose } from '../delivery/port.ts'
import type { OtpRecipient } from './otp-recipient.ts'
import type { OtpStore } from './store.ts'

interface CodeDeps {
  readonly store: { readonly otps: OtpStore }
  readonly config: Pick<Config, 'limits'> & { readonly JWT_SECRET: readonly string[] }
}

/** Use of a code: its purpose, its recipient, and its user where there is only one. */
export interface CodeUse {
  readonly purpose: CodePurpose
  readonly target: OtpRecipient
  /** User who alone may use it, 24 hexadecimal digits; everybody who has the code by default. */
  readonly userId?: string
}

/** Claim to a code: what it is for, its digits, and the address it comes from. */
export interface CodeClaim extends CodeUse {
  readonly code: string
  readonly ip: string
}

/** Life of a code, ms; the mail says it too. */
export const CODE_MS = 600_000
const DIGITS = 6
const QUARTER_MS = 15 * 60_000

/**
 * One-time codes: six digits, kept as a keyed digest, at most five tries, one use. The first secret makes the digests,
 * every secret of the list recognises them.
 */
export class Codes {
  readonly #otps: OtpStore
  readonly #keys: readonly Buffer[]
  readonly #triesOfNetwork: Counters

  constructor({ store, config }: CodeDeps) {
    this.#otps = store.otps
    this.#keys = config.JWT_SECRET.map(secret =>
      Buffer.from(hkdfSync('sha256', secret, '', 'parley one-time code', 32))
    )
    this.#triesOfNetwork = new Counters({ limit: config.limits.passwordTriesPerAddress, windowMs: QUARTER_MS })
  }

  /**
   * Makes a code, in the place of the one before. One that does not open anything takes as long to make, and is kept
   * with a digest that no code has.
   */
  async make(use: CodeUse, isOpening: boolean): Promise<string> {
    const code = String(randomInt(10 ** DIGITS)).padStart(DIGITS, '0')
    const id = idOf(use)
    const [key = Buffer.alloc(0)] = this.#keys
    const digest = digestOf(isOpening ? key : randomBytes(key.length), id, code)
    await this.#otps.replace(id, digest.toString('base64url'), new Date(Date.now() + CODE_MS))
    return code
  }

  /**
   * Uses a code up. Of several who present it at once one succeeds.
   * @param prepare what may still refuse; it runs when the code is right, and a refusal leaves the code valid
   * @throws {AppError} `unauthenticated` for a wrong, expired, used or exhausted code, `rate_limited`
   */
  async take<T>({ code, ip, ...use }: CodeClaim, prepare: () => Promise<T>): Promise<T> {
    const network = networkOf(ip)
    await this.#triesOfNetwork.take(network)
    const id = idOf(use)
    const kept = await this.#otps.countTry(id, new Date())
    if (kept === undefined || !this.#isDigest(kept, id, code)) throw wrongCode()
    const prepared = await prepare()
    if (!(await this.#otps.take(id, kept))) throw wrongCode()
    await this.#triesOfNetwork.giveBack(network)
    return prepared
  }

  #isDigest(kept: string, id: string, code: string): boolean {
    const digest = Buffer.from(kept, 'base64url')
    return this.#keys.some(key => timingSafeEqual(digestOf(key, id, code), digest))
  }
}

function idOf({ purpose, target: { channel, to }, userId }: CodeUse): string {
  return `${userId === undefined ? purpose : `${purpose} by ${userId}`}:${channel}:${to}`
}

function digestOf(key: Buffer, id: string, code: string): Buffer {
  return createHmac('sha256', key).update(`${id}:${code}`).digest()
}

function wrongCode(): AppError {
  return new AppError('unauthenticated', 'The code is wrong or has expired')
}
