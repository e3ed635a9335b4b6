import { hkdfSync } from 'node:crypto'
import jwt, { type JWT } from '@fastify/jwt'
import Fastify from 'fastify'

/** Signs and verifies tokens with one secret, which `id` names in their header. */
interface Signer {
  readonly id: string
  sign(claims: object): string
  /** @throws {Error} whose code says whether the signature is another's or the time is over */
  verify(token: string): object
}

const ALGORITHM = 'HS256'

/**
 * Makes a signer of each secret, on an instance of its own: the library is loaded with the first token, when no plugin
 * can be added to the app any more. Each has a namespace, so that no token is tried on a key that it did not ask for.
 */
export async function createSigners(secrets: readonly string[]): Promise<Signer[]> {
  const app = Fastify()
  const signers = secrets.map((secret, index) => {
    const namespace = `key${index}`
    const id = Buffer.from(hkdfSync('sha256', secret, '', 'parley key id', 6)).toString('base64url')
    app.register(jwt, {
      secret,
      namespace,
      sign: { algorithm: ALGORITHM, kid: id },
      verify: { algorithms: [ALGORITHM], cache: false, requiredClaims: ['exp'] }
    })
    return { id, namespace }
  })
  await app.ready()
  const byNamespace = app.jwt as unknown as Record<string, JWT | undefined>
  return signers.flatMap(({ id, namespace }) => {
    const library = byNamespace[namespace]
    if (library === undefined) return []
    return {
      id,
      sign: (claims: object) => library.sign(claims),
      verify: (token: string) => library.verify<object>(token)
    }
  })
}
