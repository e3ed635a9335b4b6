import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import type { SignIn } from '../../src/accounts/passwords/password-sign-in.ts'
import { Passwords } from '../../src/accounts/passwords/passwords.ts'
import type { Subjects } from '../../src/app.ts'
import { ObjectId } from '../../src/database/object-id.ts'
import { parsePhone } from '../../src/identifiers.ts'
import { RecentCache } from '../../src/limits/recent-cache.ts'
import { openDatabase } from '../kit/databases.ts'
import { joinServer, mintToken, openServices, ownDatabase, PASSWORD, SECRET } from '../kit/helper.ts'

const IP = '198.51.100.7'

/** Registers somebody under a new name. */
async function signUp({ auth }: Pick<Subjects, 'auth'>): Promise<SignIn> {
  return await auth.register({ username: `u${randomBytes(6).toString('hex')}`, password: PASSWORD }, IP)
}

t.test('a phone number in any spelling is the same number, and what is none is refused', async t => {
  for (const text of [
    '+49 30 901820',
    '0049 30 901820',
    '030 901820',
    '（030）901820',
    '+49-30-901820',
    '００49 30901820'
  ]) {
    t.equal(await parsePhone(text, 'DE'), '+4930901820', text)
  }
  for (const text of ['+1', '00', 'call me', '+49 30 CALLME', '1'.repeat(40), '', '+49 30 901820 ext. 5', '{}']) {
    t.equal(await parsePhone(text, 'DE'), undefined, text)
  }
  t.equal(await parsePhone('030 901820', undefined), undefined, 'no region, no local numbers')
})

t.test(
  'a look-up is shared, a failed one is not kept, one that was forgotten meanwhile is not kept either',
  async t => {
    let loads = 0
    const server: { isDown: boolean } = { isDown: false }
    const cache = new RecentCache(
      async (key: string) => {
        loads++
        await wait(5)
        if (server.isDown) throw new Error('down')
        return key
      },
      1000,
      10
    )
    await Promise.all([cache.get('a'), cache.get('a'), cache.get('a')])
    t.equal(loads, 1)
    const pending = cache.get('b')
    cache.delete('b')
    await pending
    await cache.get('b')
    t.equal(loads, 3)
    server.isDown = true
    await t.rejects(cache.get('c'))
    server.isDown = false
    t.equal(await cache.get('c'), 'c')
  }
)

t.test('a password is the same in every Unicode form, and nobody has nobody’s', async t => {
  const passwords = new Passwords()
  const asker = { ip: IP }
  const hash = await passwords.hash('Größe für alle'.normalize('NFC'), asker)
  t.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  t.equal(await passwords.matches(hash, 'Größe für alle'.normalize('NFD'), asker), true)
  t.equal(await passwords.matches(hash, 'Größe für alles', asker), false)
  t.equal(await passwords.matches(undefined, 'anything', asker), false)
})

