import t from 'tap'
import { joinServer, type Person, type TestServer } from '../kit/helper.ts'

/** The ids of all pages. */
async function allOf(server: TestServer, who: Person, query = ''): Promise<string[]> {
  const ids: string[] = []
  for (let after = ''; ; ) {
    const { status, text, body } = await server.call(who, 'GET', `/v1/conversations?${query}${after}`)
    if (status !== 200) throw new Error(text)
    ids.push(...body.conversations.map(({ id }: { id: string }) => id))
    if (body.next === undefined) return ids
    after = `&after=${body.next}`
  }
}

const send = async (server: TestServer, who: Person, id: string, clientId: string): Promise<void> => {
  await server.call(who, 'POST', `/v1/conversations/${id}/messages`, { clientId, text: 'Hi' })
}

t.test('pinned ones come first, then the newest, in pages that neither repeat nor leave out', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const ids: string[] = []
  for (let n = 0; n < 7; n++) ids.push(await server.group(ann, ben))
  const [a, b, c, d, e, f, g] = ids as [string, string, string, string, string, string, string]
  for (const id of [f, a, d]) await send(server, ben, id, id)
  for (const id of [b, f]) await server.call(ann, 'PATCH', `/v1/conversations/${id}/preferences`, { pinned: true })
  const expected = [f, b, d, a, g, e, c]
  for (const limit of [1, 2, 3, 50]) t.same(await allOf(server, ann, `limit=${limit}`), expected, `pages of ${limit}`)
  t.same(await allOf(server, ben, 'limit=2'), [d, a, f, g, e, c, b], 'others are not pinned')
})

t.test('filters: archived, pinned, unread, type, and each with its opposite', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const direct = await server.direct(ann, ben)
  const group = await server.group(ann, ben)
  const other = await server.group(ann, ben)
  const set = async (id: string, body: object) =>
    await server.call(ann, 'PATCH', `/v1/conversations/${id}/preferences`, body)
  await set(group, { archived: true })
  await set(other, { pinned: true })
  await send(server, ben, direct, 'x')
  const cases: [string, string[]][] = [
    ['archived=true', [group]],
    ['archived=false', [other, direct]],
    ['pinned=true', [other]],
    ['pinned=false', [direct, group]],
    ['unread=true', [direct]],
    ['unread=false', [other, group]],
    ['type=direct', [direct]],
    ['type=group', [other, group]],
    ['type=support', []],
    ['type=group&archived=false', [other]]
  ]
  for (const [query, ids] of cases) {
    t.same(await allOf(server, ann, query), ids, query)
    t.same(await allOf(server, ann, `${query}&limit=1`), ids, `${query}, one by one`)
  }
  for (const query of ['archived=1', 'type=other', 'unread=', 'after=x', 'q=', 'limit=0', 'sort=name']) {
    t.equal((await server.call(ann, 'GET', `/v1/conversations?${query}`)).status, 400, query)
  }
})

t.test(
  'names are searched by the beginnings of words, as plain text, direct ones by the person or the nickname',
  async t => {
    const server = await joinServer(t)
    const [ann, ben] = (await server.people(2)) as [Person, Person]
    const make = async (name: string) =>
      (await server.call(ann, 'POST', '/v1/conversations', { type: 'group', name, memberIds: [ben.id] })).body.id
    const cafe = await make('Café (am) Markt')
    const dots = await make('a.* weekend')
    const direct = await server.direct(ann, ben)
    await server.call(ben, 'PATCH', '/v1/users/me', { displayName: 'Benedikt Østberg' })
    await server.call(ann, 'PATCH', `/v1/conversations/${direct}/preferences`, { nickname: 'Boss' })
    const found = async (q: string, who = ann) => await allOf(server, who, `q=${encodeURIComponent(q)}`)
    t.same(await found('CAFE mar'), [cafe])
    t.same(await found('week'), [dots])
    t.same(await found('eekend'), [])
    t.same(await found('.*'), [], 'no pattern')
    t.same(await found('(am'), [cafe])
    t.same(await found('bened'), [direct])
    t.same(await found('boss'), [direct])
    t.same(await found('boss', ben), [], 'a nickname is for who gave it')
  }
)
