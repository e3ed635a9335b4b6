import { hkdfSync } from 'node:crypto'
import { createSigner, createVerifier } from 'fast-jwt'
import type { Signer } from './jwt.ts'

const ALGORITHM = 'HS256'

/** A signer for each secret. */
export function createSigners(secrets: readonly string[]): Signer[] {
  return secrets.map(secret => {
    const id = Buffer.from(hkdfSync('sha256', secret, '', 'parley key id', 6)).toString('base64url')
    return {
      id,
      sign: createSigner({ key: secret, algorithm: ALGORITHM, kid: id }),
      verify: createVerifier({ key: secret, algorithms: [ALGORITHM], cache: false, requiredClaims: ['exp'] })
    }
  })
}
