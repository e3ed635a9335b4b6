import t from 'tap'
import { ObjectId } from '../../src/database/object-id.ts'
import { openDatabase } from '../kit/databases.ts'
import { type Answer, joinServer, openServices, type Person, startServer, type TestServer } from '../kit/helper.ts'

const SETTINGS = '/v1/users/me/settings'

type People = [Person, Person, Person]

async function makeGroup(server: TestServer, owner: Person, ...others: Person[]): Promise<Answer> {
  const memberIds = others.length > 0 ? others.map(({ id }) => id) : undefined
  return await server.call(owner, 'POST', '/v1/conversations', { type: 'group', name: 'Group', memberIds })
}

async function add(server: TestServer, owner: Person, group: string, ...others: Person[]): Promise<Answer> {
  const userIds = others.map(({ id }) => id)
  return await server.call(owner, 'POST', `/v1/conversations/${group}/members`, { userIds })
}

const refusalOf = ({ status, body }: Answer) => (status < 300 ? 'ok' : body.error.code)

t.test('S06: who may be added to groups is for themself to say, and never more than may talk to them', async t => {
  const server = await joinServer(t)
  const client = await openDatabase(t, server.uri)
  const rows: [privacy: object, stranger: string, contact: string, friend: string][] = [
    [{ whoMayAdd: 'everyone' }, 'ok', 'ok', 'ok'],
    [{ whoMayAdd: 'contacts' }, 'forbidden', 'ok', 'ok'],
    [{ whoMayAdd: 'friends' }, 'forbidden', 'forbidden', 'ok'],
    [{ whoMayAdd: 'nobody' }, 'forbidden', 'forbidden', 'forbidden'],
    [{ whoMayStart: 'contacts' }, 'forbidden', 'ok', 'ok'],
    [{ whoMayStart: 'nobody' }, 'forbidden', 'forbidden', 'forbidden'],
    [{ whoMayStart: 'friends', whoMayAdd: 'contacts' }, 'forbidden', 'forbidden', 'ok']
  ]
  for (const [privacy, ...expected] of rows) {
    const owner = await server.person()
    await server.call(owner, 'PATCH', SETTINGS, { privacy })
    const [stranger, contact, friend] = (await server.people(3)) as People
    await server.call(owner, 'PUT', `/v1/contacts/${contact.id}`, {})
    const { id } = (await server.call(friend, 'POST', '/v1/requests', { kind: 'friend', to: owner.id })).body
    await server.call(owner, 'POST', `/v1/requests/${id}/accept`)
    const memberships = async () =>
      await client
        .db()
        .collection('members')
        .countDocuments({ userId: new ObjectId(owner.hex) })
    for (const [index, actor] of [stranger, contact, friend].entries()) {
      const wanted = expected[index]
      const name = `${JSON.stringify(privacy)} ${['stranger', 'contact', 'friend'][index]}`
      const before = await memberships()
      t.equal(refusalOf(await makeGroup(server, actor, await server.person(), owner)), wanted, `${name}: a new group`)
      const group = await server.group(actor, await server.person())
      t.equal(refusalOf(await add(server, actor, group, owner)), wanted, `${name}: a group that there is`)
      const expectedCount = before + (wanted === 'ok' ? 2 : 0)
      t.equal(await memberships(), expectedCount, `${name}: nothing changed where it is refused`)
    }
  }
})

t.test(
  'S06: who left a group is not brought back by who had added them, unless that is a contact of theirs',
  async t => {
    const server = await joinServer(t)
    const [ann, ben, cem] = (await server.people(3)) as People
    const group = await server.group(ann, ben, cem)
    const leave = async () => await server.call(ben, 'POST', `/v1/conversations/${group}/leave`)
    await server.call(ann, 'PATCH', `/v1/conversations/${group}/members/${cem.id}`, { role: 'admin' })
    await leave()
    t.equal(refusalOf(await add(server, ann, group, ben)), 'forbidden')
    t.equal(refusalOf(await add(server, cem, group, ben)), 'ok', 'somebody else may')
    await leave()
    t.equal(refusalOf(await add(server, cem, group, ben)), 'forbidden', 'now not them either')
    await server.call(ben, 'PUT', `/v1/contacts/${cem.id}`, {})
    t.equal(refusalOf(await add(server, cem, group, ben)), 'ok', 'a contact may')
    await server.call(ann, 'DELETE', `/v1/conversations/${group}/members/${ben.id}`)
    t.equal(refusalOf(await add(server, ann, group, ben)), 'ok', 'who was removed may come back')
    await leave()
    const client = await openDatabase(t, server.uri)
    const week = { $set: { leftAt: new Date(Date.now() - 8 * 86_400_000) } }
    await client
      .db()
      .collection('members')
      .updateOne({ userId: new ObjectId(ben.hex) }, week)
    t.equal(refusalOf(await add(server, ann, group, ben)), 'ok', 'after a week everybody may')
  }
)

