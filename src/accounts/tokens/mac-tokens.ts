import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { deriveKeys } from './secrets.ts'

const RANDOM_BYTES = 20
/** Seconds since 1970. */
const EXPIRY_BYTES = 4
const MAC_BYTES = 8
const PROOF_BYTES = 16
const BODY_BYTES = RANDOM_BYTES + EXPIRY_BYTES

/**
 * Random tokens that can be told from what strangers make up, and from those whose time is over, without asking the
 * database.
 */
export class MacTokens {
  readonly #keys: readonly Buffer[]

  /** @param secrets the first makes tokens, all of them recognise theirs */
  constructor(secrets: readonly string[], purpose: 'ticket' | 'QR code') {
    this.#keys = deriveKeys(secrets, purpose)
  }

  /** A new one, which nobody can guess: 43 characters. */
  make(expiresAt: Date): string {
    const body = randomBytes(BODY_BYTES)
    body.writeUInt32BE(Math.ceil(expiresAt.getTime() / 1_000), RANDOM_BYTES)
    const [key = Buffer.alloc(0)] = this.#keys
    return Buffer.concat([body, macOf(key, body)]).toString('base64url')
  }

  /**
   * End of a token that one of the secrets has made, ms since 1970; what became of it, the database knows.
   * @returns 0 when none of them has
   */
  expiryOf(token: string): number {
    const bytes = Buffer.from(token, 'base64url')
    // The decoder takes many texts for the same bytes: only one of them is the token.
    if (bytes.length !== BODY_BYTES + MAC_BYTES || bytes.toString('base64url') !== token) return 0
    const [body, mac] = [bytes.subarray(0, BODY_BYTES), bytes.subarray(BODY_BYTES)]
    if (!this.#keys.some(key => timingSafeEqual(macOf(key, body), mac))) return 0
    return body.readUInt32BE(RANDOM_BYTES) * 1_000
  }

  /** Text that goes with a token, and that who has only the token cannot make: 22 characters. */
  proofOf(token: string): string {
    const [key = Buffer.alloc(0)] = this.#keys
    return proofBy(key, token).toString('base64url')
  }

  /** Whether a text is the proof of a token, by one of the secrets. */
  isProof(token: string, proof: string): boolean {
    const bytes = Buffer.from(proof, 'base64url')
    return bytes.length === PROOF_BYTES && this.#keys.some(key => timingSafeEqual(proofBy(key, token), bytes))
  }
}

function macOf(key: Buffer, body: Buffer): Buffer {
  return createHmac('sha256', key).update(body).digest().subarray(0, MAC_BYTES)
}

function proofBy(key: Buffer, token: string): Buffer {
  return createHmac('sha256', key).update(`proof ${token}`).digest().subarray(0, PROOF_BYTES)
}
