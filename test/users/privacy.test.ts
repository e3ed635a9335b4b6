import t from 'tap'
import { openDatabase } from '../kit/databases.ts'
import { joinServer, type Person, type TestServer } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'
import type { Frame, SocketClient } from '../kit/socket-client.ts'
import { StreamClient } from '../kit/stream-client.ts'

const SETTINGS = '/v1/users/me/settings'

async function shown(server: TestServer, viewer: Person, owner: Person): Promise<string[]> {
  const { body } = await server.call(viewer, 'GET', `/v1/users/${owner.id}`)
  return ['avatarUrl', 'bio', 'lastSeenAt', 'statusText'].filter(field => field in body)
}

/** Comes and goes, so that there is a time when they were seen last. */
async function beSeen(server: TestServer, person: Person): Promise<void> {
  const socket = await server.connect(person)
  socket.ws.close()
  await socket.closed
  const client = (): Promise<unknown> => server.call(person, 'GET', '/v1/users/me').then(({ body }) => body.lastSeenAt)
  while ((await client()) === undefined) await new Promise(resolve => setImmediate(resolve))
}

t.test('a profile shows to each viewer what its owner lets them see, and never phone or email', async t => {
  const server = await joinServer(t)
  const { accessToken: token, user } = await server.signUp({ phone: '+4915140000001', email: 'own@example.org' })
  const owner: Person = { token, id: user.id, hex: user.id.slice(-24) }
  const [friend, stranger] = (await server.people(2)) as [Person, Person]
  const profile = { bio: 'Bio', statusText: 'Busy', avatarUrl: 'https://example.org/a.png', publicKey: 'MFkwEwYH+/=' }
  const me = await server.call(owner, 'PATCH', '/v1/users/me', profile)
  t.match(me.body, { ...profile, phone: '+4915140000001', updatedAt: /Z$/ })
  await beSeen(server, owner)
  await server.call(owner, 'PUT', `/v1/contacts/${friend.id}`, {})
  const everything = ['avatarUrl', 'bio', 'lastSeenAt', 'statusText']
  const fields = { profilePhoto: ['avatarUrl'], about: ['bio', 'statusText'], lastSeen: ['lastSeenAt'] }
  for (const [name, hidden] of Object.entries(fields)) {
    const rest = everything.filter(field => !hidden.includes(field))
    const wanted = { everyone: [everything, everything], contacts: [everything, rest], nobody: [rest, rest] }
    for (const [audience, [toFriend, toStranger]] of Object.entries(wanted)) {
      await server.call(owner, 'PATCH', SETTINGS, { privacy: { [name]: audience } })
      t.same(await shown(server, friend, owner), toFriend, `${name} for ${audience}: a contact`)
      t.same(await shown(server, stranger, owner), toStranger, `${name} for ${audience}: a stranger`)
      t.same(await shown(server, owner, owner), everything, 'oneself')
    }
    await server.call(owner, 'PATCH', SETTINGS, { privacy: { [name]: 'everyone' } })
  }
  const seen = await server.call(stranger, 'GET', `/v1/users/${owner.id}`)
  t.match(seen.body, { publicKey: profile.publicKey })
  t.notMatch(seen.text, /phone|email|4915140000001|own@example/)
  await server.call(stranger, 'PATCH', SETTINGS, { privacy: { lastSeen: 'nobody' } })
  t.notOk((await shown(server, stranger, owner)).includes('lastSeenAt'), 'who hides theirs does not see it')
})

const presenceOf = async (server: TestServer, viewer: Person, { id }: Person): Promise<string> =>
  (await server.call(viewer, 'GET', `/v1/presence?ids=${id}`)).text.replaceAll(id, '')

t.test('hidden presence is byte for byte that of somebody who never came', async t => {
  const server = await joinServer(t)
  const [ann, ben, never] = (await server.people(3)) as [Person, Person, Person]
  const nothing = await presenceOf(server, ann, never)
  t.equal(nothing, '{"presence":[{"userId":"","status":"offline"}]}')
  await beSeen(server, ben)
  t.match(await presenceOf(server, ann, ben), /lastSeenAt/)
  await server.call(ben, 'PATCH', SETTINGS, { privacy: { lastSeen: 'nobody' } })
  t.equal(await presenceOf(server, ann, ben), nothing, 'away')
  await server.connect(ben)
  t.equal(await presenceOf(server, ann, ben), nothing, 'there')
  t.match(await presenceOf(server, ben, ben), /online/, 'oneself')
  await server.connect(ann)
  t.equal(await presenceOf(server, ben, ann), nothing, 'and does not see others either')
  await server.call(ben, 'PATCH', SETTINGS, { privacy: { lastSeen: 'contacts' } })
  t.equal(await presenceOf(server, ann, ben), nothing)
  await server.call(ben, 'PUT', `/v1/contacts/${ann.id}`, {})
  t.match(await presenceOf(server, ann, ben), /online/)
  t.match(await presenceOf(server, ben, ann), /online/)
  await server.call(ann, 'POST', '/v1/blocks', { userId: ben.id })
  t.equal(await presenceOf(server, ann, ben), nothing, 'blocked')
  t.equal(await presenceOf(server, ben, ann), nothing, 'blocked, the other way')
})

