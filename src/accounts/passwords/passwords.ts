import { FairGate, type Turn } from '../../limits/fair-gate.ts'
import { widestNetworkOf } from '../../limits/networks.ts'

const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
/** Of a random password that nobody knows; with the cost of the others. */
const NOBODYS_HASH = '$argon2id$v=19$m=19456,t=2,p=1$YjqpMgHNBY51rfo1TrQ7Gg$1nYkFekVnKEDomIAYoznVV71oPjQ45d0WpmLtao9iiM'
/** Hashing takes a core each; more at once would only starve everything else. */
const AT_ONCE = 2
const MAX_WAITING = 1_000
/** Of one network: a school at nine o'clock, some ten seconds of work. */
const MAX_WAITING_OF_NETWORK = 250
const MAX_WAITING_OF_PERSON = 2
/** Load the hash with the first password: it takes much memory, unused where people sign in elsewhere. */
const loadArgon = async () => await import('@node-rs/argon2')

/** Party that has a password hashed or compared: the person where they are known, otherwise the address that asks. */
export type Asker = { readonly userId: string } | { readonly ip: string }

/**
 * Hashes and compares passwords (argon2id), a few at once; the same password in another Unicode form is the same. Who
 * signs in goes before the rest, and networks and people take turns.
 */
export class Passwords {
  readonly #gate = new FairGate({ width: AT_ONCE, maxWaiting: MAX_WAITING })

  /** @throws {AppError} `busy` when too many are waiting */
  async hash(password: string, asker: Asker): Promise<string> {
    return await this.#gate.run(turnOf(asker, false), async () => {
      const { hash } = await loadArgon()
      return await hash(password.normalize('NFC'), COST)
    })
  }

  /**
   * Takes the same time whether there is a hash to compare with or not. Who is not known yet is signing in.
   * @throws {AppError} `busy` when too many are waiting
   */
  async matches(passwordHash: string | undefined, password: string, asker: Asker): Promise<boolean> {
    return await this.#gate.run(turnOf(asker, 'ip' in asker), async () => {
      const { verify } = await loadArgon()
      const isSame = await verify(passwordHash ?? NOBODYS_HASH, password.normalize('NFC'))
      return isSame && passwordHash !== undefined
    })
  }
}

function turnOf(asker: Asker, isUrgent: boolean): Turn {
  if ('userId' in asker) return { party: asker.userId, maxWaiting: MAX_WAITING_OF_PERSON, isUrgent }
  return { party: widestNetworkOf(asker.ip), maxWaiting: MAX_WAITING_OF_NETWORK, isUrgent }
}
