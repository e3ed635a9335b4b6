import t from 'tap'
import { setClock } from '../kit/clock.ts'
import { type Person, startServer } from '../kit/helper.ts'

/** Long beside what an answer takes. */
const HELD_MS = 3_000

t.test('S21: who goes on asking though refused is answered later, and keeps nobody else from an answer', async t => {
  const env = { LIMITS_COMMANDS_PER_SECOND: '1', LIMITS_COMMANDS_BURST: '1', TIMINGS_HELD_REFUSAL_MS: String(HELD_MS) }
  const server = await startServer(t, { env })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const pass = setClock(t, { isStopped: true })
  pass(60_000)
  const answered: string[] = []
  const ask = async (who: Person, name: string, path = '/v1/users/me') => {
    const { status } = await server.call(who, 'GET', path)
    answered.push(name)
    return status
  }
  t.equal(await ask(ann, 'granted'), 200)
  const statuses = await Promise.all(Array.from({ length: 20 }, async () => await ask(ann, 'refused')))
  t.same(new Set(statuses), new Set([429]))
  const held = ['/v1/users/me', '/auth/me', '/v1/no/such/path'].map(async path => await ask(ann, 'held', path))
  t.equal(await ask(ben, 'neighbour'), 200)
  t.equal(await ask(ben, 'refused neighbour'), 429, 'one who asks too much once hears so at once')
  t.same(await Promise.all(held), [429, 429, 429])
  t.same(answered.slice(21), ['neighbour', 'refused neighbour', 'held', 'held', 'held'])
  pass(1_000)
  t.equal(await ask(ann, 'granted'), 200, 'who has waited is served')
})
