import type { CodeSent } from '../../../protocol/accounts/routes.ts'
import type { Config } from '../../config/config.ts'
import { AppError } from '../../errors.ts'
import type { Identifiers } from '../../identifiers.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { Delivery } from '../delivery/port.ts'
import { CODE_MS, type Codes, type CodeUse } from './codes.ts'
import { OtpLimits } from './otp-limits.ts'
import { type OtpRecipient, requireRecipient } from './otp-recipient.ts'

interface CodeRequestDeps {
  readonly config: Pick<Config, 'DEFAULT_REGION' | 'NODE_ENV' | 'OTP_DELIVERY' | 'limits'>
  readonly codes: Codes
  readonly delivery: Delivery
  readonly onError: (error: unknown) => void
}

/** Codes on their way to people. `ip` is the address that asks. */
export class CodeRequests {
  readonly #deps: CodeRequestDeps
  readonly #isShown: boolean
  readonly #limits: OtpLimits

  constructor(deps: CodeRequestDeps) {
    const { NODE_ENV, OTP_DELIVERY, limits } = deps.config
    this.#deps = deps
    this.#isShown = NODE_ENV !== 'production' && OTP_DELIVERY === 'log'
    this.#limits = new OtpLimits(limits)
  }

  /** @throws {AppError} `invalid` unless it is one address, a possible one, that codes can be sent to */
  async requireReachable(address: Pick<Identifiers, 'phone' | 'email'>): Promise<OtpRecipient> {
    const target = await requireRecipient(address, this.#deps.config.DEFAULT_REGION)
    if (this.#deps.delivery.channels.includes(target.channel)) return target
    throw new AppError('invalid', 'This server sends codes by email only')
  }

  /**
   * Makes a code and sends it. The delivery, which only codes that open something get and which takes longer than
   * anything else, is not waited for. When it fails for good, that is logged, and the person asks for another code.
   * @param prepare whether the code opens something; it runs when no limit refuses
   * @throws {AppError} `rate_limited`
   */
  async send(use: CodeUse, ip: string, prepare: () => Promise<boolean>): Promise<CodeSent> {
    const { codes, delivery, onError } = this.#deps
    await this.#limits.take(use.target, ip)
    const isOpening = await prepare()
    const code = await codes.make(use, isOpening)
    if (isOpening) {
      const { channel, to } = use.target
      setImmediate(() => void delivery.deliver({ channel, to, code, purpose: use.purpose }).catch(onError))
    }
    return { expiresInMs: CODE_MS, ...omitUndefined({ devCode: this.#isShown ? code : undefined }) }
  }
}