t.test('S06: groups, strangers in them, and conversations of one person have their limits of a day', async t => {
  const server = await startServer(t, {
    env: { LIMITS_GROUPS_PER_DAY: '3', LIMITS_STRANGERS_ADDED_PER_DAY: '4', LIMITS_MEMBERSHIPS_PER_USER: '4' }
  })
  const [ann, ben, friend] = (await server.people(3)) as People
  await server.call(friend, 'PUT', `/v1/contacts/${ann.id}`, {})
  const group = (await makeGroup(server, ann, ...(await server.people(3)))).body.id
  t.equal(refusalOf(await add(server, ann, group, friend)), 'ok', 'who has them as a contact is no stranger')
  t.equal(refusalOf(await add(server, ann, group, ben)), 'ok')
  t.equal(refusalOf(await add(server, ann, group, ben)), 'ok', 'who is in already is not counted')
  const refused = await add(server, ann, group, await server.person())
  t.match(refused, { status: 429, body: { error: { code: 'rate_limited' } } }, 'the first one beyond')
  t.ok(refused.body.error.retryAfterMs > 0)
  t.equal(refusalOf(await add(server, ann, group, friend)), 'ok', 'others go on')
  const other = await server.group(ben, await server.person())
  t.equal(refusalOf(await add(server, ben, other, await server.person())), 'ok', 'a neighbour is not concerned')

  for (const _ of [2, 3]) t.equal(refusalOf(await makeGroup(server, ann, friend)), 'ok')
  t.equal(refusalOf(await makeGroup(server, ann, friend)), 'rate_limited')
  t.equal(refusalOf(await makeGroup(server, friend)), 'ok', 'somebody else makes one, who is in four then')
  t.equal(refusalOf(await makeGroup(server, ben, friend)), 'quota_reached', 'and is added to no more')
  t.equal(refusalOf(await makeGroup(server, friend)), 'quota_reached', 'nor makes one')
  await server.call(friend, 'POST', `/v1/conversations/${group}/leave`)
  t.equal(refusalOf(await makeGroup(server, ben, friend)), 'ok', 'until they leave one')
})

t.test('S34: conversations are counted at their first message, and answers are not', async t => {
  const server = await startServer(t, { env: { LIMITS_CHATS_BEGUN_PER_DAY: '2' } })
  const [ann, ben, cem] = (await server.people(3)) as People
  const send = async (who: Person, conversation: string, clientId: string) => {
    return refusalOf(
      await server.call(who, 'POST', `/v1/conversations/${conversation}/messages`, { clientId, text: 'Hi' })
    )
  }
  const chats = []
  for (const peer of [ben, cem, await server.person()]) chats.push(await server.direct(ann, peer))
  const [first = '', second = '', third = ''] = chats
  t.equal(await send(ann, first, 'a'), 'ok')
  t.equal(await send(ann, first, 'a'), 'ok', 'a repeat')
  t.equal(await send(ann, second, 'a'), 'ok')
  for (let n = 0; n < 5; n++) t.equal(await send(ann, first, `more${n}`), 'ok', 'as many as they like before an answer')
  t.equal(await send(ann, third, 'a'), 'rate_limited', 'looking at a third is free, writing is not')
  t.equal(await send(ann, await server.group(ann, ben), 'a'), 'ok', 'groups are not concerned')
  t.equal(await send(ben, first, 'a'), 'ok')
  t.equal(await send(cem, await server.direct(cem, ben), 'a'), 'ok', 'nor are others')
})

