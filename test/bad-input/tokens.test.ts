import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { SignJWT } from 'jose'
import t from 'tap'
import { CLOSE } from '../../protocol/close.ts'
import type { ErrorCode } from '../../protocol/errors.ts'
import { type Answer, joinServer, mintToken, SECRET } from '../kit/helper.ts'
import { expectError, NOBODY, scene, unharmed } from './scene.ts'

/** A token whose signature is noise. */
function token(header: unknown, claims: unknown): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(claims)}.${randomBytes(32).toString('base64url')}`
}

async function expiredToken(hex: string, exp: number): Promise<string> {
  const jwt = new SignJWT({ sub: hex }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime(exp)
  return await jwt.sign(new TextEncoder().encode(SECRET))
}

t.test('Tokens: what is not exactly right is refused at every door', async t => {
  const it = await scene(t)
  const { server, ann } = it
  const exp = Math.floor(Date.now() / 1_000) + 600
  const [head, body, signature] = ann.token.split('.') as [string, string, string]
  const expired = Math.floor(Date.now() / 1_000) - 2
  const table: [string, string, ErrorCode?][] = [
    ['A2 garbage', 'garbage'],
    ['A2 three letters', 'a.b.c'],
    ['A2 8 KB', 'x'.repeat(8_000)],
    ['A2 tampered', `${head}.${body.slice(0, -2)}AA.${signature}`],
    ['A2 no signature', `${head}.${body}.`],
    ['A3 alg none', `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`],
    ['A2 another key', token({ alg: 'HS256', typ: 'JWT' }, { sub: ann.hex, exp })],
    ...['HS384', 'HS512', 'RS256', 'none', ['HS256'], undefined].map(
      alg => [`A4 alg ${JSON.stringify(alg)}`, token({ alg, typ: 'JWT' }, { sub: ann.hex, exp })] as [string, string]
    ),
    ['A4 an array', token({ alg: 'HS256' }, [1])],
    ['A4 null', token({ alg: 'HS256' }, null)],
    ['A4 not begun', await mintToken(ann.hex, { nbf: exp })],
    ['A5 nobody', await mintToken('')],
    ['A5 somebody who is an operator', await mintToken(ann.hex, { sub: { $ne: null } })],
    ['A5 a refresh token', await mintToken(ann.hex, { typ: 'refresh' })],
    ['A5 a session of nobody', await mintToken(ann.hex, { sid: NOBODY, typ: 'access' })]
  ]
  await unharmed(t, it, async () => {
    for (const [name, value, code = 'unauthenticated'] of table) {
      const who = { ...ann, token: value }
      const answer = await server.call(who, 'GET', '/v1/users/me')
      expectError(t, answer, code, name)
      t.match(answer.headers.get('www-authenticate'), /^Bearer/)
      const socket = await server.socket()
      t.match(await socket.refused('hello', { token: value }), { code, retry: 'auth' }, `${name}: in hello`)
      t.equal((await socket.closed).code, CLOSE.auth_invalid)
      const upgraded = await server.socket('/ws', { authorization: `Bearer ${value}` })
      t.equal((await upgraded.closed).code, CLOSE.auth_invalid, `${name}: at the upgrade`)
    }
    for (const header of ['', 'Basic YTpi', 'Bearer', 'Bearer ']) {
      expectError(
        t,
        await server.call(undefined, 'GET', '/v1/users/me', undefined, header ? { authorization: header } : {}),
        'unauthenticated',
        `A1 ${header}`
      )
    }
    const old = await expiredToken(ann.hex, expired)
    expectError(t, await server.call({ ...ann, token: old }, 'GET', '/v1/users/me'), 'token_expired', 'A6')
    const socket = await server.socket()
    t.match(await socket.refused('hello', { token: old }), { code: 'token_expired' })
    t.equal((await socket.closed).code, CLOSE.auth_expired)
    for (const value of [ann.token, 'x', 'x'.repeat(256)]) {
      expectError(
        t,
        await server.call(undefined, 'POST', '/v1/auth/refresh', { refreshToken: value.slice(0, 256) }),
        'unauthenticated',
        'A7'
      )
    }
    const byTicket = await server.socket('/ws?ticket=nonsense')
    t.equal((await byTicket.closed).code, CLOSE.auth_invalid)
  })
})

t.test('Tokens: a refresh token used twice ends its session; twenty at once get one successor', async t => {
  const server = await joinServer(t)
  const { refreshToken, accessToken } = await server.signUp()
  // Where the server is slow, the last of many at once are told to wait.
  const refresh = async (value: string): Promise<Answer> => {
    const answer = await server.call(undefined, 'POST', '/v1/auth/refresh', { refreshToken: value })
    if (answer.status !== 429) return answer
    await sleep(answer.body.error.retryAfterMs)
    return await refresh(value)
  }
  const answers = await Promise.all(Array.from({ length: 20 }, async () => await refresh(refreshToken)))
  t.same(new Set(answers.map(({ status }) => status)), new Set([200]))
  t.equal(new Set(answers.map(({ body }) => body.refreshToken)).size, 1, 'A9')
  const second = (await refresh(answers[0]?.body.refreshToken)).body
  const socket = await server.connect({ token: accessToken })
  t.equal((await refresh(refreshToken)).status, 401, 'A8')
  t.equal((await refresh(second.refreshToken)).status, 401, 'A8 the whole family is dead')
  t.equal((await socket.closed).code, CLOSE.session_revoked)
  expectError(
    t,
    await server.call(undefined, 'POST', '/v1/auth/refresh', { refreshToken: second.accessToken.slice(0, 256) }),
    'unauthenticated',
    'A7'
  )
})
