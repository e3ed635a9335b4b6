import t, { type Test } from 'tap'
import type { SignedIn } from '../../protocol/accounts/entities.ts'
import { openDatabase } from '../kit/databases.ts'
import { type Answer, joinServer, mintToken, PASSWORD, startServer, type TestServer } from '../kit/helper.ts'

type Purpose = 'register' | 'login' | 'reset'
type Address = { phone: string } | { email: string }

let made = 0

function newPhone(): string {
  made += 1
  return `+49151${String(30_000_000 + made)}`
}

function newEmail(): string {
  made += 1
  return `person-${made}@example.org`
}

const KINDS = { phone: () => ({ phone: newPhone() }), email: () => ({ email: newEmail() }) }

async function post(server: TestServer, path: string, body: object, token?: string): Promise<Answer> {
  return await server.call(token === undefined ? undefined : { token }, 'POST', path, body)
}

async function codeFor(server: TestServer, purpose: Purpose, address: Address): Promise<string> {
  return (await post(server, '/v1/auth/otp', { purpose, ...address })).body.devCode
}

async function verify(server: TestServer, purpose: 'register' | 'login', address: Address): Promise<Answer> {
  return await post(server, '/v1/auth/otp/verify', {
    purpose,
    ...address,
    code: await codeFor(server, purpose, address)
  })
}

/** The owner of an address comes for the first time. @returns their sign-in */
async function comeBy(t: Test, server: TestServer, purpose: Purpose, address: Address): Promise<SignedIn> {
  if (purpose === 'login') {
    t.match(await verify(server, 'login', address), { status: 401, body: { error: { code: 'unauthenticated' } } })
  }
  if (purpose === 'reset') {
    const code = await codeFor(server, 'reset', address)
    const reset = await post(server, '/v1/auth/password/reset', {
      ...address,
      code,
      newPassword: 'the owner chose this'
    })
    t.match(reset, { status: 401, body: { error: { code: 'unauthenticated' } } })
  }
  const { status, body } = await verify(server, 'register', address)
  t.equal(status, 200)
  return body
}

/** Proofs of a squatter, besides noting addresses of others. */
const PROVED = {
  nothing: async () => undefined,
  'a number': async (server: TestServer, squatter: SignedIn) => await server.prove(squatter, KINDS.phone()),
  'an email': async (server: TestServer, squatter: SignedIn) => await server.prove(squatter, KINDS.email())
}

/** Squatter and owner of an address. */
interface Seats {
  readonly address: Address
  readonly squatter: SignedIn
  readonly owner: SignedIn
}

/** Ways by which a squatter may try to be the owner. @returns the ids of those whom they are then */
const TRIES: Readonly<Record<string, (server: TestServer, seats: Seats) => Promise<(string | undefined)[]>>> = {
  password: async (server, { address, squatter }) => {
    const byAddress = await post(server, '/v1/auth/login', { ...address, password: PASSWORD })
    const byName = await post(server, '/v1/auth/login', { username: squatter.user.username, password: PASSWORD })
    return [byAddress, byName].map(({ body }) => body.user?.id)
  },
  code: async (server, { squatter }) => {
    const { phone, email } = (await server.call({ token: squatter.accessToken }, 'GET', '/v1/users/me')).body
    const proved = [phone === undefined ? [] : [{ phone }], email === undefined ? [] : [{ email }]].flat() as Address[]
    return await Promise.all(proved.map(async address => (await verify(server, 'login', address)).body.user?.id))
  },
  'QR code': async (server, { squatter }) => {
    const device = { id: 'laptop', name: 'Laptop', platform: 'web' }
    const { token, matchCode, deviceSecret } = (await post(server, '/v1/auth/qr', { device })).body
    await post(server, `/v1/auth/qr/${token}/approve`, { matchCode }, squatter.accessToken)
    const login = { deviceId: 'laptop', deviceSecret }
    return [(await post(server, `/v1/auth/qr/${token}/login`, login)).body.user.id]
  },
  'session and refresh': async (server, { squatter }) => {
    const me = await server.call({ token: squatter.accessToken }, 'GET', '/v1/users/me')
    const refreshed = await post(server, '/v1/auth/refresh', { refreshToken: squatter.refreshToken })
    return [me.body.id, refreshed.body.user?.id]
  }
}

const NOTED: Readonly<Record<string, () => Address[]>> = {
  phone: () => [KINDS.phone()],
  email: () => [KINDS.email()],
  both: () => [KINDS.phone(), KINDS.email()]
}