t.test('refresh', async t => {
  const uri = ownDatabase(t)
  const services = await openServices(t, { uri })
  const { auth, sessions, bus, users } = services
  const collection = (await openDatabase(t, uri)).db().collection('sessions')
  const idOf = (token: string) => new ObjectId(token.slice(0, 24))

  await t.test('twenty at once with one token: all get the same successor, and one generation is used', async t => {
    const { refreshToken } = await signUp(services)
    const all = await Promise.all(Array.from({ length: 20 }, () => auth.refresh(refreshToken, IP)))
    t.equal(new Set(all.map(signIn => signIn.refreshToken)).size, 1)
    t.equal((await collection.findOne({ _id: idOf(refreshToken) }))?.['generation'], 2)
    await t.resolves(auth.refresh(all[0]?.refreshToken ?? '', IP), 'the successor works')
  })

  await t.test('a token from before the predecessor ends the session', async t => {
    const first = await signUp(services)
    const second = await auth.refresh(first.refreshToken, IP)
    const third = await auth.refresh(second.refreshToken, IP)
    const ended: string[] = []
    bus.subscribe('sessionEnd', ({ sessionId }) => ended.push(sessionId))
    await t.rejects(auth.refresh(first.refreshToken, IP), { code: 'session_revoked' })
    await t.rejects(auth.refresh(third.refreshToken, IP), { code: 'session_revoked' }, 'the newest is dead too')
    t.same(ended, [first.refreshToken.slice(0, 24)], 'told once')
    await t.rejects(sessions.requireLiveSession(third), { code: 'session_revoked' })
  })

  await t.test(
    'the predecessor gets nothing when the successor has been used, or ten seconds after its access token came in',
    async t => {
      const used = await signUp(services)
      const next = await auth.refresh(used.refreshToken, IP)
      await auth.refresh(next.refreshToken, IP)
      await t.rejects(auth.refresh(used.refreshToken, IP), { code: 'session_revoked' })
      const late = await signUp(services)
      const { generation } = await auth.refresh(late.refreshToken, IP)
      await sessions.requireLiveSession(late, generation)
      await t.resolves(auth.refresh(late.refreshToken, IP))
      await collection.updateOne(
        { _id: idOf(late.refreshToken) },
        { $set: { rotatedAt: new Date(Date.now() - 10_500) } }
      )
      await t.rejects(auth.refresh(late.refreshToken, IP), { code: 'session_revoked' })
    }
  )

  await t.test('what is no refresh token, and forged ones, change nothing', async t => {
    const { refreshToken, userId, sessionId } = await signUp(services)
    const accessToken = await mintToken(userId, { sid: sessionId, typ: 'access' })
    const [id, , proof] = refreshToken.split('.')
    const { refreshToken: others } = await signUp(services)
    const bad = [
      '',
      'x',
      accessToken,
      `${id}.2.${proof}`,
      `${id}.1.${'A'.repeat(43)}`,
      `${id}.1.${others.split('.')[2]}`
    ]
    for (const token of bad) await t.rejects(auth.refresh(token, IP), { code: 'unauthenticated' }, token)
    await t.resolves(auth.refresh(refreshToken, IP))
  })

  await t.test('an expired session is over although the database still has it', async t => {
    const { refreshToken } = await signUp(services)
    const _id = idOf(refreshToken)
    const expiresAt = new Date(Date.now() - 1)
    await collection.updateOne({ _id }, { $set: { expiresAt } })
    await t.rejects(auth.refresh(refreshToken, IP), { code: 'session_revoked' })
  })

  await t.test('S40: a new first secret: old tokens go on, and their successors are made with the new one', async t => {
    const { refreshToken } = await signUp(services)
    const rotated = await openServices(t, { uri, env: { JWT_SECRET: `Zx9Cv8Bn7Mq6Wl5Ek4Rj3Th2Yg1Uf0Ip,${SECRET}` } })
    const next = await rotated.auth.refresh(refreshToken, IP)
    await t.rejects(auth.refresh(next.refreshToken, IP), { code: 'unauthenticated' }, 'which the old one does not know')
  })
  await t.rejects(users.requireEnabled(new ObjectId().toHexString()), { code: 'unauthenticated' })
})

t.test('nothing that is stored signs anybody in', async t => {
  const server = await joinServer(t)
  const client = await openDatabase(t, server.uri)
  const signedIn = await server.signUp()
  const { ticket } = (await server.call({ token: signedIn.accessToken }, 'POST', '/v1/auth/tickets')).body
  t.type(ticket, 'string')
  const stored = JSON.stringify(
    await Promise.all(['users', 'sessions', 'tickets'].map(name => client.db().collection(name).find().toArray()))
  )
  for (const secret of [
    PASSWORD,
    ticket,
    signedIn.accessToken,
    signedIn.refreshToken,
    signedIn.refreshToken.split('.')[2]
  ]) {
    t.notOk(stored.includes(secret ?? 'missing'))
  }
})

