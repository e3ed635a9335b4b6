import type { AddressProof, CodeSent } from '../../../protocol/accounts/routes.ts'
import type { Me } from '../../../protocol/users/entities.ts'
import type { Actor } from '../../actor.ts'
import type { Config } from '../../config/config.ts'
import { AppError } from '../../errors.ts'
import type { Identifiers } from '../../identifiers.ts'
import type { NetworkBuckets } from '../../limits/network-buckets.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { UserService } from '../../users/index.ts'
import type { Asker, CodeRequests } from '../codes/code-requests.ts'
import type { Codes } from '../codes/codes.ts'
import { type OtpRecipient, requireRecipient } from '../codes/otp-recipient.ts'

interface AddressDeps {
  readonly config: Pick<Config, 'DEFAULT_REGION'>
  readonly codes: Codes
  readonly codeRequests: CodeRequests
  readonly users: UserService
  readonly registrations: NetworkBuckets
}

/**
 * Phone numbers and emails that somebody who is signed in says are theirs: a note until they prove it by a code.
 */
export class AddressService {
  readonly #deps: AddressDeps

  constructor(deps: AddressDeps) {
    this.#deps = deps
  }

  /**
   * Notes an address and sends a code there, which only the actor can use.
   * @throws {AppError} `invalid`, `conflict` when it is proved already, `rate_limited`
   */
  async note(actor: Actor, address: Pick<Identifiers, 'phone' | 'email'>, asker: Asker): Promise<CodeSent> {
    const { codeRequests, users } = this.#deps
    const target = await codeRequests.requireReachable(address)
    const me = await users.me(actor)
    if (isProved(me, target)) throw new AppError('conflict', 'You have proved this already')
    return await codeRequests.send({ purpose: 'prove', target, userId: actor.userId }, asker, async () => {
      await users.noteAddress(actor, target.key)
      return true
    })
  }

  /**
   * Notes what a profile names and the actor has neither proved nor noted yet.
   * @returns what was sent there, where something was
   * @throws {AppError} `invalid`, `rate_limited`
   */
  async noteNew(
    actor: Actor,
    { phone, email }: Pick<Identifiers, 'phone' | 'email'>,
    asker: Asker
  ): Promise<{ verification?: { phone?: CodeSent; email?: CodeSent } }> {
    const verification = omitUndefined({
      phone: phone === undefined ? undefined : await this.#noteNew(actor, { phone }, asker),
      email: email === undefined ? undefined : await this.#noteNew(actor, { email }, asker)
    })
    return Object.keys(verification).length === 0 ? {} : { verification }
  }

  /**
   * Keeps an address as the actor's by the code that was sent there. The first one that somebody proves gives the place
   * of a registration back.
   * @throws {AppError} `invalid`, `unauthenticated` when the code is wrong, `conflict` when somebody else has proved it
   * and signs in with it, `rate_limited`
   */
  async prove(actor: Actor, { code, requestId, ...address }: AddressProof, ip: string): Promise<Me> {
    const { config, codes, users, registrations } = this.#deps
    const target = await requireRecipient(address, config.DEFAULT_REGION)
    const claim = { purpose: 'prove', target, userId: actor.userId, code, requestId, ip } as const
    const { phone, email } = await codes.take(claim, async () => await users.me(actor))
    const me = await users.verifyAddress(actor, target.key)
    if (phone === undefined && email === undefined) registrations.giveBack(ip)
    return me
  }

  async #noteNew(actor: Actor, address: Pick<Identifiers, 'phone' | 'email'>, asker: Asker) {
    const { config, users } = this.#deps
    const target = await requireRecipient(address, config.DEFAULT_REGION)
    const me = await users.me(actor)
    return isProved(me, target) || isNoted(me, target) ? undefined : await this.note(actor, address, asker)
  }
}

function isNoted({ unverifiedPhone, unverifiedEmail }: Me, { channel, to }: OtpRecipient): boolean {
  return (channel === 'sms' ? unverifiedPhone : unverifiedEmail) === to
}

function isProved(me: Me, { channel, to }: OtpRecipient): boolean {
  return (channel === 'sms' ? me.phone : me.email) === to
}
