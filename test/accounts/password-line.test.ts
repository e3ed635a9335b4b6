import t from 'tap'
import { Passwords } from '../../src/accounts/passwords/passwords.ts'
import { setClock } from '../kit/clock.ts'
import { openDatabase } from '../kit/databases.ts'
import { joinServer, PASSWORD, type TestServer } from '../kit/helper.ts'

const SCHOOL = '203.0.113.1'

async function login({ app }: TestServer, username: string, password: string, remoteAddress: string): Promise<number> {
  const payload = { username, password }
  return (await app.inject({ method: 'POST', url: '/v1/auth/login', payload, remoteAddress })).statusCode
}

t.test('S21: a password is changed five times an hour, and wrong ones do not count', async t => {
  const server = await joinServer(t)
  const pass = setClock(t, { isStopped: false })
  const [ann, ben] = [await server.signUp(), await server.signUp()]
  const words = [PASSWORD, 'another horse battery']
  const change = async (token: string, currentPassword: string | undefined, newPassword: string | undefined) =>
    await server.call({ token }, 'POST', '/v1/auth/password', { currentPassword, newPassword })
  for (let tried = 0; tried < 6; tried++) {
    t.equal((await change(ann.accessToken, 'a wrong one', 'another horse battery')).status, 403)
  }
  for (let changed = 0; changed < 5; changed++) {
    t.equal((await change(ann.accessToken, words[changed % 2], words[(changed + 1) % 2])).status, 204)
  }
  const refused = await change(ann.accessToken, words[1], words[0])
  t.match(refused, { status: 429, body: { error: { code: 'rate_limited', retry: 'later' } } }, 'the sixth one')
  const { retryAfterMs } = refused.body.error
  t.ok(retryAfterMs > 0 && retryAfterMs <= 720_000, String(retryAfterMs))
  t.equal((await change(ben.accessToken, words[0], words[1])).status, 204, 'somebody else')
  pass(retryAfterMs)
  t.equal((await change(ann.accessToken, words[1], words[0])).status, 204, 'the moment after')
})

t.test('S21: a hundred sign in at once behind one address, whoever else fills the line', async t => {
  const server = await joinServer(t)
  await server.signUp({ username: 'pupil0' })
  const users = (await openDatabase(t, server.uri)).db().collection('users')
  const pupil = await users.findOne({ usernameKey: 'pupil0' })
  const names = Array.from({ length: 100 }, (_, index) => `pupil${index}`)
  await users.insertMany(
    names.slice(1).map(name => {
      const { _id, ...same } = pupil ?? {}
      return { ...same, username: name, usernameKey: name }
    })
  )
  const people = await Promise.all(Array.from({ length: 4 }, async () => await server.signUp()))
  const change = { currentPassword: PASSWORD, newPassword: 'another horse battery' }
  const changes = people.map(async ({ accessToken: token }) =>
    server.call({ token }, 'POST', '/v1/auth/password', change)
  )
  const stranger = Array.from({ length: 100 }, async (_, index) => login(server, `n${index}`, 'wrong', '198.51.100.7'))
  const school = await Promise.all(names.map(async name => await login(server, name, PASSWORD, SCHOOL)))
  t.same(new Set(school), new Set([200]))
  t.same(new Set((await Promise.all(changes)).map(({ status }) => status)), new Set([204]), 'the rest has its turn')
  await Promise.all(stranger)
})

t.test('S21: a person has two places in the line, a network two hundred and fifty', async t => {
  const passwords = new Passwords()
  const refused = async (works: Promise<unknown>[]) =>
    (await Promise.allSettled(works)).filter(it => it.status === 'rejected' && it.reason.code === 'busy').length
  // What is no hash is refused by the library at once.
  const ofPerson = Array.from({ length: 10 }, async () => passwords.matches('no hash', 'x', { userId: 'ann' }))
  const ofAnother = Array.from({ length: 2 }, async () => passwords.matches('no hash', 'x', { userId: 'ben' }))
  t.same(await Promise.all([refused(ofPerson), refused(ofAnother)]), [6, 0], 'beyond two compared and two that wait')
  const of = (ip: string, count: number) =>
    Array.from({ length: count }, async () => passwords.matches('no hash', 'x', { ip }))
  const site = [...of('2001:db8:1:1::1', 200), ...of('2001:db8:1:2::1', 100)]
  const neighbour = of('2001:db8:2::1', 100)
  t.same(await Promise.all([refused(site), refused(neighbour)]), [300 - 252, 0], 'of one /48')
  t.equal(await passwords.matches(undefined, 'x', { ip: SCHOOL }), false, 'and the line goes on')
})