/** Somebody notes addresses that are not theirs, and makes themself at home. */
async function squat(
  server: TestServer,
  addresses: readonly Address[],
  proved: keyof typeof PROVED
): Promise<SignedIn> {
  const peer = await server.person()
  const squatter = await server.signUp({ displayName: 'Not theirs' })
  const token = squatter.accessToken
  await PROVED[proved](server, squatter)
  for (const address of addresses) await post(server, '/v1/users/me/addresses', address, token)
  await server.call({ token }, 'PATCH', '/v1/users/me', { publicKey: 'KEY-OF-THE-SQUATTER' })
  await post(server, '/v1/conversations', { type: 'group', name: 'left over', memberIds: [peer.id] }, token)
  return squatter
}

/** Nothing of anybody else is in a new owner's account, and nobody else. */
async function requireOwn(t: Test, server: TestServer, { address, squatter, owner }: Seats): Promise<void> {
  const by = { token: owner.accessToken }
  t.not(owner.user.id, squatter.user.id)
  const me = (await server.call(by, 'GET', '/v1/users/me')).body
  t.match(me, { ...address, publicKey: undefined, username: undefined })
  t.same((await server.call(by, 'GET', '/v1/conversations')).body.conversations, [], 'nothing of theirs')
  t.equal((await server.call(by, 'GET', '/v1/sessions')).body.sessions.length, 1, 'nobody else is signed in')
}

/** The squatter gets in by no way, has lost the note, and cannot prove what somebody else has proved. */
async function requireOut(t: Test, server: TestServer, seats: Seats): Promise<void> {
  const { address, squatter, owner } = seats
  for (const [way, attempt] of Object.entries(TRIES)) {
    for (const id of await attempt(server, seats)) t.not(id, owner.user.id, way)
  }
  const token = squatter.accessToken
  const rest = (await server.call({ token }, 'GET', '/v1/users/me')).body
  t.notOk('phone' in address ? rest.unverifiedPhone : rest.unverifiedEmail, 'the note is gone')
  const late = await post(server, '/v1/users/me/addresses', address, token)
  const claim = { ...address, code: late.body.devCode }
  const taken = await post(server, '/v1/users/me/addresses/verify', claim, token)
  t.match(taken, { status: 409, body: { error: { code: 'conflict' } } }, 'also by a code it stays whose it is')
}

t.test('S01 S02 who proves an address gets an account of their own, and nobody else is in it', async t => {
  const server = await startServer(t, { env: { LIMITS_CODES_PER_MINUTE: '10' } })
  for (const [noted, makeAddresses] of Object.entries(NOTED)) {
    for (const proved of Object.keys(PROVED) as (keyof typeof PROVED)[]) {
      for (const purpose of ['register', 'login', 'reset'] as const) {
        await t.test(`noted: ${noted}, proved: ${proved}, the owner comes by ${purpose}`, async t => {
          const addresses = makeAddresses()
          const squatter = await squat(server, addresses, proved)
          for (const address of addresses) {
            const owner = await comeBy(t, server, purpose, address)
            await requireOwn(t, server, { address, squatter, owner })
            await requireOut(t, server, { address, squatter, owner })
          }
        })
      }
    }
  }
})

t.test('S01 a password registration without a username is complete only with its code', async t => {
  const server = await joinServer(t)
  const db = (await openDatabase(t, server.uri)).db()
  for (const address of [KINDS.phone(), KINDS.email(), { ...KINDS.phone(), ...KINDS.email() }]) {
    const refused = await post(server, '/v1/auth/register', { ...address, password: PASSWORD })
    t.match(refused, { status: 403, body: { error: { code: 'proof_required', message: /code/ } } })
  }
  t.equal(await db.collection('users').countDocuments(), 0)
  const phone = newPhone()
  const code = await codeFor(server, 'register', { phone })
  const claim = { purpose: 'register', phone, code, password: PASSWORD }
  t.match(await post(server, '/v1/auth/otp/verify', claim), { status: 200, body: { user: { phone } } })
  t.match(await post(server, '/v1/auth/login', { phone, password: PASSWORD }), {
    status: 200,
    body: { user: { phone } }
  })
})

