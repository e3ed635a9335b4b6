import t from 'tap'
import { mintToken, PASSWORD, startServer } from '../kit/helper.ts'

/** Turned, isolated, and nothing to see. */
const UNREADABLE = ['\u202Enimda', 'a\u202Db', '\u2066\u2069', 'x\u2067y', '\u200B', '\u200F\u200E', ' \u2060 ']
const READABLE = ['Ann', 'Zoë', '日本', 'שרה', 'a\u200Db', '👩\u200D👩', 'نازي\u200Cن']

t.test('S39 a name shows something, and leaves what is around it as it is', async t => {
  const server = await startServer(t)
  const { accessToken: token } = await server.signUp()
  const paths = [
    ['PATCH', '/v1/users/me', 'displayName'],
    ['PUT', '/mobile/users/me', 'displayName'],
    ['PATCH', '/unified/users/me', 'name']
  ] as const
  for (const [method, path, field] of paths) {
    for (const name of UNREADABLE) {
      const { status, text } = await server.call({ token }, method, path, { [field]: name })
      t.equal(status, 400, `${path} ${escape(name)}`)
      t.match(text, /invalid/)
    }
    for (const name of READABLE) {
      t.equal((await server.call({ token }, method, path, { [field]: name })).status, 200, `${path} ${name}`)
    }
  }
  for (const displayName of UNREADABLE) {
    const account = { username: 'nobody', password: PASSWORD, displayName }
    t.equal((await server.call(undefined, 'POST', '/v1/auth/register', account)).status, 400)
  }
})

t.test('S39 what another system calls somebody is made readable', async t => {
  const server = await startServer(t)
  for (const [index, [name, shown]] of [
    ['\u202Enimda', 'nimda'],
    ['\u200B', 'User'],
    ['\u2066\u2069', 'User'],
    ['Ann', 'Ann']
  ].entries()) {
    const token = await mintToken(`${index}`.repeat(24), { name })
    t.equal((await server.call({ token }, 'GET', '/v1/users/me')).body.displayName, shown)
  }
})
