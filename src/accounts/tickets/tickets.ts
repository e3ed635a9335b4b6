import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'

const RANDOM_BYTES = 24
const MAC_BYTES = 8

/** Tickets that can be told from what strangers make up without asking the database. */
export class Tickets {
  readonly #keys: readonly Buffer[]

  /** @param secrets the first makes tickets, all of them recognise theirs */
  constructor(secrets: readonly string[]) {
    this.#keys = secrets.map(secret => Buffer.from(hkdfSync('sha256', secret, '', 'parley ticket', 32)))
  }

  /** A new one, which nobody can guess: 43 characters. */
  make(): string {
    const random = randomBytes(RANDOM_BYTES)
    const [key = Buffer.alloc(0)] = this.#keys
    return Buffer.concat([random, macOf(key, random)]).toString('base64url')
  }

  /** Whether one of the secrets has made it; whether it is still good, the database knows. */
  isOurs(ticket: string): boolean {
    const bytes = Buffer.from(ticket, 'base64url')
    if (bytes.length !== RANDOM_BYTES + MAC_BYTES) return false
    const [random, mac] = [bytes.subarray(0, RANDOM_BYTES), bytes.subarray(RANDOM_BYTES)]
    return this.#keys.some(key => timingSafeEqual(macOf(key, random), mac))
  }
}

function macOf(key: Buffer, random: Buffer): Buffer {
  return createHmac('sha256', key).update(random).digest().subarray(0, MAC_BYTES)
}
