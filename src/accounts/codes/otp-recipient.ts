import { AppError } from '../../errors.ts'
import { type Identifiers, identifierKeys } from '../../identifiers.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { Address } from '../../users/index.ts'
import type { Channel } from '../delivery/port.ts'

/** Address that a code goes to, and the person if there is one. */
export interface OtpRecipient {
  readonly channel: Channel
  /** E.164, or an email as it is kept. */
  readonly to: string
  readonly key: Address
}

/** @throws {AppError} `invalid` unless it is exactly one, and a possible one */
export async function requireRecipient(
  { phone, email }: Pick<Identifiers, 'phone' | 'email'>,
  region: string | undefined
): Promise<OtpRecipient> {
  const keys = await identifierKeys(omitUndefined({ phone, email }), region)
  if (keys.phone !== undefined && keys.email === undefined) {
    return { channel: 'sms', to: keys.phone, key: { phone: keys.phone } }
  }
  if (keys.email !== undefined && keys.phone === undefined) {
    return { channel: 'email', to: keys.email, key: { email: keys.email } }
  }
  throw new AppError('invalid', 'Exactly one of phone and email is required')
}
