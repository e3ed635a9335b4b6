import type { CodePurpose } from '../delivery/port.ts'
import type { OtpRecipient } from './otp-recipient.ts'

/** Use of a code: its purpose, its recipient, and its user where there is only one. */
export interface CodeUse {
  readonly purpose: CodePurpose
  readonly target: OtpRecipient
  /** User who alone may use it, 24 hexadecimal digits; everybody who has the code by default. */
  readonly userId?: string
}

/** Name of a use, by which its codes are kept. */
export function useName({ purpose, target: { channel, to }, userId }: CodeUse): string {
  return `${userId === undefined ? purpose : `${purpose} by ${userId}`}:${channel}:${to}`
}
