import t from 'tap'
import { joinServer, type Person } from '../../kit/helper.ts'
import { granter, openApp, refusal } from './app.ts'

const idsOf = (items: { id: string }[]) => items.map(({ id }) => id)

t.test('0.7 a conversation shows its participants, admins, last message, and how the caller keeps it', async t => {
  const server = await joinServer(t)
  const grant = granter(server)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const { id } = await grant(ann, 'POST', '/conversations/group', { name: 'Group', participants: [ben.hex] })
  const a = await openApp(t, server, ann)
  const first = (await a.ask('message:send', { conversationId: id, content: 'one' })).data
  await a.ask('message:send', { conversationId: id, content: 'two' })
  const b = await openApp(t, server, ben)
  await b.ask('message:read', { conversationId: id, messageId: first.id })
  await grant(ben, 'PUT', `/conversations/${id}/mute`, { isMuted: true })
  await grant(ben, 'PUT', `/conversations/${id}/pin`, { isPinned: true })
  const mine = { unreadCount: 1, isMuted: true, isPinned: true, lastReadMessageId: first.id }
  const seen = await grant(ben, 'GET', `/conversations/conv_${id}`)
  t.match(seen, {
    ...{ _id: id, id, type: 'group', name: 'Group', avatar: null, description: null },
    ...{ admins: [ann.hex], createdBy: ann.hex, isArchived: false, unreadCount: 1, createdAt: String },
    lastMessage: { content: 'two', senderId: ann.hex }
  })
  t.equal(seen.lastMessageAt, seen.lastMessage.createdAt)
  const rowOf = (conversation: { participants: { userId: string }[] }, { hex }: Person) =>
    conversation.participants.find(({ userId }) => userId === hex)
  t.equal(seen.participants.length, 2)
  t.match(rowOf(seen, ben), { ...mine, userId: ben.hex, joinedAt: String })
  const [listed] = await grant(ann, 'GET', '/conversations')
  const hidden = { unreadCount: 0, isMuted: false, isPinned: false }
  t.match(rowOf(listed, ben), { ...hidden, lastReadMessageId: first.id }, 'how others keep it is theirs')
  t.match(listed, { ...hidden, isArchived: false })
})

t.test('0.7 the list has pinned ones first, then the newest, page by page, and nobody else’s', async t => {
  const server = await joinServer(t)
  const grant = granter(server)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const groups: string[] = []
  for (const name of ['A', 'B', 'C', 'D']) {
    groups.push((await grant(ann, 'POST', '/conversations/group', { name, participants: [] })).id)
  }
  const [one, two, three, four] = groups as [string, string, string, string]
  await grant(ann, 'PUT', `/conversations/${two}/pin`)
  const a = await openApp(t, server, ann)
  await a.ask('message:send', { conversationId: one, content: 'newest' })
  t.same(idsOf(await grant(ann, 'GET', '/conversations')), [two, one, four, three])
  const pages = await Promise.all([1, 2, 3].map(page => grant(ann, 'GET', `/conversations?limit=3&page=${page}`)))
  t.same(pages.map(idsOf), [[two, one, four], [three], []])
  t.same(await grant(ben, 'GET', '/conversations'), [])
  for (const [method, path] of [
    ['GET', ''],
    ['PUT', '/mute'],
    ['PUT', '/archive'],
    ['GET', '/messages'],
    ['DELETE', '/messages'],
    ['DELETE', '']
  ] as const) {
    const refused = await server.call(ben, method, `/conversations/${one}${path}`)
    t.match(refused, { status: 404, body: refusal('not_found') }, `${method} ${path}`)
  }
  t.match(await server.call(ann, 'GET', '/conversations?page=0'), { status: 400, body: refusal('invalid') })
})

t.test('0.8 opening a single conversation twice, at once and from both sides, gives one', async t => {
  const server = await joinServer(t)
  const grant = granter(server)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const open = async (who: Person, userId: string) =>
    await server.call(who, 'POST', '/conversations/single', { userId })
  const answers = await Promise.all([open(ann, ben.hex), open(ben, ann.hex), open(ann, ben.id), open(ben, ann.id)])
  t.equal(new Set(answers.map(({ body }) => body.data.id)).size, 1)
  t.equal(answers.filter(({ status }) => status === 201).length, 1, 'one of them made it')
  const again = await open(ann, ben.hex)
  t.match(again, { status: 200, body: { success: true, data: { type: 'single', lastMessage: null, admins: [] } } })
  const shared = await grant(ben, 'GET', `/conversations/${again.body.data.id}`)
  t.same(shared.participants.map(({ userId }: { userId: string }) => userId).sort(), [ann.hex, ben.hex].sort())
  t.match(await open(ann, ann.hex), { status: 400, body: refusal('invalid') })
  t.match(await open(ann, 'f'.repeat(24)), { status: 404, body: refusal('not_found') })
})