const status = async (socket: SocketClient): Promise<Frame> => (await socket.next('presence')).data

t.test('who watches hears what they may see, and every change of that at once', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const watcher = await server.connect(ann)
  t.same(await watcher.ask('presence:subscribe', { userIds: [ben.id] }), {
    presence: [{ userId: ben.id, status: 'offline' }]
  })
  const socket = await server.connect(ben)
  t.same(await status(watcher), { userId: ben.id, status: 'online' })
  await socket.ask('presence:set', { status: 'away' })
  t.same(await status(watcher), { userId: ben.id, status: 'away' })
  await server.call(ben, 'PATCH', SETTINGS, { privacy: { lastSeen: 'nobody' } })
  t.same(await status(watcher), { userId: ben.id, status: 'offline' }, 'hidden')
  await socket.ask('presence:set', { status: 'online' })
  await socket.ask('presence:set', { status: 'away' })
  await server.call(ben, 'PATCH', SETTINGS, { privacy: { lastSeen: 'everyone' } })
  t.same(await status(watcher), { userId: ben.id, status: 'away' }, 'shown again, and nothing of what was between')
  await server.call(ann, 'POST', '/v1/blocks', { userId: ben.id })
  t.same(await status(watcher), { userId: ben.id, status: 'offline' }, 'blocked')
  socket.terminate()
  await (await server.connect(ben)).ask('ping')
  await server.call(ann, 'DELETE', `/v1/blocks/${ben.id}`)
  t.same(await status(watcher), { userId: ben.id, status: 'online' }, 'unblocked')
  t.same(
    watcher.frames.filter(({ type }) => type === 'presence'),
    []
  )
})

t.test('somebody hidden comes and goes without a sign to who watches', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  await server.call(ben, 'PATCH', SETTINGS, { privacy: { lastSeen: 'nobody' } })
  const conversationId = await server.direct(ann, ben)
  const watcher = await server.connect(ann)
  await watcher.ask('presence:subscribe', { userIds: [ben.id] })
  for (const round of [1, 2]) {
    const socket = await server.connect(ben)
    await socket.ask('message:send', { conversationId, clientId: `m${round}`, text: 'Here' })
    await watcher.next(frame => frame.data?.clientId === `m${round}`)
    socket.ws.close()
    await socket.closed
  }
  await watcher.ask('ping')
  t.same(
    watcher.frames.filter(({ type }) => type === 'presence'),
    []
  )
})

t.test('an own status counts for all devices until it is set again, and people are counted', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const count = async (): Promise<number> => (await server.call(ann, 'GET', '/v1/presence/count')).body.count
  t.equal(await count(), 0)
  const watcher = await server.connect(ann)
  await watcher.ask('presence:subscribe', { userIds: [ben.id] })
  await server.connect(ben)
  const phone = await server.connect(ben)
  t.match(await status(watcher), { status: 'online' })
  t.equal(await count(), 2, 'two people with three devices')
  t.equal((await server.call(ben, 'PUT', '/v1/presence', { status: 'offline' })).status, 204)
  t.match(await status(watcher), { status: 'offline', lastSeenAt: /Z$/ })
  t.equal(await count(), 1)
  t.match(await presenceOf(server, ann, ben), /offline/)
  await server.call(ben, 'PUT', '/v1/presence', { status: 'away' })
  t.match(await status(watcher), { status: 'away' })
  await phone.ask('presence:set', { status: 'online' })
  t.match(await status(watcher), { status: 'online' })
  t.equal(await count(), 2)
  t.equal((await server.call(ben, 'PUT', '/v1/presence', { status: 'busy' })).status, 400)
})

t.test('who may start a conversation is for its owner to say; one that there is stays open', async t => {
  const server = await joinServer(t)
  const start = async (a: Person, b: Person): Promise<number> =>
    (await server.call(a, 'POST', '/v1/conversations', { type: 'direct', userId: b.id })).status
  const owner = await server.person()
  const known = await server.person()
  await start(known, owner)
  const wanted = {
    everyone: { stranger: 201, contact: 201, friend: 201 },
    contacts: { stranger: 403, contact: 201, friend: 201 },
    friends: { stranger: 403, contact: 403, friend: 201 },
    nobody: { stranger: 403, contact: 403, friend: 403 }
  }
  const client = await openDatabase(t, server.uri)
  for (const [whom, expected] of Object.entries(wanted)) {
    await server.call(owner, 'PATCH', SETTINGS, { privacy: { whoMayStart: whom } })
    const [stranger, contact, friend] = (await server.people(3)) as [Person, Person, Person]
    await server.call(owner, 'PUT', `/v1/contacts/${contact.id}`, {})
    const { id } = (await server.call(friend, 'POST', '/v1/requests', { kind: 'friend', to: owner.id })).body
    await server.call(owner, 'POST', `/v1/requests/${id}/accept`)
    // Accepting has opened one, whatever the settings; here it is to be opened by the friend.
    await client
      .db()
      .collection('conversations')
      .deleteOne({ pairKey: [friend.hex, owner.hex].sort().join(':') })
    t.equal(await start(stranger, owner), expected.stranger, `${whom}: a stranger`)
    t.equal(await start(contact, owner), expected.contact, `${whom}: a contact`)
    t.equal(await start(friend, owner), expected.friend, `${whom}: a friend`)
    t.equal(await start(known, owner), 200, `${whom}: who has one already`)
    t.equal(await start(owner, await server.person()), 201, `${whom}: the owner may`)
  }
})

