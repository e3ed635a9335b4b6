import t from 'tap'
import { openDatabase } from '../kit/databases.ts'
import { joinServer, type Person, startServer, type TestServer } from '../kit/helper.ts'

let made = 0

async function withPhone(server: TestServer): Promise<Person & { phone: string }> {
  made += 1
  const phone = `+49151${String(30_000_000 + made)}`
  const { accessToken, user } = await server.signUp({ phone })
  return { hex: user.id.slice(-24), id: user.id, token: accessToken, phone }
}

const matched = (body: { matches: { user: { id: string } }[] }): string[] => body.matches.map(({ user }) => user.id)

t.test('an address book finds its people in any spelling, and keeps them and nobody else', async t => {
  const server = await joinServer(t)
  const client = await openDatabase(t, server.uri)
  const [ann, ben, cleo, gone] = await Promise.all([
    withPhone(server),
    withPhone(server),
    withPhone(server),
    withPhone(server)
  ])
  await client
    .db()
    .collection('users')
    .updateOne({ phone: gone.phone }, { $set: { isDisabled: true } })
  const socket = await server.connect(ann)
  const national = `0${ben.phone.slice(3, 6)} ${ben.phone.slice(6)}`
  const contacts = [
    { phone: national, name: 'Benny' },
    cleo.phone.replace('+', '00'),
    gone.phone,
    ann.phone,
    '+4915199999999',
    'not a number',
    '$where'
  ]
  const { body } = await server.call(ann, 'POST', '/v1/contacts/sync', { contacts })
  t.same(new Set(matched(body)), new Set([ben.id, cleo.id]))
  t.match(
    body.matches.find(({ user }: { user: { id: string } }) => user.id === ben.id),
    { phone: national, name: 'Benny' }
  )
  t.notMatch(JSON.stringify(body.matches.map(({ user }: { user: unknown }) => user)), /\+49151/, 'no number of theirs')
  t.match(await socket.next('contacts:updated'), { stream: ann.id, rev: 1, data: {} })
  await server.call(ann, 'POST', '/v1/contacts/sync', { contacts })
  const list = (await server.call(ann, 'GET', '/v1/contacts')).body.contacts
  t.same(list.map(({ user }: { user: { id: string } }) => user.id).sort(), [ben.id, cleo.id].sort())
  t.match(
    list.find(({ user }: { user: { id: string } }) => user.id === ben.id),
    { name: 'Benny', source: 'sync', addedAt: /Z$/ }
  )
  t.equal(await client.db().collection('contacts').countDocuments(), 2, 'nothing else is kept')
  const { rev, items } = await socket.ask('sync:pull', { stream: ann.id, since: 0 })
  t.match({ rev, items }, { rev: 1, items: [{ type: 'contacts', rev: 1 }] }, 'the same book again changes nothing')
})

t.test('thousands of numbers go in one call, and a day has a limit against guessing them', async t => {
  const server = await startServer(t, { env: { LIMITS_CONTACT_NUMBERS_PER_DAY: '6000' } })
  const [ann, ben] = await Promise.all([withPhone(server), withPhone(server)])
  const numbers = Array.from({ length: 4_999 }, (_, index) => ({
    phone: `+49160${String(1_000_000 + index)}`,
    name: `Somebody of the office ${index}`
  }))
  const first = await server.call(ann, 'POST', '/v1/contacts/sync', { contacts: [...numbers, ben.phone] })
  t.same(matched(first.body), [ben.id])
  const tooMany = await server.call(ann, 'POST', '/v1/contacts/sync', { contacts: [...numbers, 'a', 'b'] })
  t.match(tooMany, { status: 400, body: { error: { code: 'invalid' } } }, 'more than 5,000 at once')
  const beyond = await server.call(ann, 'POST', '/v1/contacts/sync', { contacts: numbers.slice(0, 1_001) })
  t.match(beyond, { status: 429, body: { error: { code: 'rate_limited', retryAfterMs: Number } } })
  const within = await server.call(ann, 'POST', '/v1/contacts/sync', { contacts: numbers.slice(0, 1_000) })
  t.equal(within.status, 200, 'what was refused was not counted')
  t.equal(
    (await server.call(ben, 'POST', '/v1/contacts/sync', { contacts: numbers })).status,
    200,
    'each has their own'
  )
})

t.test('contacts are added, named, listed by pages, and removed', async t => {
  const server = await joinServer(t)
  const [ann, ...others] = (await server.people(4)) as [Person, ...Person[]]
  for (const { id } of others) t.equal((await server.call(ann, 'PUT', `/v1/contacts/${id}`, {})).status, 204)
  const [ben] = others as [Person]
  await server.call(ann, 'PUT', `/v1/contacts/${ben.hex}`, { name: 'Benny' })
  const first = (await server.call(ann, 'GET', '/v1/contacts?limit=2')).body
  const second = (await server.call(ann, 'GET', `/v1/contacts?limit=2&after=${first.next}`)).body
  const all = [...first.contacts, ...second.contacts]
  t.same(new Set(all.map(({ user }) => user.id)), new Set(others.map(({ id }) => id)))
  t.equal(all.length, others.length)
  t.match(
    all.find(({ user }) => user.id === ben.id),
    { name: 'Benny', source: 'added' }
  )
  t.equal(second.next, undefined)
  t.same((await server.call(ann, 'GET', '/v1/contacts?source=request')).body, { contacts: [] })
  t.same((await server.call(ben, 'GET', '/v1/contacts')).body, { contacts: [] }, 'only one’s own')
  t.equal((await server.call(ann, 'DELETE', `/v1/contacts/${ben.id}`)).status, 204)
  t.equal((await server.call(ann, 'DELETE', `/v1/contacts/${ben.id}`)).status, 204, 'a repeat')
  t.equal((await server.call(ann, 'GET', '/v1/contacts')).body.contacts.length, 2)
})

t.test('bad input is refused', async t => {
  const server = await joinServer(t)
  const ann = await server.person()
  const bodies: unknown[] = [
    {},
    { contacts: 'x' },
    { contacts: [1] },
    { contacts: [''] },
    { contacts: [{ name: 'x' }] },
    { contacts: [{ phone: { $gt: '' } }] },
    { contacts: [{ phone: '1', extra: 1 }] },
    { contacts: ['1'.repeat(65)] }
  ]
  for (const body of bodies) {
    const answer = await server.call(ann, 'POST', '/v1/contacts/sync', body)
    t.match(answer, { status: 400, body: { error: { code: 'invalid' } } }, JSON.stringify(body).slice(0, 60))
  }
  t.equal((await server.call(ann, 'PUT', `/v1/contacts/${ann.id}`, {})).status, 400, 'oneself')
  t.equal((await server.call(ann, 'PUT', `/v1/contacts/${'a'.repeat(24)}`, {})).status, 404)
  t.equal((await server.call(ann, 'PUT', `/v1/contacts/${'a'.repeat(24)}`, { name: '' })).status, 400)
})
