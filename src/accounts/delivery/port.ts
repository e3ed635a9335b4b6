/** Purposes of a code. */
export type CodePurpose = 'register' | 'login' | 'reset' | 'prove'

/** The way to a person: a text message to a phone number, or a mail. */
export type Channel = 'sms' | 'email'

/** Delivery of a code to its recipient. */
export interface CodeDelivery {
  readonly channel: Channel
  /** A phone number (E.164) or an email address. */
  readonly to: string
  readonly code: string
  readonly purpose: CodePurpose
}

/** Transport of one-time codes. Every implementation passes `test/accounts/delivery/contract.ts`. */
export interface Delivery {
  /** The channels that it serves. */
  readonly channels: readonly Channel[]
  /**
   * Hands the code to who takes it from here. Rejects, after a bounded number of tries, with an error that holds
   * neither the code nor the recipient.
   */
  deliver(delivery: CodeDelivery): Promise<void>
  /** Gives up what is under way. */
  close(): void
}

/** Why one try did not work. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError'
  /** The same again would fail again. */
  readonly isPermanent: boolean

  constructor(message: string, isPermanent: boolean) {
    super(message)
    this.isPermanent = isPermanent
  }
}
