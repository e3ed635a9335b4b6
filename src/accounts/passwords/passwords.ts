import { Gate } from '../../limits/gate.ts'

const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
/** Of a random password that nobody knows; with the cost of the others. */
const NOBODYS_HASH = '$argon2id$v=19$m=19456,t=2,p=1$YjqpMgHNBY51rfo1TrQ7Gg$1nYkFekVnKEDomIAYoznVV71oPjQ45d0WpmLtao9iiM'
/** Hashing takes a core each; more at once would only starve everything else. */
const AT_ONCE = 2
const MAX_WAITING = 200
/** Load the hash with the first password: it takes much memory, unused where people sign in elsewhere. */
const loadArgon = async () => await import('@node-rs/argon2')

/** Hashes and compares passwords (argon2id), a few at once; the same password in another Unicode form is the same. */
export class Passwords {
  readonly #gate = new Gate(AT_ONCE, MAX_WAITING)

  /** @throws {AppError} `busy` when too many are waiting */
  async hash(password: string): Promise<string> {
    return await this.#gate.run(async () => {
      const { hash } = await loadArgon()
      return await hash(password.normalize('NFC'), COST)
    })
  }

  /**
   * Takes the same time whether there is a hash to compare with or not.
   * @throws {AppError} `busy` when too many are waiting
   */
  async matches(passwordHash: string | undefined, password: string): Promise<boolean> {
    return await this.#gate.run(async () => {
      const { verify } = await loadArgon()
      const isSame = await verify(passwordHash ?? NOBODYS_HASH, password.normalize('NFC'))
      return isSame && passwordHash !== undefined
    })
  }
}
