import t from 'tap'
import type { SignedIn } from '../../protocol/accounts/entities.ts'
import { type Person, startServer, type TestServer } from '../kit/helper.ts'

const PHONE = '+4915177788899'
const EMAIL = 'quill@example.org'
const SEARCHES = [
  '/v1/users/search',
  '/mobile/users/search',
  '/unified/users/search',
  '/users/search',
  '/unified/users'
]

/** Ids (hex) that a search finds. */
async function find(server: TestServer, who: Pick<Person, 'token'>, path: string, q: string): Promise<string[]> {
  const { body } = await server.call(who, 'GET', `${path}?q=${encodeURIComponent(q)}`)
  const found = body.users ?? body.data
  return found.map(({ id }: { id: string }) => id.slice(-24))
}

async function zoe(server: TestServer): Promise<SignedIn & { hex: string }> {
  const signedIn = await server.signUp({ phone: PHONE, email: EMAIL, displayName: 'Zoe' })
  return { ...signedIn, hex: signedIn.user.id.slice(-24) }
}

t.test('S05 a number is found as a whole, and never by its beginning', async t => {
  const server = await startServer(t)
  const { hex } = await zoe(server)
  const ann = await server.person()
  for (const path of SEARCHES) {
    t.same(await find(server, ann, path, PHONE), [hex], path)
    t.same(await find(server, ann, path, EMAIL), [hex], path)
    for (let length = 3; length < PHONE.length; length++) {
      t.same(await find(server, ann, path, PHONE.slice(0, length)), [], `${path} ${PHONE.slice(0, length)}`)
    }
    for (const part of ['quill@', 'quill@example', '@example.org'])
      t.notOk((await find(server, ann, path, part)).includes(hex))
  }
})

t.test('S05 look-ups are counted together, whatever path they take, and others are not concerned', async t => {
  const server = await startServer(t, { env: { LIMITS_CONTACT_NUMBERS_PER_DAY: '6' } })
  const { hex } = await zoe(server)
  const [ann, ben] = await Promise.all([server.person(), server.person()])
  const ask = async (path: string, q: string) => await server.call(ann, 'GET', `${path}?q=${encodeURIComponent(q)}`)
  for (const q of [PHONE, '0151 77788898', EMAIL, 'nobody@example.org'])
    t.equal((await ask('/v1/users/search', q)).status, 200)
  t.equal((await server.call(ann, 'POST', '/v1/contacts/sync', { contacts: [PHONE] })).status, 200)
  t.equal((await server.call(ann, 'POST', '/contacts/start-chat', { phone: PHONE })).status, 200)
  for (const path of SEARCHES) {
    for (const q of [PHONE, EMAIL]) t.equal((await ask(path, q)).status, 429, path)
    t.same(await find(server, ann, path, 'Zoe'), [hex], 'a name is no look-up')
  }
  t.equal((await server.call(ann, 'POST', '/v1/contacts/sync', { contacts: [PHONE] })).status, 429)
  t.same(await find(server, ben, '/v1/users/search', PHONE), [hex], 'others are not concerned')
})

t.test('S05 who finds somebody by their number or their email is theirs to say, on every path', async t => {
  const server = await startServer(t)
  const { hex, accessToken: token, user } = await zoe(server)
  const [stranger, friend] = await Promise.all([server.person(), server.person()])
  await server.call({ token }, 'PUT', `/v1/contacts/${friend.id}`, {})
  const paths = async (who: Person) => [
    ...(await Promise.all(SEARCHES.map(async path => await find(server, who, path, PHONE)))),
    (await server.call(who, 'POST', '/v1/contacts/sync', { contacts: [PHONE] })).body.matches.map(
      ({ user: { id } }: { user: { id: string } }) => id.slice(-24)
    )
  ]
  const emails = async (who: Person) =>
    await Promise.all(SEARCHES.map(async path => await find(server, who, path, EMAIL)))
  const all = (many: unknown[], one: string[]) => many.map(() => one)
  for (const [audience, friends, strangers] of [
    ['everyone', [hex], [hex]],
    ['contacts', [hex], []],
    ['nobody', [], []]
  ] as const) {
    const privacy = { findByPhone: audience, findByEmail: audience }
    await server.call({ token }, 'PATCH', '/v1/users/me/settings', { privacy })
    for (const [who, wanted] of [
      [friend, friends],
      [stranger, strangers]
    ] as const) {
      for (const found of [await paths(who), await emails(who)]) t.same(found, all(found, [...wanted]), audience)
      const chat = await server.call(who, 'POST', '/contacts/start-chat', { phone: PHONE })
      t.equal(chat.status, wanted.length > 0 ? 200 : 404, `${audience} start-chat`)
    }
  }
  t.same(await find(server, stranger, '/v1/users/search', user.displayName), [hex], 'a name still finds')
})