t.test('S03 an address that nobody has proved finds nobody, on any path', async t => {
  const server = await joinServer(t)
  const [phone, email] = [newPhone(), newEmail()]
  const account = { username: 'impostor', phone, email, password: PASSWORD, displayName: 'Mum' }
  const impostor: SignedIn = (await post(server, '/v1/auth/register', account)).body
  t.match(impostor.user, { unverifiedPhone: phone, unverifiedEmail: email, phone: undefined, email: undefined })
  const friend = await server.person()
  const { body } = await server.call(friend, 'POST', '/v1/contacts/sync', { contacts: [{ phone, name: 'Mum' }] })
  t.same(body.matches, [])
  for (const path of ['/v1/users/search', '/users/search', '/mobile/users/search', '/unified/users/search']) {
    for (const q of [phone, email]) {
      const { text, status } = await server.call(friend, 'GET', `${path}?q=${encodeURIComponent(q)}`)
      t.equal(status, 200)
      t.notMatch(text, impostor.user.id.slice(5), `${path} ${q}`)
    }
  }
  t.equal((await server.call(friend, 'POST', '/contacts/start-chat', { phone })).status, 404)
  const proved = await server.prove(impostor, { phone })
  t.match(proved, { phone, unverifiedPhone: undefined })
  const found = await server.call(friend, 'POST', '/v1/contacts/sync', { contacts: [{ phone, name: 'Mum' }] })
  t.equal(found.body.matches.length, 1, 'found once it is proved')
})

t.test('S36 registering says nothing about whose a number or an email is', async t => {
  const server = await joinServer(t)
  const [phone, email] = [newPhone(), newEmail()]
  await server.signUp({ phone, email })
  const answers = await Promise.all(
    [
      { phone, email },
      { ...KINDS.phone(), ...KINDS.email() }
    ].map(
      async (addresses, index) =>
        await post(server, '/v1/auth/register', { username: `asks${index}`, password: PASSWORD, ...addresses })
    )
  )
  const [taken, free] = answers.map(({ status, body }) => [status, ...Object.keys(body.user)])
  t.same(taken, free)
  t.equal(answers[0]?.status, 201)
})

t.test('S37 what somebody has proved is shown to nobody else', async t => {
  const server = await joinServer(t)
  const ann = await server.signUp({ phone: newPhone() })
  const ben = await server.person()
  const shown = await server.call(ben, 'GET', `/v1/users/${ann.user.id}`)
  t.notMatch(shown.text, /verified/i)
  for (const path of [`/mobile/users/${ann.user.id}`, `/unified/users/profile/${ann.user.id}`]) {
    t.match((await server.call(ben, 'GET', path)).body.data, { isVerified: false }, path)
  }
  const own = await server.call({ token: ann.accessToken }, 'GET', '/mobile/users/me')
  t.match(own.body.data, { isVerified: true })
})

t.test('an address that is set later is proved by a code, and then signs in and finds', async t => {
  const server = await joinServer(t)
  const socket = await server.connect({ token: (await server.signUp({ username: 'watcher' })).accessToken })
  socket.terminate()
  const ann = await server.signUp({ username: 'ann' })
  const device = await server.connect({ token: ann.accessToken })
  for (const [address, other] of [
    [KINDS.phone(), KINDS.phone()],
    [KINDS.email(), KINDS.email()]
  ] as const) {
    const noted = await post(server, '/v1/users/me/addresses', address, ann.accessToken)
    t.match(noted, { status: 202, body: { expiresInMs: 600_000, devCode: /^\d{6}$/ } })
    await device.next(it => it.type === 'user:updated')
    t.equal((await post(server, '/v1/auth/login', { ...address, password: PASSWORD })).status, 401, 'not yet')
    const stranger = await server.signUp()
    const claim = { ...address, code: noted.body.devCode }
    const foreign = await post(server, '/v1/users/me/addresses/verify', claim, stranger.accessToken)
    t.match(foreign, { status: 401, body: { error: { code: 'unauthenticated' } } }, 'a code is for who asked')
    const wrong = { ...address, code: noted.body.devCode === '000000' ? '000001' : '000000' }
    t.equal((await post(server, '/v1/users/me/addresses/verify', wrong, ann.accessToken)).status, 401)
    const proved = await post(server, '/v1/users/me/addresses/verify', claim, ann.accessToken)
    t.match(proved, { status: 200, body: address })
    t.equal((await post(server, '/v1/users/me/addresses/verify', claim, ann.accessToken)).status, 401, 'once')
    t.match(await post(server, '/v1/auth/login', { ...address, password: PASSWORD }), {
      status: 200,
      body: { user: { id: ann.user.id } }
    })
    t.equal((await post(server, '/v1/users/me/addresses', address, ann.accessToken)).status, 409, 'it is theirs')
    await server.prove(ann, other)
    t.equal((await post(server, '/v1/auth/login', { ...address, password: PASSWORD })).status, 401, 'another came')
    t.equal((await post(server, '/v1/auth/login', { ...other, password: PASSWORD })).status, 200)
  }
  for (const bad of [{}, { phone: 'x' }, { email: 'x' }, { ...KINDS.phone(), ...KINDS.email() }]) {
    t.equal((await post(server, '/v1/users/me/addresses', bad, ann.accessToken)).status, 400)
  }
})

