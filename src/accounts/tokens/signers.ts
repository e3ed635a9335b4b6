import { hkdfSync } from 'node:crypto'
import { createSigner, createVerifier } from 'fast-jwt'

/** Signs and verifies with one secret; `id` names it in the header of a token. */
export interface Signer {
  readonly id: string
  sign(claims: object): string
  /** @throws {Error} whose code says whether the signature is another's or the time is over */
  verify(token: string): object
}

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
