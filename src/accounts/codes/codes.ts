import { createHmac, randomBytes, randomInt, timingSafeEqual } from 'node:crypto'
import type { Config } from '../../config/config.ts'
import { AppError } from '../../errors.ts'
import type { KnownNetworks } from '../../limits/known-networks.ts'
import { widestNetworkOf } from '../../limits/networks.ts'
import { signInName } from '../sign-in-name.ts'
import { deriveKeys } from '../tokens/secrets.ts'
import type { CodeCounts } from './code-counts.ts'
import { CodeTries } from './code-tries.ts'
import { type CodeUse, useName } from './code-use.ts'
import type { OtpLimits } from './otp-limits.ts'
import type { OtpStore } from './store.ts'

interface CodeDeps {
  readonly store: { readonly otps: OtpStore }
  readonly config: Pick<Config, 'limits'> & { readonly JWT_SECRET: readonly string[] }
  readonly known: KnownNetworks
  readonly otpLimits: OtpLimits
  readonly codeCounts: CodeCounts
}

/** Claim to a code: what it is for, its digits, and the address it comes from. */
export interface CodeClaim extends CodeUse {
  readonly code: string
  /** Request that it is of; any of that use unless told. */
  readonly requestId?: string | undefined
  readonly ip: string
}

/** Life of a code, ms; the mail says it too. */
export const CODE_MS = 600_000
const DIGITS = 6
const REQUEST_ID_BYTES = 16
/** Codes that a try without a request is compared with. */
const COMPARED = 3

/**
 * One-time codes: six digits, kept as a keyed digest, one use. Each request has a code of its own, and five tries. The
 * first secret makes the digests, every secret of the list recognises them.
 */
export class Codes {
  readonly #otps: OtpStore
  readonly #keys: readonly Buffer[]
  readonly #maxTries: number
  readonly #tries: CodeTries
  readonly #known: KnownNetworks
  readonly #limits: OtpLimits
  readonly #counts: CodeCounts

  constructor({ store, config, known, otpLimits, codeCounts }: CodeDeps) {
    this.#otps = store.otps
    this.#keys = deriveKeys(config.JWT_SECRET, 'one-time code')
    this.#maxTries = config.limits.codeTries
    this.#tries = new CodeTries(config.limits.codeTries, known, CODE_MS)
    this.#known = known
    this.#limits = otpLimits
    this.#counts = codeCounts
  }

  /**
   * Makes a code beside those that are valid. One that does not open anything takes as long to make, and is kept with a
   * digest that no code has.
   */
  async make(request: CodeUse & { ip: string }, isOpening: boolean): Promise<{ requestId: string; code: string }> {
    const code = String(randomInt(10 ** DIGITS)).padStart(DIGITS, '0')
    const requestId = randomBytes(REQUEST_ID_BYTES).toString('base64url')
    const use = useName(request)
    const [key = Buffer.alloc(0)] = this.#keys
    const digest = digestOf(isOpening ? key : randomBytes(key.length), use, code).toString('base64url')
    const expiresAt = new Date(Date.now() + CODE_MS)
    await this.#otps.insert({ _id: requestId, use, digest, network: this.#networkDigest(request.ip), expiresAt })
    this.#tries.noteAsker(use, request.ip)
    return { requestId, code }
  }

  /**
   * Uses a code up. Of several who present it at once one succeeds.
   * @param prepare what may still refuse; it runs when the code is right, and a refusal leaves the code valid
   * @throws {AppError} `unauthenticated` for a wrong, expired, used or exhausted code, `rate_limited`
   */
  async take<T>(claim: CodeClaim, prepare: () => Promise<T>): Promise<T> {
    const { requestId } = claim
    const found = requestId === undefined ? await this.#findByCode(claim) : await this.#tryRequest(requestId, claim)
    if (found === undefined) throw wrongCode()
    const prepared = await this.#prepare(found, claim, prepare)
    if (!(await this.#otps.take(found))) throw wrongCode()
    this.#counts.used += 1
    this.#limits.giveBack(claim)
    this.#known.add(signInName(claim.target.key), claim.ip)
    return prepared
  }

  /** A right code that is refused all the same costs no try. */
  async #prepare<T>(found: string, { requestId }: CodeClaim, prepare: () => Promise<T>): Promise<T> {
    try {
      return await prepare()
    } catch (error) {
      if (requestId !== undefined) await this.#otps.giveBackTry(found)
      throw error
    }
  }

  /** Tries the code of a request. @returns the request, when it is right */
  async #tryRequest(requestId: string, claim: CodeClaim): Promise<string | undefined> {
    const use = useName(claim)
    const kept = await this.#otps.countTry({ _id: requestId, use }, this.#maxTries, new Date())
    return kept !== undefined && this.#isDigest(kept, use, claim.code) ? requestId : undefined
  }

  /** Finds the request of a code, of those from the same network first. @throws {AppError} `rate_limited` */
  async #findByCode({ code, ip, ...claim }: CodeClaim): Promise<string | undefined> {
    const use = useName(claim)
    const attempt = { use, target: claim.target, ip }
    this.#tries.take(attempt)
    const live = await this.#otps.findLive(use, new Date())
    const network = this.#networkDigest(ip)
    const own = live.filter(it => it.network === network)
    const others = live.filter(it => it.network !== network)
    const found = [...own, ...others].slice(0, COMPARED).find(({ digest }) => this.#isDigest(digest, use, code))
    if (found !== undefined) this.#tries.giveBack(attempt)
    return found?._id
  }

  #isDigest(kept: string, use: string, code: string): boolean {
    const digest = Buffer.from(kept, 'base64url')
    return this.#keys.some(key => timingSafeEqual(digestOf(key, use, code.trim()), digest))
  }

  #networkDigest(ip: string): string {
    const [key = Buffer.alloc(0)] = this.#keys
    return digestOf(key, 'network', widestNetworkOf(ip)).toString('base64url')
  }
}

function digestOf(key: Buffer, use: string, code: string): Buffer {
  return createHmac('sha256', key).update(`${use}:${code}`).digest()
}

function wrongCode(): AppError {
  return new AppError('unauthenticated', 'The code is wrong or has expired')
}
