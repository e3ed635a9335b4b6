import { createHmac, timingSafeEqual } from 'node:crypto'
import { deriveKeys } from '../tokens/secrets.ts'

/** Fields of a session in its refresh tokens. `sessionId`: 24 hexadecimal digits. */
export interface RefreshSubject {
  readonly sessionId: string
  readonly salt: string
  readonly generation: number
}

const FORM = /^([0-9a-f]{24})\.(\d{1,10})\.([A-Za-z0-9_-]{43})$/

/**
 * Refresh tokens `<session>.<generation>.<HMAC>`: computed, so that the same successor can be given twice and
 * nothing readable has to be stored. The first secret makes them, every secret of the list recognises them.
 */
export class RefreshTokens {
  readonly #keys: Buffer[]

  constructor(secrets: readonly string[]) {
    if (secrets.length === 0) throw new Error('A secret is needed')
    this.#keys = deriveKeys(secrets, 'refresh token')
  }

  encode(subject: RefreshSubject): string {
    const [key = Buffer.alloc(0)] = this.#keys
    return `${subject.sessionId}.${subject.generation}.${mac(key, subject).toString('base64url')}`
  }

  /** Read the claims of a token, not yet proved; `undefined` when it is none. */
  parse(token: string): { sessionId: string; generation: number; proof: Buffer } | undefined {
    const [, sessionId, generation, proof] = FORM.exec(token) ?? []
    if (sessionId === undefined || proof === undefined) return undefined
    return { sessionId, generation: Number(generation), proof: Buffer.from(proof, 'base64url') }
  }

  isProof(subject: RefreshSubject, proof: Buffer): boolean {
    return this.#keys.some(key => timingSafeEqual(mac(key, subject), proof))
  }
}

function mac(key: Buffer, { sessionId, salt, generation }: RefreshSubject): Buffer {
  return createHmac('sha256', key).update(`${sessionId}.${salt}.${generation}`).digest()
}
