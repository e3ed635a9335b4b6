import type { CodeDelivery, Delivery } from './port.ts'

/** The part of a logger that is needed here. */
export interface CodeLog {
  info(fields: object, message: string): void
}

/** Prints codes for a developer to type in; refused in production. The one place where a code is logged, and for whom it is. */
export class LogDelivery implements Delivery {
  readonly channels = ['sms', 'email'] as const
  readonly #log: CodeLog

  constructor(log: CodeLog) {
    this.#log = log
  }

  async deliver({ channel, to, code, purpose }: CodeDelivery): Promise<void> {
    this.#log.info(
      { channel, purpose, recipient: to, oneTimeCode: code },
      'A code, printed because OTP_DELIVERY is log'
    )
  }

  close(): void {
    // Nothing is ever under way.
  }
}