t.test('S07: many people are added and leave a part at a time, between which messages go on', async t => {
  const { store, bus, conversations, groups, messages } = await openServices(t)
  const people = Array.from({ length: 451 }, (_, n) => ({
    _id: new ObjectId(),
    displayName: `P${n}`,
    createdAt: new Date()
  }))
  await Promise.all(people.map(async user => await store.users.insert(user)))
  const [owner = '', ...others] = people.map(({ _id }) => _id.toHexString())
  const actor = { userId: owner, expiresAt: Date.now() + 60_000 }
  const make = async () => (await conversations.create(actor, { type: 'group', name: 'Group' })).conversation.id
  const [group, chat] = [await make(), await make()]
  const order: string[] = []
  const memberCounts: number[] = []
  bus.subscribe('conversation', ({ event }) => {
    if (event.type === 'member:changed') memberCounts.push(event.data.members.length)
    order.push(event.type === 'message:new' && event.data.type === 'text' ? 'message' : event.type)
  })
  const between = async (change: Promise<unknown>) => {
    order.length = 0
    memberCounts.length = 0
    for (let n = 0; n < 20 && memberCounts.length < 3; n++) {
      await messages.send(actor, { conversationId: chat, clientId: `${Math.random()}`, text: 'Hi' })
    }
    await change
    await new Promise(resolve => setImmediate(resolve))
    const turns = order.filter(it => it === 'message' || it === 'member:changed')
    const isBetween = turns.some((it, index) => it === 'message' && turns.slice(0, index).includes('member:changed'))
    t.ok(isBetween && turns.lastIndexOf('member:changed') > turns.indexOf('message'), turns.join(' '))
    t.ok(Math.max(...memberCounts) <= 101, `${memberCounts.join(' ')} people at once`)
  }
  await between(groups.add(actor, group, others))
  t.equal((await conversations.get(actor, group)).memberCount, 451)
  await groups.add(actor, group, others)
  t.equal((await conversations.get(actor, group)).memberCount, 451, 'a repeat changes nothing')
  await between(groups.end(actor, group))
  await t.rejects(conversations.get(actor, group), { code: 'not_found' })
  await t.rejects(groups.end(actor, group), { code: 'not_found' })
  const members = await store.members.findAll(
    new ObjectId(group.slice('conv_'.length)),
    people.map(({ _id }) => _id)
  )
  t.equal(members.filter(({ leftAt }) => leftAt !== undefined).length, 451)
})

t.test('U09: whom the setting keeps out opens no group with somebody either, and nobody is brought back', async t => {
  const server = await joinServer(t)
  for (const whoMayStart of ['nobody', 'contacts']) {
    const [ann, ben, cem] = (await server.people(3)) as People
    const { privacy } = (await server.call(ben, 'PATCH', SETTINGS, { privacy: { whoMayStart } })).body
    t.match(privacy, { whoMayStart })
    const bens = await server.connect(ben)
    const direct = await server.call(ann, 'POST', '/v1/conversations', { type: 'direct', userId: ben.id })
    t.equal(refusalOf(direct), 'forbidden')
    t.equal(refusalOf(await makeGroup(server, ann, ben)), 'forbidden')
    const unified = { name: 'Group', members: [ben.hex], participants: [ben.hex], memberIds: [ben.hex] }
    t.match(await server.call(ann, 'POST', '/unified/groups', unified), { status: 403 }, 'by an app')
    const group = await server.group(ann, cem)
    t.equal(refusalOf(await add(server, ann, group, ben)), 'forbidden', 'nor is added')
    t.match(await server.call(ann, 'POST', `/unified/groups/${group}/members`, { userIds: [ben.hex] }), { status: 403 })
    await bens.ask('ping')
    t.same(
      bens.frames.filter(({ type }) => type !== 'settings:updated'),
      [],
      'nothing is heard of it'
    )
    t.same((await server.call(ben, 'GET', '/v1/conversations')).body.conversations, [])
  }
  const [ann, ben, cem] = (await server.people(3)) as People
  const group = await server.group(ann, ben, cem)
  await server.call(ben, 'POST', `/v1/conversations/${group}/leave`)
  for (let again = 0; again < 5; again++) t.equal(refusalOf(await add(server, ann, group, ben)), 'forbidden')
})
