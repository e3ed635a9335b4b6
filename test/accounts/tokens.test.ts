import { createHmac, generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, SignJWT } from 'jose'
import { ObjectId } from 'mongodb'
import t from 'tap'
import { openDatabase } from '../kit/databases.ts'
import { joinServer, SECRET, startServer } from '../kit/helper.ts'

const now = () => Math.floor(Date.now() / 1000)
const encode = (part: unknown) =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')

/** A token with any header and payload, signed with HMAC. */
function forge(header: unknown, payload: unknown, secret: string | Buffer = SECRET, hash = 'sha256'): string {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${createHmac(hash, secret).update(input).digest('base64url')}`
}

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
const headerOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())

t.test('a token that is not exactly right is refused with 401 and changes nothing', async t => {
  const server = await startServer(t, { env: { AUTH_AUTOPROVISION: 'true' } })
  const client = await openDatabase(t, server.uri)
  const { accessToken, refreshToken, user } = await server.signUp()
  const header = headerOf(accessToken)
  const claims = claimsOf(accessToken)
  const { exp: _exp, ...eternal } = claims
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const external = { sub: 'legacy|1', exp: now() + 60 }
  const bad: Record<string, string> = {
    garbage: 'garbage',
    'a.b.c': 'a.b.c',
    'two parts': accessToken.split('.').slice(0, 2).join('.'),
    '9 KB': 'a'.repeat(9000),
    'tampered payload': accessToken.replace(/\.[^.]+\./, `.${encode({ ...claims, sub: '0'.repeat(24) })}.`),
    'no signature': `${accessToken.split('.').slice(0, 2).join('.')}.`,
    'another secret': forge(header, claims, 'another secret than the one configured'),
    'an empty secret': forge(header, claims, ''),
    'alg none': `${encode({ ...header, alg: 'none' })}.${encode(claims)}.`,
    'alg none, signed': forge({ ...header, alg: 'none' }, claims),
    'alg HS512': forge({ ...header, alg: 'HS512' }, claims, SECRET, 'sha512'),
    'alg HS384': forge({ ...header, alg: 'HS384' }, claims, SECRET, 'sha384'),
    'alg missing': forge({ kid: header.kid }, claims),
    'alg an array': forge({ ...header, alg: ['HS256'] }, claims),
    'alg RS256 without a key set': await new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).sign(privateKey),
    'alg RS256, signed with HMAC of a public key': forge({ ...header, alg: 'RS256' }, claims, publicPem),
    crit: forge({ ...header, crit: ['exp'] }, claims),
    'crit, empty': forge({ ...header, crit: [] }, claims),
    'crit null': forge({ ...header, crit: null }, claims),
    'header an array': forge([header], claims),
    'header null': forge('null', claims),
    'header not JSON': forge('{', claims),
    'payload an array': forge(header, [claims]),
    'payload null': forge(header, 'null'),
    'payload not JSON': forge(header, '{'),
    'no exp': forge(header, eternal),
    'exp a string': forge(header, { ...claims, exp: String(claims.exp) }),
    'exp infinite': forge(header, JSON.stringify(claims).replace(/"exp":\d+/, '"exp":1e400')),
    'iat in the future': forge(header, { ...claims, iat: now() + 120 }),
    'iat a string': forge(header, { ...claims, iat: 'now' }),
    'nbf in the future': forge(header, { ...claims, nbf: now() + 60 }),
    'nbf a string': forge(header, { ...claims, nbf: 'now' }),
    'typ refresh': forge(header, { ...claims, typ: 'refresh' }),
    'no typ': forge(header, { ...claims, typ: undefined }),
    'an unknown kid': forge({ ...header, kid: 'unknown' }, claims),
    'no kid': forge({ alg: 'HS256' }, claims),
    'a session of nobody': forge(header, { ...claims, sid: '0'.repeat(24) }),
    'a session of somebody else': forge(header, { ...claims, sub: '0'.repeat(24) }),
    'sid an operator': forge(header, { ...claims, sid: { $ne: null } }),
    'sub an operator': forge(header, { ...claims, sub: { $ne: null } }),
    'external, nobody named': forge({ alg: 'HS256' }, { exp: now() + 60 }),
    'external, an operator for a person': forge({ alg: 'HS256' }, { ...external, sub: { $ne: null } }),
    'external, an empty name': forge({ alg: 'HS256' }, { ...external, sub: '' }),
    'external, a refresh token': forge({ alg: 'HS256' }, { ...external, type: 'refresh' }),
    'external, no exp': forge({ alg: 'HS256' }, { sub: 'legacy|1' }),
    'the refresh token': refreshToken
  }
  for (const [name, token] of Object.entries(bad)) {
    const { status, headers, body } = await server.call({ token }, 'GET', '/v1/auth/me')
    t.equal(status, 401, name)
    t.match(body.error, { code: /^(unauthenticated|session_revoked)$/, retry: 'auth', requestId: /./ }, name)
    t.match(headers.get('www-authenticate'), /^Bearer/, name)
  }
  t.equal(await client.db().collection('users').countDocuments(), 1, 'nobody was provisioned')
  const { body } = await server.call({ token: accessToken }, 'GET', '/v1/auth/me')
  t.match(body, { user: { id: user.id } }, 'and the right one still works')
})

t.test('who sends no bearer token is told so; unknown paths say 404 to everybody', async t => {
  const server = await joinServer(t)
  for (const authorization of [undefined, '', 'Basic YTpi', 'Bearer', 'Bearer ', 'Bearer a b']) {
    const headers = authorization === undefined ? {} : { authorization }
    const response = await server.app.inject({ url: '/v1/auth/me', headers })
    t.equal(response.statusCode, 401, String(authorization))
    t.equal(response.json().error.code, 'unauthenticated')
    t.match(response.headers['www-authenticate'], /^Bearer/)
  }
  t.match(await server.call(undefined, 'GET', '/v1/nothing'), { status: 404, body: { error: { code: 'not_found' } } })
})

t.test('only its time over is token_expired; a signature of two secrets; the scheme in any case', async t => {
  const secret = 'Zx9Cv8Bn7Mq6Wl5Ek4Rj3Th2Yg1Uf0Ip'
  const first = await startServer(t, { env: { JWT_SECRET: `${SECRET},${secret}` } })
  const { accessToken } = await first.signUp()
  const header = headerOf(accessToken)
  const claims = claimsOf(accessToken)
  t.match(header, { alg: 'HS256', kid: /^[\w-]{8}$/ })
  t.match(claims, { typ: 'access', sub: /^[0-9a-f]{24}$/, sid: /^[0-9a-f]{24}$/ })
  t.equal(claims.exp - claims.iat, 7 * 86_400)
  const expired = await first.call({ token: forge(header, { ...claims, exp: now() - 5 }) }, 'GET', '/v1/auth/me')
  t.match(expired, { status: 401, body: { error: { code: 'token_expired', retry: 'auth' } } })
  const forged = await first.call({ token: forge(header, { ...claims, exp: 1 }, 'x'.repeat(32)) }, 'GET', '/v1/auth/me')
  t.match(forged.body, { error: { code: 'unauthenticated' } }, 'expired and forged is forged')
  const response = await first.app.inject({ url: '/v1/auth/me', headers: { authorization: `bEARER ${accessToken}` } })
  t.equal(response.statusCode, 200)
  const provisioning = await startServer(t, {
    env: { JWT_SECRET: `${SECRET},${secret}`, AUTH_AUTOPROVISION: 'true' }
  })
  for (const key of [SECRET, secret]) {
    const token = forge({ alg: 'HS256' }, { sub: 'legacy|1', exp: now() + 60 }, key)
    t.equal((await provisioning.call({ token }, 'GET', '/v1/auth/me')).status, 200)
  }
})

t.test('a person of an existing user system, under each name, with its id or with another', async t => {
  const server = await startServer(t, { env: { AUTH_AUTOPROVISION: 'true' } })
  const client = await openDatabase(t, server.uri)
  const me = async (claims: object) =>
    await server.call(
      { token: forge({ alg: 'HS256', typ: 'JWT', kid: 'theirs' }, { exp: now() + 60, ...claims }) },
      'GET',
      '/v1/auth/me'
    )
  for (const claim of ['sub', 'userId', '_id', 'id', 'uid']) {
    const id = new ObjectId().toHexString()
    const { status, body } = await me({ [claim]: id, name: 'Ada' })
    t.equal(status, 200, claim)
    t.match(body, { user: { id: `user_${id}`, displayName: 'Ada' } })
    t.notOk('sessionId' in body, 'it has no session here')
  }
  const named = await me({ sub: 'auth0|abc', userId: 'ignored', name: { $ne: 1 } })
  t.match(named.body.user, { id: /^user_[0-9a-f]{24}$/, displayName: 'User' })
  t.equal((await me({ sub: 'auth0|abc' })).body.user.id, named.body.user.id, 'the same person again')
  t.equal((await me({ uid: 7 })).status, 200, 'numbers are names too')
  const { user } = await server.signUp()
  t.equal((await me({ sub: user.id })).body.user.id, user.id, 'a person who registered here')
  await client
    .db()
    .collection('users')
    .updateMany({ externalId: '7' }, { $set: { isDisabled: true } })
  const other = await startServer(t, { env: { AUTH_AUTOPROVISION: 'false' } })
  const unknown = forge({ alg: 'HS256' }, { sub: 'somebody', exp: now() + 60 })
  t.match(await other.call({ token: unknown }, 'GET', '/v1/auth/me'), {
    status: 401,
    body: { error: { code: 'unauthenticated' } }
  })
})

t.test('the issuer and the audience that are configured are required of tokens from outside', async t => {
  const env = { AUTH_AUTOPROVISION: 'true', AUTH_ISSUER: 'https://id.example.org', AUTH_AUDIENCE: 'chat' }
  const server = await startServer(t, { env })
  const status = async (claims: object) =>
    (
      await server.call(
        { token: forge({ alg: 'HS256' }, { sub: 'a', exp: now() + 60, ...claims }) },
        'GET',
        '/v1/auth/me'
      )
    ).status
  t.equal(await status({ iss: 'https://id.example.org', aud: ['web', 'chat'] }), 200)
  t.equal(await status({ iss: 'https://id.example.org', aud: 'web' }), 401)
  t.equal(await status({ iss: 'https://evil.example.org', aud: 'chat' }), 401)
  t.equal(await status({}), 401)
  const { accessToken } = await server.signUp()
  t.equal((await server.call({ token: accessToken }, 'GET', '/v1/auth/me')).status, 200, 'ours need neither')
})

t.test('S35 a token that says that it is something else than an access token opens nothing', async t => {
  const server = await joinServer(t)
  const status = async (claims: object) => {
    const token = forge({ alg: 'HS256' }, { sub: 'a', exp: now() + 60, ...claims })
    return (await server.call({ token }, 'GET', '/v1/auth/me')).status
  }
  const others = [
    ...[{ typ: 'ID', nonce: 'x' }, { typ: 'ID' }, { typ: 'refresh' }, { typ: 'Refresh' }, { typ: 'refresh_token' }],
    ...[{ token_use: 'id' }, { token_type: 'refresh' }, { tokenType: 'refreshToken' }, { typ: 7 }, { typ: ['access'] }],
    ...[{ purpose: 'password-reset' }, { type: 'email-confirmation' }, { type: 'refresh' }, { type: 'reset_password' }],
    ...[{ type: 'id_token' }, { nonce: 'n' }, { at_hash: 'h' }, { typ: 'access', token_use: 'id' }]
  ]
  for (const claims of others) t.equal(await status(claims), 401, JSON.stringify(claims))
  const access = [
    ...[{}, { typ: 'access' }, { typ: 'JWT' }, { typ: 'at+jwt' }, { typ: 'Bearer' }, { token_use: 'access' }],
    ...[{ type: 'access' }, { type: 'user' }, { type: 'admin' }, { type: 'customer' }, { type: 'ideal' }]
  ]
  for (const claims of access) t.equal(await status(claims), 200, JSON.stringify(claims))
})

t.test('tokens of an issuer with a key set', async t => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer: { isDown: boolean } = { isDown: false }
  const keySet = createServer(async (_request, response) => {
    const keys = [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }]
    response.statusCode = issuer.isDown ? 500 : 200
    response.end(JSON.stringify({ keys }))
  })
  await new Promise<void>(resolve => keySet.listen(0, '127.0.0.1', resolve))
  t.teardown(() => keySet.close())
  const env = {
    AUTH_AUTOPROVISION: 'true',
    AUTH_ISSUER: 'https://id.example.org',
    AUTH_AUDIENCE: 'chat',
    AUTH_JWKS_URL: `http://127.0.0.1:${(keySet.address() as AddressInfo).port}/jwks`
  }
  const server = await startServer(t, { env })
  const sign = async (claims: Record<string, unknown>, kid = 'k1', key = privateKey) =>
    await new SignJWT({ sub: 'ada', iss: 'https://id.example.org', aud: 'chat', exp: now() + 60, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid })
      .sign(key)
  const ask = async (token: string) => await server.call({ token }, 'GET', '/v1/auth/me')
  t.equal((await ask(await sign({ sid: 'their own session' }))).status, 200)
  t.match((await ask(await sign({ exp: now() - 5 }))).body, { error: { code: 'token_expired' } })
  const refused = [
    await sign({ exp: undefined }),
    await sign({ iss: 'https://evil.example.org' }),
    await sign({ iss: undefined }),
    await sign({ aud: 'another app' }),
    await sign({ aud: undefined }),
    await sign({ iat: now() + 600 }),
    await sign({}, 'k2'),
    await sign({}, 'k1', other.privateKey)
  ]
  for (const token of refused) t.match(await ask(token), { status: 401, body: { error: { code: 'unauthenticated' } } })
  const { accessToken, user } = await server.signUp()
  t.equal((await ask(accessToken)).status, 200, 'our own tokens still work')
  for (const sub of [user.id, user.id.slice(5)]) {
    const named = (await ask(await sign({ sub }))).body.user
    t.not(named.id, user.id, `S15 ${sub} of a key set is an id there`)
    t.equal((await ask(await sign({ sub }))).body.user.id, named.id)
  }
  const own = await startServer(t, { uri: server.uri, env: { ...env, AUTH_SUBJECTS: 'own' } })
  const token = await sign({ sub: user.id })
  t.equal((await own.call({ token }, 'GET', '/v1/auth/me')).body.user.id, user.id, 'unless it is configured otherwise')
  issuer.isDown = true
  const fresh = await startServer(t, { env })
  const { status, body } = await fresh.call({ token: await sign({}) }, 'GET', '/v1/auth/me')
  t.match({ status, body }, { status: 503, body: { error: { code: 'busy', retry: 'later' } } }, 'no fault of the token')
})