t.test('a session revoked elsewhere is found by its moment, and known at once after the word of it', async t => {
  const services = await openServices(t)
  const { store, bus, sessions } = services
  const { userId, sessionId } = await signUp(services)
  await sessions.requireLiveSession({ userId, sessionId })
  const before = await store.database.clock.read()
  t.equal(await store.sessions.revoke(new ObjectId(sessionId), new ObjectId(userId)), true)
  t.equal(await store.sessions.revoke(new ObjectId(sessionId), new ObjectId(userId)), false, 'once')
  t.same(await store.sessions.revokedSince(new Date(before.getTime() - 1)), [sessionId])
  t.same(await store.sessions.revokedSince(new Date(Date.now() + 60_000)), [])
  bus.publish('sessionEnd', { sessionId })
  await t.rejects(sessions.requireLiveSession({ userId, sessionId }), { code: 'session_revoked' })
})

t.test('tickets: one use, thirty seconds, dead with the session', async t => {
  const services = await openServices(t)
  const { sessions, tickets, uri } = services
  const client = await openDatabase(t, uri)
  const { userId, sessionId } = await signUp(services)
  const actor = { userId, sessionId, expiresAt: Date.now() + 1_000_000 }
  const { ticket } = await tickets.create(actor)
  const uses = await Promise.allSettled([1, 2, 3].map(() => tickets.redeem(ticket)))
  t.same(
    uses.flatMap(use => (use.status === 'fulfilled' ? [use.value] : [])),
    [actor]
  )
  await t.rejects(tickets.redeem(ticket), { code: 'unauthenticated' })
  const late = await tickets.create(actor)
  await client
    .db()
    .collection('tickets')
    .updateMany({}, { $set: { expiresAt: new Date(Date.now() - 1) } })
  await t.rejects(tickets.redeem(late.ticket), { code: 'unauthenticated' })
  const dead = await tickets.create(actor)
  await sessions.logout(actor)
  await t.rejects(tickets.redeem(dead.ticket), { code: 'session_revoked' })
})

t.test('a person of another user system is made once, however many ask', async t => {
  const { users, uri } = await openServices(t)
  const client = await openDatabase(t, uri)
  const ids = await Promise.all(
    Array.from({ length: 20 }, () => users.requireExternal({ subject: 'legacy|42', mayBeOwn: true, name: 'Ada' }))
  )
  t.equal(new Set(ids).size, 1)
  t.equal(await client.db().collection('users').countDocuments(), 1)
  const hex = new ObjectId().toHexString()
  t.equal(await users.requireExternal({ subject: `user_${hex}`, mayBeOwn: true }), hex)
  t.match(await users.get({ userId: hex }, hex), { id: `user_${hex}`, displayName: 'User' })
  t.equal(
    (
      await users.get(
        { userId: hex },
        await users.requireExternal({ subject: 'x', mayBeOwn: true, name: `${'a'.repeat(63)}😀\u0000` })
      )
    ).displayName,
    'a'.repeat(63)
  )
  await client
    .db()
    .collection('users')
    .updateMany({}, { $set: { isDisabled: true } })
  await t.rejects(users.requireUsers([hex]), { code: 'not_found' })
})

t.test('every query has its index', async t => {
  const services = await openServices(t)
  const client = await openDatabase(t, services.uri)
  await signUp(services)
  const userId = new ObjectId()
  const queries: [string, object][] = [
    ['users', { usernameKey: 'a' }],
    ['users', { phone: '+4930901820' }],
    ['users', { email: 'a@b' }],
    ['users', { externalId: 'a' }],
    ['users', { $or: [{ usernameKey: 'a' }, { email: 'a@b' }], isDisabled: { $ne: true } }],
    ['users', { searchTokens: { $all: ['a', 'b'] }, isDisabled: { $ne: true } }],
    ['sessions', { userId, revokedAt: { $exists: false } }],
    ['sessions', { revokedAt: { $gt: new Date() } }]
  ]
  for (const [name, filter] of queries) {
    const plan = JSON.stringify((await client.db().collection(name).find(filter).explain())['queryPlanner'].winningPlan)
    t.match(plan, /IXSCAN/, `${name} ${Object.keys(filter)}`)
    t.notMatch(plan, /COLLSCAN/)
  }
})
