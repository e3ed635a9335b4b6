import t, { type Test } from 'tap'
import { bare } from '../../dialects/apps/line.ts'
import { partOf } from '../../kit/extent.ts'
import { type Answer, type Person, startServer, type TestServer } from '../../kit/helper.ts'
import { PacketClient } from '../../kit/packet-client.ts'
import { askedOf, casesOf } from '../routes/cases.ts'
import { type Asked, ask, type Ids, NO_IDS, requestFor } from '../routes/request.ts'
import { allDialects, canonicalPlaces, dialectPlaces, eachOnce, type Place } from '../routes/table.ts'

const dialects = await allDialects(t)
/** Places that anybody may read; total counts are told to everybody. */
const places = [...canonicalPlaces(), ...eachOnce(dialectPlaces(dialects))].filter(
  ({ method, isPublic, url }) => method === 'GET' && !isPublic && !url.endsWith('/count')
)
const cases = partOf(casesOf(places), 4, ({ place, words }) => [place.method, place.url, ...words].join(' '))
const told = new Set(casesOf(places).map(({ place }) => place))

/** Two who share a chat, a group and a friendship, and a third one whom only the second knows otherwise. */
interface Company {
  readonly server: TestServer
  readonly viewer: Person
  readonly other: Person & { readonly username: string }
  readonly third: Person
  /** Ids to ask about: the chat, and the group. */
  readonly ids: readonly Ids[]
}

const PRIVATE = { phone: '+4915140000009', email: 'private@example.org', device: { id: 'd1', name: 'Private device' } }

async function openCompany(t: Test): Promise<Company> {
  const server = await startServer(t)
  const { accessToken: token, user } = await server.signUp({ username: 'otherone', ...PRIVATE })
  const other = { token, id: user.id, hex: bare(user.id), username: 'otherone' }
  const [viewer, third] = (await server.people(2)) as [Person, Person]
  const [direct, group] = [await server.direct(viewer, other), await server.group(third, viewer, other)]
  const asked = (await server.call(viewer, 'POST', '/v1/requests', { kind: 'friend', to: other.id })).body.id
  await server.call(other, 'POST', `/v1/requests/${asked}/accept`)
  const req = bare((await server.call(other, 'POST', '/v1/requests', { kind: 'friend', to: third.id })).body.id)
  await server.call(other, 'PUT', `/v1/contacts/${third.id}`, { name: 'Private name' })
  const send = async (conversation: string, who: Person, clientId: string) =>
    (await server.call(who, 'POST', `/v1/conversations/${conversation}/messages`, { clientId, text: 'Said' })).body
  const ids = [
    { ...NO_IDS, user: other.hex, conv: bare(direct), msg: bare((await send(direct, viewer, 'a')).id), req },
    { ...NO_IDS, user: other.hex, conv: bare(group), msg: bare((await send(group, third, 'b')).id), req }
  ]
  return { server, viewer, other, third, ids }
}

/** Answers to every question that can be asked. @param forged fields added to every query */
async function tellings({ server, viewer, other, ids }: Company, forged: object = {}): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>()
  const put = async (place: Place, asked: Asked, what: string) => {
    const found = 'q' in asked.querystring ? { q: other.username } : {}
    // A search by sender is no forgery.
    const known = Object.keys(place.parts.querystring?.['properties'] ?? {})
    const unknown = Object.fromEntries(Object.entries(forged).filter(([name]) => !known.includes(name)))
    const querystring = { ...unknown, ...asked.querystring, ...found }
    const answer = await ask(server, viewer, place, { ...asked, querystring })
    answers.set(`${place.face} ${place.method} ${place.url} ${what}`, answer)
  }
  for (const [index, some] of ids.entries()) {
    for (const it of cases) await put(it.place, askedOf(it, some), `${it.words} ${index}`)
  }
  for (const place of places.filter(it => !told.has(it))) await put(place, requestFor(place, NO_IDS, false), '')
  return answers
}

/** Without what is new each time. */
const plainOf = (answer: Answer | undefined) => answer?.text.replace(/"requestId":"[^"]+"/, '')

async function requireSameTellings(t: Test, company: Company, before: ReadonlyMap<string, Answer>, what: string) {
  for (const [question, answer] of await tellings(company)) {
    t.equal(plainOf(answer), plainOf(before.get(question)), `${what}: ${question}`)
  }
}

/** Names of the presence events in the documents. */
const PRESENCE = /^(presence|user:(online|offline)|userStatus)$/
const profile = { bio: 'New', statusText: 'New', avatarUrl: 'https://example.org/new.png' }

