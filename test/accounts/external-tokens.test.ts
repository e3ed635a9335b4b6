import t from 'tap'
import { joinServer, mintToken } from '../kit/helper.ts'

t.test('U66: tokens of an existing user system are taken as the page says', async t => {
  const server = await joinServer(t)
  const me = async (token: string) => await server.call({ token }, 'GET', '/v1/auth/me')
  for (const claim of ['userId', '_id', 'id', 'uid']) {
    const { status, body } = await me(await mintToken('', { sub: undefined, [claim]: `there|${claim}` }))
    t.equal(status, 200, claim)
    t.match(body.user.id, /^user_[0-9a-f]{24}$/, 'an id of its own')
    const again = await me(await mintToken('', { sub: undefined, [claim]: `there|${claim}`, name: 'Another' }))
    t.strictSame(again.body.user, body.user, 'the same person, by the name of the first token')
  }
  const hex = '64b7f0c2a1d3e4f5a6b7c8d1'
  t.equal((await me(await mintToken(hex))).body.user.id, `user_${hex}`, 'an id of 24 hexadecimal digits stays')
  t.equal((await me(await mintToken(hex, { sid: hex }))).status, 401, 'sid is in tokens of our own')
  t.equal((await me(await mintToken(hex, { typ: 'refresh' }))).status, 401)
})

t.test('U66: a token without a session cannot be signed out here, and says so', async t => {
  const server = await joinServer(t)
  const ann = await server.person()
  const refused = await server.call(ann, 'POST', '/v1/auth/logout')
  t.match([refused.status, refused.body.error.code], [403, 'forbidden'])
  t.equal((await server.call(ann, 'GET', '/v1/auth/me')).status, 200)
  const { accessToken: token } = await server.signUp()
  t.equal((await server.call({ token }, 'POST', '/v1/auth/logout')).status, 204)
  t.equal((await server.call({ token }, 'GET', '/v1/auth/me')).status, 401)
})
