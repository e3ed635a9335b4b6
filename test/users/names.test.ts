import { ObjectId } from 'mongodb'
import t from 'tap'
import { openDatabase } from '../kit/databases.ts'
import { joinServer, mintToken, PASSWORD, startServer } from '../kit/helper.ts'

/** Turned, isolated, and nothing to see. */
const UNREADABLE = ['\u202Enimda', 'a\u202Db', '\u2066\u2069', 'x\u2067y', '\u200B', '\u200F\u200E', ' \u2060 ']
const READABLE = ['Ann', 'Zoë', '日本', 'שרה', 'a\u200Db', '👩\u200D👩', 'نازي\u200Cن']

t.test('S39 a name shows something, and leaves what is around it as it is', async t => {
  const server = await joinServer(t)
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

t.test('U55: what another system calls somebody is made readable, and as if absent where it shows nothing', async t => {
  const server = await joinServer(t)
  for (const [index, [name, shown]] of [
    ['\u202Enimda', 'nimda'],
    ['\u200B', 'User'],
    ['\u2066\u2069', 'User'],
    ['  ', 'User'],
    ['\u202eabc', 'abc'],
    ['\u200eAnn\u200f \u061cLee\u2069', 'Ann Lee'],
    ['\u202e\u200b\u2800\u3164', 'User'],
    ['\ud83d', 'User'],
    ['👩\u200d👩', '👩\u200d👩'],
    ['Ann', 'Ann']
  ].entries()) {
    const token = await mintToken(index.toString(16).repeat(24), { name })
    t.equal((await server.call({ token }, 'GET', '/v1/users/me')).body.displayName, shown)
  }
})

/** Names, what finds them, and what does not. */
const SPELLINGS: readonly [name: string, found: readonly string[], not: readonly string[]][] = [
  ['Łódź', ['lodz', 'ŁÓDŹ', 'łódź', 'lod'], ['odz']],
  ['Straße', ['strasse', 'STRASSE', 'straße', 'STRAẞE'], []],
  ['O’Brien', ['obrien', "O'Brien", 'brien', 'o’b'], ['rien']],
  ['Jean-Luc', ['jeanluc', 'jean-luc', 'Jean Luc', 'luc'], []],
  ['Jeanluc Deux', ['jean-luc', 'jeanl'], []],
  ['Işık', ['ışık', 'isik', 'IŞIK', 'Işık'], []],
  ['İstanbul', ['ıstanbul', 'istanbul', 'ISTANBUL', 'İST'], []],
  ['Müller', ['mueller', 'muller', 'MÜLLER'], []],
  ['Mueller', ['müller', 'mueller'], ['muller']],
  ['Ærø', ['aero', 'ærø', 'AEROE'], []],
  ['Søren Ågård', ['soren', 'soeren', 'agard', 'aagaard'], []],
  ['Þórður Ćwiękała', ['thordur', 'cwiekala'], []],
  ['山田太郎', ['太郎', '山田', '田', '山田太郎'], ['太田']],
  ['김철수', ['철수', '김철수', '수', '철ㅅ'.normalize('NFKD')], []],
  ['サトウ ハナコ', ['ハナ', 'トウ', 'ﾊﾅｺ'], []]
]

t.test('U37: a name is found in every spelling of it, in the search of people and in the list', async t => {
  const server = await joinServer(t)
  const { token } = await server.person()
  const ids = SPELLINGS.map(() => new ObjectId().toHexString())
  for (const [index, hex] of ids.entries()) {
    await server.call({ token: await mintToken(hex, { name: SPELLINGS[index]?.[0] }) }, 'GET', '/v1/users/me')
    await server.call({ token }, 'POST', '/v1/conversations', { type: 'direct', userId: `user_${hex}` })
  }
  const searches: Readonly<Record<string, (q: string) => Promise<string>>> = {
    search: async q => (await server.call({ token }, 'GET', `/v1/users/search?q=${q}`)).text,
    unified: async q => (await server.call({ token }, 'GET', `/unified/users/search?q=${q}`)).text,
    mobile: async q => (await server.call({ token }, 'GET', `/mobile/users/search?q=${q}`)).text,
    list: async q => (await server.call({ token }, 'GET', `/v1/conversations?q=${q}`)).text
  }
  const asked = SPELLINGS.flatMap(([, found, not], index) => [
    ...found.map(q => ({ q, index, isFound: true })),
    ...not.map(q => ({ q, index, isFound: false }))
  ])
  for (const [way, search] of Object.entries(searches)) {
    for (const { q, index, isFound } of asked) {
      const answered = await search(encodeURIComponent(q))
      t.equal(answered.includes(ids[index] ?? ''), isFound, `${SPELLINGS[index]?.[0]} by ${q}: ${way}`)
    }
  }
  const db = (await openDatabase(t, server.uri)).db()
  const before = await db.collection('users').find().sort({ _id: 1 }).toArray()
  await db.collection('users').updateMany({}, { $set: { searchTokens: ['old'] } })
  await db.collection<{ _id: string }>('meta').updateOne({ _id: 'epoch' }, { $unset: { migrations: '' } })
  await startServer(t, { uri: server.uri })
  t.same(await db.collection('users').find().sort({ _id: 1 }).toArray(), before, 'older ones are found the same way')
})
