import { createHash, hkdfSync } from 'node:crypto'

const KEY_BYTES = 32

/** A key for one purpose of each secret, in their order: a key of one purpose is of no use for another (HKDF, RFC 5869). */
export function deriveKeys(
  secrets: readonly string[],
  purpose: 'refresh token' | 'one-time code' | 'ticket' | 'QR code'
): Buffer[] {
  return secrets.map(secret => Buffer.from(hkdfSync('sha256', secret, '', `parley ${purpose}`, KEY_BYTES)))
}

/** SHA-256 of a token or a secret, as it is stored: 43 characters. */
export function sha256Of(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