t.test('0.8 a group has a name, a picture, a description and those who were named, each once', async t => {
  const server = await joinServer(t)
  const grant = granter(server)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  const participants = [ben.hex, cleo.id, ben.id, ann.hex]
  const looks = { name: 'Walks', avatar: 'https://pictures.example/w.png', description: 'On Sundays' }
  const group = await grant(ann, 'POST', '/conversations/group', { ...looks, participants })
  t.match(group, { ...looks, type: 'group', admins: [ann.hex] })
  t.equal(group.participants.length, 3)
  t.match(await grant(cleo, 'GET', '/conversations'), [{ id: group.id, ...looks }])
  for (const bad of [
    { name: '' },
    { name: 'x', participants: ['x'] },
    { name: 'x', participants: { 0: ben.hex } },
    {}
  ]) {
    const refused = await server.call(ann, 'POST', '/conversations/group', bad)
    t.match(refused, { status: 400, body: refusal('invalid') })
  }
})

t.test(
  '0.9 admins change name, picture and description; deleting hides, and by the owner’s wish ends a group',
  async t => {
    const server = await joinServer(t)
    const grant = granter(server)
    const [ann, ben] = (await server.people(2)) as [Person, Person]
    const { id } = await grant(ann, 'POST', '/conversations/group', { name: 'Old', participants: [ben.hex] })
    const looks = { name: 'New', description: 'Text', avatar: 'https://pictures.example/n.png' }
    t.match(await grant(ann, 'PUT', `/conversations/${id}`, looks), looks)
    t.match(await grant(ann, 'PUT', `/conversations/${id}`, { description: 'Other', name: null }), {
      ...looks,
      description: 'Other'
    })
    const refused = await server.call(ben, 'PUT', `/conversations/${id}`, { name: 'Mine' })
    t.match(refused, { status: 403, body: refusal('forbidden') })
    const a = await openApp(t, server, ann)
    await a.ask('message:send', { conversationId: id, content: 'before' })
    for (let time = 0; time < 2; time++) await grant(ben, 'DELETE', `/conversations/${id}`)
    t.same(await grant(ben, 'GET', '/conversations'), [])
    t.equal((await grant(ann, 'GET', '/conversations')).length, 1)
    await a.ask('message:send', { conversationId: id, content: 'after' })
    t.match(await grant(ben, 'GET', '/conversations'), [{ id, unreadCount: 1, lastMessage: { content: 'after' } }])
    t.equal((await grant(ben, 'GET', `/conversations/${id}/messages`)).length, 1, 'what was deleted does not come back')
    t.match(await server.call(ben, 'DELETE', `/conversations/${id}?scope=everyone`), { status: 403 })
    await grant(ann, 'DELETE', `/conversations/${id}?scope=everyone`)
    for (const who of [ann, ben]) {
      t.same(await grant(who, 'GET', '/conversations'), [])
      t.equal((await server.call(who, 'GET', `/conversations/${id}`)).status, 404)
    }
  }
)

t.test('0.10 admins add and remove, anyone leaves, who comes sees what is said from then on', async t => {
  const server = await joinServer(t)
  const grant = granter(server)
  const [ann, ben, cleo, dan] = (await server.people(4)) as [Person, Person, Person, Person]
  const { id } = await grant(ann, 'POST', '/conversations/group', { name: 'G', participants: [ben.hex] })
  const place = `/conversations/${id}/participants`
  const a = await openApp(t, server, ann)
  await a.ask('message:send', { conversationId: id, content: 'before' })
  t.match(await server.call(ben, 'PUT', place, { userIds: [cleo.hex] }), { status: 403, body: refusal('forbidden') })
  const added = await grant(ann, 'PUT', place, { userIds: [cleo.hex, dan.id, ben.hex] })
  t.equal(added.participants.length, 4)
  await a.ask('message:send', { conversationId: id, content: 'after' })
  const said = await grant(cleo, 'GET', `/conversations/${id}/messages`)
  t.ok(said.some(({ content }: { content: string }) => content === 'after'))
  t.notOk(said.some(({ content }: { content: string }) => content === 'before'))
  t.match(await server.call(ben, 'DELETE', `${place}/${cleo.hex}`), { status: 403, body: refusal('forbidden') })
  t.equal((await grant(ann, 'DELETE', `${place}/${cleo.hex}`)).participants.length, 3)
  t.equal((await server.call(cleo, 'GET', `/conversations/${id}`)).status, 404)
  t.equal((await server.call(ann, 'DELETE', `${place}/${cleo.hex}`)).status, 404)
  await grant(dan, 'DELETE', `${place}/${dan.id}`)
  await server.call(ann, 'PATCH', `/v1/conversations/${id}/members/${ben.id}`, { role: 'admin' })
  t.match(await server.call(ben, 'DELETE', `${place}/${ann.hex}`), { status: 403 }, 'the owner stays')
  await grant(ann, 'DELETE', `${place}/${ann.hex}`)
  t.match(await grant(ben, 'GET', `/conversations/${id}`), { admins: [ben.hex], createdBy: ben.hex })
  const single = await grant(ben, 'POST', '/conversations/single', { userId: ann.hex })
  const refused = await server.call(ben, 'PUT', `/conversations/${single.id}/participants`, { userIds: [dan.hex] })
  t.match(refused, { status: 400, body: refusal('invalid') })
})