t.test('a changed profile is told to who shares a conversation and is here, and to nobody else', async t => {
  const server = await joinServer(t)
  const [ann, ben, cleo, dan] = (await server.people(4)) as [Person, Person, Person, Person]
  await server.group(ann, ben, dan)
  await server.direct(ann, ben)
  await server.call(ann, 'POST', '/v1/blocks', { userId: dan.id })
  const [b, c, d] = await Promise.all([server.connect(ben), server.connect(cleo), server.connect(dan)])
  await server.call(ann, 'PATCH', '/v1/users/me', { displayName: 'Ann Two', bio: 'Hi' })
  t.same((await b.next('profile:updated')).data, { userId: ann.id, displayName: 'Ann Two', bio: 'Hi' })
  for (const socket of [b, c, d]) await socket.ask('ping')
  t.same(
    [b, c, d].map(socket => socket.frames.length),
    [0, 0, 0],
    'once, and not to a stranger or to who is blocked'
  )
})

t.test(
  'U79: a changed picture is told to each as far as they may see it, encoded once for all who see the same',
  async t => {
    const server = await joinServer(t)
    const people = (await server.people(5)) as [Person, Person, Person, Person, Person]
    const [ann, contact, ...others] = people
    const [app, web] = others
    await server.group(...people)
    await server.call(ann, 'PUT', `/v1/contacts/${contact.id}`, {})
    const [known, ...strangers] = [
      await server.connect(contact),
      ...(await Promise.all(others.map(it => server.connect(it))))
    ]
    const unified = await PacketClient.open(t, server.url, { auth: { token: app.token } })
    const chatapp = await StreamClient.open(t, `${server.url}/api/sse`, { authorization: `Bearer ${web.token}` })
    await chatapp.hear('ready')
    const told = async (body: object) => {
      await server.call(ann, 'PATCH', '/v1/users/me', body)
      const isIt = ({ type, data }: Frame) =>
        type === 'profile:updated' && data.displayName === Object(body).displayName
      const [toContact, ...toOthers] = await Promise.all(
        [known, ...strangers].map(async it => (await it.next(isIt)).data)
      )
      return { toContact, toOthers }
    }
    const pictureOf = (displayName: string) => ({ displayName, avatarUrl: `https://a.example/${displayName}.png` })
    const shown = await told({ ...pictureOf('one'), bio: 'Hi', statusText: 'Busy' })
    const everything = { userId: ann.id, ...pictureOf('one'), bio: 'Hi', statusText: 'Busy' }
    t.same(shown, { toContact: everything, toOthers: [everything, everything, everything] })
    const names = { displayName: 'one', avatar: pictureOf('one').avatarUrl }
    t.match(await unified.hear('user_profile_updated', it => it.name === 'one'), {
      ...{ ...names, userId: ann.hex, avatarUrl: names.avatar, bio: 'Hi', statusText: 'Busy' }
    })
    t.match((await chatapp.hear('profile:updated', it => it.displayName === 'one')).data, {
      ...names,
      status: 'Busy'
    })
    const privacy = { profilePhoto: 'contacts', about: 'nobody' }
    await server.call(ann, 'PATCH', SETTINGS, { privacy })
    const before = await encoded(server)
    const hidden = await told(pictureOf('two'))
    const bare = { userId: ann.id, displayName: 'two' }
    t.same(hidden, { toContact: { ...bare, ...pictureOf('two') }, toOthers: [bare, bare, bare] })
    t.equal((await encoded(server)) - before, 2, 'one text for contacts, one for the others')
    t.match(await unified.hear('user_profile_updated', it => it.name === 'two'), {
      avatar: null,
      avatarUrl: null,
      bio: null
    })
    const { data } = await chatapp.hear('profile:updated', it => it.displayName === 'two')
    t.match(data, { displayName: 'two', avatar: '', status: "Hey there! I'm using ChatApp" })
    t.match((await told({ displayName: 'three', avatarUrl: '' })).toContact, { avatarUrl: undefined }, 'taken away')
  }
)

/** Count the changes of profiles that were encoded in canonical frames. */
async function encoded(server: TestServer): Promise<number> {
  const { text } = await server.call(undefined, 'GET', '/metrics')
  const row = /vocabulary="canonical",framing="frames",event="profile:updated"\} (\d+)$/m.exec(text)
  if (row === null) throw new Error(text)
  return Number(row[1])
}
