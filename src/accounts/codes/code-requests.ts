import type { CodeSent } from '../../../protocol/accounts/routes.ts'
import type { Config } from '../../config/config.ts'
import { isLoopback } from '../../config/hosts.ts'
import { AppError } from '../../errors.ts'
import type { Identifiers } from '../../identifiers.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { Delivery } from '../delivery/port.ts'
import type { CodeCounts } from './code-counts.ts'
import type { CodeUse } from './code-use.ts'
import { CODE_MS, type Codes } from './codes.ts'
import type { OtpLimits } from './otp-limits.ts'
import { type OtpRecipient, requireRecipient } from './otp-recipient.ts'

interface CodeRequestDeps {
  readonly config: Pick<Config, 'DEFAULT_REGION' | 'HOST' | 'NODE_ENV' | 'OTP_DELIVERY'>
  readonly codes: Codes
  readonly otpLimits: OtpLimits
  readonly codeCounts: CodeCounts
  readonly delivery: Delivery
  readonly onError: (error: unknown) => void
}

/** Origin of a request for a code. */
export interface Asker {
  readonly ip: string
  /** True for a request from this machine, through no proxy. */
  readonly isLocal: boolean
}

/** Codes on their way to people. */
export class CodeRequests {
  readonly #deps: CodeRequestDeps
  readonly #isShown: boolean

  constructor(deps: CodeRequestDeps) {
    const { HOST, NODE_ENV, OTP_DELIVERY } = deps.config
    this.#deps = deps
    this.#isShown = NODE_ENV !== 'production' && OTP_DELIVERY === 'log' && isLoopback(HOST)
  }

  /**
   * @throws {AppError} `invalid` unless it is one address, a possible one, that codes can be sent to, `not_configured`
   * where they can be sent to none
   */
  async requireReachable(address: Pick<Identifiers, 'phone' | 'email'>): Promise<OtpRecipient> {
    const target = await requireRecipient(address, this.#deps.config.DEFAULT_REGION)
    const { channels } = this.#deps.delivery
    if (channels.includes(target.channel)) return target
    if (channels.length === 0) {
      throw new AppError('not_configured', 'This server sends no codes: its operator has to set OTP_DELIVERY')
    }
    throw new AppError('invalid', 'This server sends codes by email only')
  }

  /**
   * Makes a code and sends it. The delivery, which only codes that open something get and which takes longer than
   * anything else, is not waited for. When it fails for good, that is logged, and the person asks for another code.
   * @param prepare whether the code opens something; it runs when no limit refuses
   * @throws {AppError} `rate_limited`
   */
  async send(use: CodeUse, { ip, isLocal }: Asker, prepare: () => Promise<boolean>): Promise<CodeSent> {
    const { codes, otpLimits, codeCounts, delivery, onError } = this.#deps
    await otpLimits.take({ ...use, ip })
    const isOpening = await prepare()
    const { requestId, code } = await codes.make({ ...use, ip }, isOpening)
    if (isOpening) {
      codeCounts.sent += 1
      const { channel, to } = use.target
      setImmediate(() => void delivery.deliver({ channel, to, code, purpose: use.purpose }).catch(onError))
    }
    return {
      requestId,
      expiresInMs: CODE_MS,
      ...omitUndefined({ devCode: this.#isShown && isLocal ? code : undefined })
    }
  }
}
