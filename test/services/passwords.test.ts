import { createRequire } from 'node:module'
import t from 'tap'

// Before the server is loaded, which takes the function as it finds it.
const argon2: typeof import('@node-rs/argon2') = createRequire(import.meta.url)('@node-rs/argon2')
const verifications = t.capture(argon2, 'verify', argon2.verify)
const { startServer } = await import('../helper.ts')

/** Parameters of the cost of a comparison: algorithm, version, memory, rounds, lanes, length of salt and of hash. */
function costOf(hash: string): string[] {
  const [, algorithm = '', version = '', cost = '', salt = '', digest = ''] = hash.split('$')
  return [algorithm, version, cost, `salt of ${salt.length}`, `hash of ${digest.length}`]
}

t.test('an unknown person takes as long as a known one', async t => {
  const server = await startServer(t)
  await server.signUp({ username: 'known' })
  const work = async (username: string) => {
    verifications()
    const account = { username, password: 'wrong password' }
    t.equal((await server.call(undefined, 'POST', '/v1/auth/login', account)).status, 401, username)
    return verifications().map(({ args: [hash, password] }) => ({ cost: costOf(String(hash)), password }))
  }
  const known = await work('known')
  t.equal(known.length, 1, 'one comparison')
  t.same(await work('unknown'), known, 'the same work: as many comparisons, of the same cost')
})
