import { hkdfSync } from 'node:crypto'
import jwt, { type JWT } from '@fastify/jwt'
import type { FastifyInstance } from 'fastify'

/** Signs and verifies tokens with one secret, which `id` names in their header. */
interface Signer {
  readonly id: string
  sign(claims: object): string
  /** @throws {Error} whose code says whether the signature is another's or the time is over */
  verify(token: string): object
}

const ALGORITHM = 'HS256'

/**
 * Registers a namespace of @fastify/jwt for each secret: verifying stays synchronous, and no token is tried on a key
 * that it did not ask for. The app must be ready before the first use.
 */
export function registerSigners(app: FastifyInstance, secrets: readonly string[]): Signer[] {
  return secrets.map((secret, index) => {
    const namespace = `key${index}`
    const id = Buffer.from(hkdfSync('sha256', secret, '', 'parley key id', 6)).toString('base64url')
    app.register(jwt, {
      secret,
      namespace,
      sign: { algorithm: ALGORITHM, kid: id },
      verify: { algorithms: [ALGORITHM], cache: false, requiredClaims: ['exp'] }
    })
    return {
      id,
      sign: claims => signerOf(app, namespace).sign(claims),
      verify: token => signerOf(app, namespace).verify<object>(token)
    }
  })
}

function signerOf(app: FastifyInstance, namespace: string): JWT {
  const signer = (app.jwt as unknown as Record<string, JWT>)[namespace]
  if (!signer) throw new Error('The app is not ready')
  return signer
}