t.test('S33: where there is no directory of everybody, the list of people holds contacts alone', async t => {
  const server = await startServer(t, { env: { USER_DIRECTORY: 'false' } })
  const [ann, ...others] = await server.people(6)
  if (ann === undefined) throw new Error('Somebody is needed')
  const list = async (query = '') => {
    const { body } = await server.call(ann, 'GET', `/unified/users${query}`)
    return body.data.map(({ id }: { id: string }) => id)
  }
  t.same(await list(), [], 'nobody is known yet')
  const contacts = others.slice(0, 4)
  for (const { id } of contacts) await server.call(ann, 'PUT', `/v1/contacts/${id}`, {})
  const [blocked, ...known] = contacts.map(({ hex }) => hex).sort()
  await server.call(ann, 'POST', '/v1/blocks', { userId: `user_${blocked}` })
  t.same(await list(), known)
  t.same(await list('?limit=2&page=2'), known.slice(1), 'by pages')
  t.same(await list(`?limit=2&after=user_${known[0]}`), known.slice(1), 'and from somebody on')
})

t.test('U10: a number that is hidden is read off no search, digit by digit or as one of many', async t => {
  const server = await startServer(t, { env: { LIMITS_CONTACT_NUMBERS_PER_DAY: '40' } })
  const number = '+4915123456789'
  const ben = await server.signUp({ phone: number, displayName: 'Ben' })
  const nobody = { lastSeen: 'nobody', profilePhoto: 'nobody', about: 'nobody', findByPhone: 'nobody' }
  const settings = async (privacy: object) =>
    await server.call({ token: ben.accessToken }, 'PATCH', '/v1/users/me/settings', { privacy })
  await settings({ ...nobody, findByPhone: 'everyone' })
  const [ann, cem] = await Promise.all([server.person(), server.person()])
  const hex = ben.user.id.slice(-24)
  for (const path of SEARCHES) {
    for (const q of ['+49151', '+491512345678', '01512', '015123', '1512345678', '+49 151 2345678'])
      t.same(await find(server, ann, path, q), [], `${path} ${q}`)
  }
  t.notOk('phone' in (await server.call(ann, 'GET', `/v1/users/${ben.user.id}`)).body)
  t.same(await find(server, cem, '/v1/users/search', number), [hex], 'a whole number finds who lets it')
  await settings(nobody)
  t.same(await find(server, cem, '/v1/users/search', number), [], 'and nobody who does not')
  const ask = async (index: number) =>
    (await server.call(cem, 'GET', `/v1/users/search?q=${encodeURIComponent(`+49151234567${10 + index}`)}`)).status
  const contacts = Array.from({ length: 36 }, (_, index) => `+49151987654${10 + index}`)
  t.equal((await server.call(cem, 'POST', '/v1/contacts/sync', { contacts })).status, 200)
  t.same([await ask(0), await ask(1), await ask(2)], [200, 200, 429], 'whole numbers are counted by the day')
})

t.test('U32: a number without a country is one of the country of one’s own number', async t => {
  for (const region of ['', 'FR', 'DE']) {
    const server = await startServer(t, { env: { DEFAULT_REGION: region } })
    const german = await server.signUp({ phone: '+4915144455566' })
    const nameless = await server.signUp()
    const ben = await server.signUp({ phone: '+4915223456789' })
    const contacts = ['01522 3456789', '+33199000000', 'nobody']
    const look = async ({ accessToken: token }: { accessToken: string }) => {
      const sync = (await server.call({ token }, 'POST', '/v1/contacts/sync', { contacts })).body
      const unified = await server.call({ token }, 'POST', '/unified/contacts/sync', { contacts })
      const search = await server.call({ token }, 'GET', '/v1/users/search?q=015223456789')
      const chat = await server.call({ token }, 'POST', '/unified/contacts/start-chat', { phone: '01522-3456789' })
      return {
        matches: sync.matches.map(({ user }: { user: { id: string } }) => user.id),
        unreadable: sync.unreadable,
        unified: unified.body.message,
        found: search.body.users.map(({ id }: { id: string }) => id),
        isChat: chat.status === 200
      }
    }
    const { id } = ben.user
    const found = {
      matches: [id],
      unreadable: 1,
      unified: '1 of 3 are here, and 1 could not be read',
      found: [id],
      isChat: true
    }
    const lost = {
      ...found,
      matches: [],
      unreadable: 2,
      unified: '0 of 3 are here, and 2 could not be read',
      found: []
    }
    t.same(await look(german), found, `the own number counts where the region is ${region || 'not set'}`)
    t.same(await look(nameless), region === 'DE' ? found : { ...lost, isChat: false }, 'else the region of the server')
  }
})