/** Is there, on a connection that is used; reads what there is, and goes. */
async function comeAndGo({ server, other, ids }: Company, isReading: boolean, whileThere: () => Promise<void>) {
  const socket = await server.connect(other)
  const before = (await server.call(other, 'GET', '/v1/users/me')).body.lastSeenAt
  for (const { conv } of isReading ? ids : []) {
    await socket.ask('receipt:read', { conversationId: `conv_${conv}`, seq: 2 })
  }
  t.match((await server.call(other, 'GET', `/v1/presence?ids=${other.id}`)).text, /online/)
  await whileThere()
  socket.ws.close()
  await socket.closed
  const isStored = async () => (await server.call(other, 'GET', '/v1/users/me')).body.lastSeenAt !== before
  while (!(await isStored())) await new Promise(resolve => setImmediate(resolve))
}

const HIDING: Readonly<Record<string, { hide: (company: Company) => Promise<unknown>; isApart: boolean }>> = {
  'who hides everything': {
    isApart: false,
    hide: async ({ server, other }) => {
      const privacy = { lastSeen: 'nobody', profilePhoto: 'nobody', about: 'nobody' }
      return await server.call(other, 'PATCH', '/v1/users/me/settings', { privacy })
    }
  },
  'who is blocked': {
    isApart: true,
    hide: async ({ server, viewer, other }) => await server.call(viewer, 'POST', '/v1/blocks', { userId: other.id })
  },
  'who has blocked': {
    isApart: true,
    hide: async ({ server, viewer, other }) => await server.call(other, 'POST', '/v1/blocks', { userId: viewer.id })
  }
}

for (const [name, { hide, isApart }] of Object.entries(HIDING)) {
  t.test(`${name} is the same on every route, byte for byte, whether they are there or not`, async t => {
    const company = await openCompany(t)
    const { server, other } = company
    await comeAndGo(company, false, async () => undefined)
    await hide(company)
    // What is asked counts as read by who asks.
    await tellings(company)
    const before = await tellings(company)
    t.not([...before.values()].filter(({ status }) => status === 200).length, 0)
    await comeAndGo(company, isApart, async () => {
      await server.call(other, 'PATCH', '/v1/users/me', profile)
      await requireSameTellings(t, company, before, 'there')
    })
    await requireSameTellings(t, company, before, 'gone again')
  })
}

t.test('nobody is told whom others know, have asked or blocked, nor where they are signed in', async t => {
  const company = await openCompany(t)
  const { server, viewer, other } = company
  const stranger = await server.person()
  await server.call(other, 'POST', '/v1/blocks', { userId: stranger.id })
  await server.call(other, 'PUT', `/v1/contacts/${stranger.id}`, {})
  const isList = (question: string) => /\/users $|\/users after/.test(question)
  for (const [question, { status, text }] of await tellings(company)) {
    t.ok(status < 500, question)
    t.notMatch(text, /Private|private@|4915140000009/, question)
    if (!isList(question)) t.notOk(text.includes(stranger.hex), `${question}: ${text}`)
  }
  const [session] = (await server.call(other, 'GET', '/v1/sessions')).body.sessions
  t.match(session, { id: /^ses_/ })
  const ended = await server.call(viewer, 'DELETE', `/v1/sessions/${session.id}`)
  t.match([ended.status, ended.body.error?.code], [404, 'not_found'])
  t.equal((await server.call(other, 'GET', '/v1/auth/me')).status, 200, 'the session goes on')
})

t.test('who hides their presence comes and goes without a sign on the sockets of every dialect', async t => {
  const company = await openCompany(t)
  const { server, viewer, other, third } = company
  await server.direct(viewer, third)
  const { id } = (await server.call(viewer, 'POST', '/v1/requests', { kind: 'friend', to: third.id })).body
  await server.call(third, 'POST', `/v1/requests/${id}/accept`)
  await server.call(other, 'PATCH', '/v1/users/me/settings', { privacy: { lastSeen: 'nobody' } })
  const auth = { token: viewer.token }
  const sockets = await Promise.all(
    dialects.map(async ({ name }) => await PacketClient.open(t, server.url, { namespace: `/${name}`, auth }))
  )
  await comeAndGo(company, false, async () => undefined)
  // Told after that, in the same words.
  await server.connect(third)
  for (const socket of sockets) {
    const signs = () => socket.heard.filter(({ name }) => PRESENCE.test(name)).map(({ data }) => JSON.stringify(data))
    const isTold = () => signs().some(text => text.includes(third.hex))
    await new Promise<void>(resolve => {
      socket.socket.onAny(() => isTold() && resolve())
      if (isTold()) resolve()
    })
    t.notMatch(signs().join(), other.hex)
  }
})

t.test('one lists and looks up as oneself, whatever else the query says', async t => {
  const company = await openCompany(t)
  await tellings(company)
  const before = await tellings(company)
  const { hex } = company.other
  const forged = { from: hex, senderId: hex, ownerId: hex, viewerId: hex, as: hex, role: 'owner', isAdmin: true }
  for (const [question, answer] of await tellings(company, forged)) {
    const isChecked = question.startsWith('canonical') && answer.status === 400
    if (isChecked) t.equal(answer.body.error.code, 'invalid', question)
    else t.equal(plainOf(answer), plainOf(before.get(question)), question)
  }
})
