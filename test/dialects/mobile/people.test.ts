import t from 'tap'
import { joinServer, PASSWORD, type Person } from '../../kit/helper.ts'
import { granter, openApp, refusal } from './app.ts'

const PROFILE = {
  ...{ _id: String, id: String, displayName: String, status: 'offline', lastSeen: null, publicKey: null },
  ...{ isActive: true, isVerified: false, createdAt: String, updatedAt: String, avatar: null, bio: null }
}

t.test('0.1 the own profile has every field, and a change of some keeps the rest', async t => {
  const server = await joinServer(t)
  const grant = granter(server)
  const [ann] = (await server.people(1)) as [Person]
  t.match(await grant(ann, 'GET', '/users/me'), { ...PROFILE, id: ann.hex, phoneNumber: null, email: null })
  const picture = 'https://pictures.example/ann.png'
  const changed = await grant(ann, 'PUT', '/users/me', {
    ...{ displayName: 'Ann', username: 'ann.1', bio: 'Hello', avatar: picture, publicKey: 'key', theme: 'unknown' }
  })
  t.match(changed, { displayName: 'Ann', username: 'ann.1', bio: 'Hello', avatar: picture, publicKey: 'key' })
  t.match(await grant(ann, 'PUT', '/users/me', { bio: null }), { displayName: 'Ann', bio: null, avatar: picture })
  t.same(Object.keys(await grant(ann, 'GET', '/mobile/users/me')), Object.keys(changed), 'the same under /mobile')
  for (const bad of [
    { displayName: 7 },
    { avatar: 'javascript:alert(1)' },
    { username: { $ne: '' } },
    { bio: ['x'] }
  ]) {
    t.match(await server.call(ann, 'PUT', '/users/me', bad), { status: 400, body: refusal('invalid') })
  }
  t.match(await server.call(undefined, 'GET', '/users/me'), { status: 401, body: refusal('unauthenticated') })
})

t.test('0.1 another person’s profile obeys their privacy and hides phone, email and push tokens', async t => {
  const server = await joinServer(t)
  const grant = granter(server)
  const [ann] = (await server.people(1)) as [Person]
  const { user, accessToken } = await server.signUp({ phone: '+4915112345678', email: 'ben@example.com' })
  const ben = { hex: user.id.slice(-24), id: user.id, token: accessToken }
  t.match(await grant(ben, 'GET', '/users/me'), { phoneNumber: '+4915112345678', email: 'ben@example.com' })
  await grant(ben, 'PUT', '/users/me', { bio: 'About Ben', avatar: 'https://pictures.example/ben.png' })
  await grant(ben, 'PUT', '/users/me/fcm-token', { token: 'a-token-of-a-device' })
  for (const id of [ben.hex, ben.id]) {
    const seen = await server.call(ann, 'GET', `/users/${id}`)
    t.match(seen.body.data, { id: ben.hex, bio: 'About Ben', avatar: 'https://pictures.example/ben.png' })
    t.notMatch(seen.text, /15112345678|ben@example|a-token-of|phoneNumber|email|fcm/i)
  }
  const privacy = { about: 'contacts', profilePhoto: 'nobody', lastSeen: 'nobody' }
  await grant(ben, 'PUT', '/users/me/settings', { privacy })
  await openApp(t, server, ben)
  t.match(await grant(ann, 'GET', `/users/${ben.hex}`), { bio: null, avatar: null, status: 'offline', lastSeen: null })
  await server.call(ben, 'PUT', `/v1/contacts/${ann.hex}`, {})
  t.match(await grant(ann, 'GET', `/users/${ben.hex}`), { bio: 'About Ben', avatar: null, status: 'offline' })
  t.match(await server.call(ann, 'GET', `/users/${'f'.repeat(24)}`), { status: 404, body: refusal('not_found') })
})

t.test('0.2 online, away and offline are seen by others at once and in the profile, and last seen is kept', async t => {
  const server = await joinServer(t)
  const grant = granter(server)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const { id: conversationId } = await grant(ann, 'POST', '/conversations/single', { userId: ben.hex })
  const a = await openApp(t, server, ann)
  // It has been told who is there by now.
  await a.ask('typing:stop', { conversationId })
  const b = await openApp(t, server, ben)
  t.match(await a.hear('user:online'), { userId: ben.hex })
  const seen = async () => await grant(ann, 'GET', `/users/${ben.hex}`)
  t.match(await grant(ben, 'PUT', '/users/me/status', { status: 'away' }), { status: 'away' })
  t.match(await seen(), { status: 'away' })
  t.match(await grant(ben, 'PUT', '/users/me/status', { status: 'offline' }), { status: 'offline' })
  t.match(await a.hear('user:offline'), { userId: ben.hex })
  t.same(
    a.heard.map(({ name }) => name),
    ['user:online', 'user:offline'],
    'away says nothing'
  )
  let lastSeen = null
  while (lastSeen === null) ({ lastSeen } = await seen())
  t.match(lastSeen, /^\d{4}-.*Z$/)
  a.heard.length = 0
  await grant(ben, 'PUT', '/users/me/status', { status: 'online' })
  t.match(await a.hear('user:online'), { userId: ben.hex })
  t.match(await seen(), { status: 'online' })
  b.socket.close()
  t.match(await a.hear('user:offline'), { userId: ben.hex })
  const gone = await seen()
  t.match(gone, { status: 'offline', lastSeen: String })
  t.ok(gone.lastSeen >= lastSeen)
  t.match(await server.call(ben, 'PUT', '/users/me/status', { status: 'busy' }), {
    status: 400,
    body: refusal('invalid')
  })
})

t.test('0.6 people are found by phone number, username and name, by beginnings, in any case, literally', async t => {
  const server = await joinServer(t)
  const grant = granter(server)
  const [ann] = (await server.people(1)) as [Person]
  const fields = {
    username: 'Zacharias.77',
    displayName: 'Zoë Zimmermann',
    password: PASSWORD,
    phone: '+4915199988877'
  }
  const { user } = await server.signUp(fields)
  const search = async (q: string): Promise<{ id: string }[]> =>
    await grant(ann, 'GET', `/users/search?q=${encodeURIComponent(q)}`)
  for (const q of ['zachar', 'ZACHARIAS.77', 'zimmer', 'Zoe', '+4915199988877', '0151 99988877']) {
    t.same(
      (await search(q)).map(({ id }) => id),
      [user.id.slice(-24)],
      q
    )
  }
  for (const q of ['+49151999', '.*', '^ach', 'acharias', '$ne', '{"$gt":""}', '(', '\\', '[a-z]+', '', ' '])
    t.same(await search(q), [], q)
  await server.signUp({ username: 'zacharias.78' })
  const pages = await Promise.all(
    [1, 2, 3].map(page => grant(ann, 'GET', `/users/search?q=zachar&limit=1&page=${page}`))
  )
  t.same(
    pages.map(page => page.length),
    [1, 1, 0]
  )
  t.not(pages[0][0].id, pages[1][0].id)
  const [found] = await search('zacharias.77')
  t.match(found, { username: 'Zacharias.77', displayName: 'Zoë Zimmermann', status: 'offline' })
  t.notOk('phoneNumber' in (found ?? {}) || 'email' in (found ?? {}))
  for (const query of ['', '?q=a&q=b', '?q[$ne]=1']) {
    t.match(await server.call(ann, 'GET', `/users/search${query}`), { status: 400, body: refusal('invalid') }, query)
  }
})