t.test('0.11 mute, pin and archive turn over without a flag, and a flag said twice changes nothing', async t => {
  const server = await joinServer(t)
  const grant = granter(server)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const { id } = await grant(ann, 'POST', '/conversations/single', { userId: ben.hex })
  for (const [path, flag] of [
    ['mute', 'isMuted'],
    ['pin', 'isPinned'],
    ['archive', 'isArchived']
  ] as const) {
    const put = async (body?: object) => (await grant(ann, 'PUT', `/conversations/${id}/${path}`, body))[flag]
    t.equal(await put(), true, path)
    t.equal((await grant(ann, 'GET', `/conversations/${id}`))[flag], true)
    t.equal((await grant(ben, 'GET', `/conversations/${id}`))[flag], false, 'for oneself')
    t.equal(await put(), false)
    t.same([await put({ [flag]: true }), await put({ [flag]: true })], [true, true])
    t.same([await put({ [flag]: false }), await put({ [flag]: false })], [false, false])
    const bad = await server.call(ann, 'PUT', `/conversations/${id}/${path}`, { [flag]: 'yes' })
    t.match(bad, { status: 400, body: refusal('invalid') })
  }
})

t.test('0.11 muting may have an end, and what has ended is not muted', async t => {
  const server = await joinServer(t)
  const grant = granter(server)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const { id } = await grant(ann, 'POST', '/conversations/single', { userId: ben.hex })
  const mute = async (body: object) => await grant(ann, 'PUT', `/conversations/${id}/mute`, body)
  const until = '2099-01-01T00:00:00.000Z'
  for (const body of [{ until }, { isMuted: true, until: '2099-01-01T00:00:00Z' }]) {
    t.match(await mute(body), { isMuted: true, mutedUntil: until })
  }
  t.match(await grant(ann, 'GET', `/conversations/${id}`), { isMuted: true, mutedUntil: until })
  t.match(await mute({ isMuted: true }), { isMuted: true, mutedUntil: null }, 'for ever')
  t.match(await mute({ isMuted: false }), { isMuted: false, mutedUntil: null })
  t.match(await mute({ until: '2001-01-01T00:00:00.000Z' }), { isMuted: false })
  const bad = await server.call(ann, 'PUT', `/conversations/${id}/mute`, { until: 'tomorrow' })
  t.match(bad, { status: 400, body: refusal('invalid') })
})

t.test('0.12 clearing is for the caller alone; unread count and last message follow', async t => {
  const server = await joinServer(t)
  const grant = granter(server)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const { id } = await grant(ann, 'POST', '/conversations/single', { userId: ben.hex })
  const a = await openApp(t, server, ann)
  for (const content of ['one', 'two']) await a.ask('message:send', { conversationId: id, content })
  t.match(await grant(ben, 'GET', `/conversations/${id}`), { unreadCount: 2, lastMessage: { content: 'two' } })
  for (let time = 0; time < 2; time++) await grant(ben, 'DELETE', `/conversations/${id}/messages`)
  t.match(await grant(ben, 'GET', '/conversations'), [{ id, unreadCount: 0, lastMessage: null }])
  t.same(await grant(ben, 'GET', `/conversations/${id}/messages`), [])
  t.match(await grant(ann, 'GET', '/conversations'), [{ id, lastMessage: { content: 'two' } }])
  t.equal((await grant(ann, 'GET', `/messages?conversationId=${id}`)).length, 2)
  await a.ask('message:send', { conversationId: id, content: 'three' })
  t.match(await grant(ben, 'GET', `/conversations/${id}`), { unreadCount: 1, lastMessage: { content: 'three' } })
})