t.test('U81: documents 0 and 1: a profile that names an email or a number starts its proof, and says so', async t => {
  const server = await joinServer(t)
  for (const [root, method, number] of [
    ['/mobile', 'PUT', 'phoneNumber'],
    ['/unified', 'PATCH', 'phone'],
    ['', 'PUT', 'phoneNumber'],
    ['', 'PATCH', 'phone']
  ] as const) {
    const { accessToken: token, user } = await server.signUp()
    const [phone, email] = [newPhone(), newEmail()]
    const changed = await server.call({ token }, method, `${root}/users/me`, { [number]: phone, email, bio: 'Hello' })
    t.match(changed, { status: 200, body: { data: { bio: 'Hello', email: null, unverifiedEmail: email } } })
    const { verification } = changed.body.data
    const again = await server.call({ token }, method, `${root}/users/me`, { [number]: phone, email })
    t.notOk('verification' in again.body.data, 'nothing new, nothing sent')
    for (const [address, sent] of [
      [{ [number]: phone }, verification.phone],
      [{ email }, verification.email]
    ]) {
      const body = { ...address, otp: sent.devCode }
      const proved = await server.call({ token }, 'POST', `${root}/users/me/verify-otp`, body)
      t.match(proved, { status: 200, body: { success: true, data: { ...address, isVerified: true } } })
      if (root !== '/mobile') t.equal(proved.body.error, null, 'document 1 has it in every answer')
    }
    const login = await post(server, `/unified/auth/login`, { email, password: PASSWORD })
    t.match(login, { status: 200, body: { data: { user: { id: user.id.slice(5), email, phone } } } })
  }
})

t.test('what a configured issuer says is verified counts as proved, unless somebody has proved it', async t => {
  const server = await startServer(t, { env: { AUTH_ISSUER: 'https://id.example.org' } })
  const [phone, email] = [newPhone(), newEmail()]
  const claims = { email, email_verified: true, phone_number: phone, phone_number_verified: true }
  const meBy = async (hex: string, more: object) => {
    const token = await mintToken(hex, { iss: 'https://id.example.org', ...more })
    return (await server.call({ token }, 'GET', '/v1/users/me')).body
  }
  t.match(await meBy('a'.repeat(24), claims), { email, phone })
  t.match(await meBy('b'.repeat(24), claims), { email: undefined, phone: undefined })
  const unsure = { ...claims, email: newEmail(), email_verified: false, phone_number: 'x' }
  t.match(await meBy('c'.repeat(24), unsure), { email: undefined, phone: undefined })
  const other = await joinServer(t)
  const token = await mintToken('d'.repeat(24), { ...claims, email: newEmail() })
  const me = await other.call({ token }, 'GET', '/v1/users/me')
  t.match(me.body, { email: undefined, phone: undefined }, 'nothing of an issuer that is not configured')
})

t.test('S01 accounts of before: what is proved beyond doubt stays, the rest has to be proved', async t => {
  const first = await joinServer(t)
  const db = (await openDatabase(t, first.uri)).db()
  const [sure, both, unsure, named] = await Promise.all([1, 2, 3, 4].map(async () => await first.signUp()))
  const [phone, email] = [newPhone(), newEmail()]
  const fieldsOf: [SignedIn | undefined, object][] = [
    [sure, { phone, isVerified: true }],
    [both, { phone: newPhone(), email, isVerified: true }],
    [unsure, { phone: newPhone() }],
    [named, { isVerified: true }]
  ]
  const users = db.collection('users')
  for (const [who, fields] of fieldsOf) await users.updateOne({ username: who?.user.username ?? '' }, { $set: fields })
  await db.collection<{ _id: string }>('meta').updateOne({ _id: 'epoch' }, { $unset: { migrations: '' } })
  for (const start of ['first', 'second']) {
    const server = await startServer(t, { uri: first.uri })
    const me = async (who: SignedIn | undefined) =>
      (await server.call({ token: who?.accessToken ?? '' }, 'GET', '/v1/users/me')).body
    t.match(await me(sure), { phone, unverifiedPhone: undefined }, start)
    t.match(await me(both), { phone: undefined, email: undefined, unverifiedPhone: /./, unverifiedEmail: email }, start)
    t.match(await me(unsure), { phone: undefined, unverifiedPhone: /./ }, start)
    t.match(await me(named), { phone: undefined, unverifiedPhone: undefined }, start)
  }
  t.equal(await users.countDocuments({ isVerified: { $exists: true } }), 0)
  const kept = await users.findOne({ phone })
  t.same(kept?.['phoneVerifiedAt'], kept?.['createdAt'])
})
