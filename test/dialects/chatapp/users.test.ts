import t from 'tap'
import { joinServer, type Person } from '../../kit/helper.ts'

t.test('2.6 a profile is one’s own in full, and somebody else’s as they let it be seen', async t => {
  const server = await joinServer(t)
  const { accessToken, user } = await server.signUp({ phone: '+4915112345678', displayName: 'Ann' })
  const ann = { token: accessToken }
  const [ben] = (await server.people(1)) as [Person]
  const own = (await server.call(ann, 'GET', `/api/users/${user.id}`)).body
  t.match(own, {
    ...{ userId: user.id, displayName: 'Ann', avatar: '', phoneNumber: '+4915112345678' },
    ...{ status: "Hey there! I'm using ChatApp", isOnline: false, lastSeen: null, createdAt: String },
    settings: { notifications: true, theme: 'light', language: 'en' }
  })
  const path = `/api/users/${user.id}`
  const changed = await server.call(ann, 'PUT', path, { status: 'Busy', avatar: 'https://example.com/a.png' })
  t.match(changed, { status: 200, body: { status: 'Busy', avatar: 'https://example.com/a.png' } })
  const seen = (await server.call(ben, 'GET', path)).body
  t.match(seen, { userId: user.id, displayName: 'Ann', status: 'Busy', avatar: 'https://example.com/a.png' })
  t.notOk('phoneNumber' in seen || 'settings' in seen)
  await server.call(ann, 'PATCH', '/v1/users/me/settings', { privacy: { about: 'nobody', lastSeen: 'nobody' } })
  const socket = await server.connect(ann)
  await socket.ask('ping')
  const hidden = (await server.call(ben, 'GET', path)).body
  t.match(hidden, { status: "Hey there! I'm using ChatApp", isOnline: false, lastSeen: null })
  t.equal((await server.call(ben, 'PUT', path, { status: 'Hacked' })).status, 403)
  t.match(await server.call(ben, 'GET', '/api/users/0123456789abcdef01234567'), {
    status: 404,
    body: { success: false }
  })
})

t.test('2.6 the status is one’s own to set, and seen by others', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  await server.connect(ann)
  const put = async (body: object, who = ann) => await server.call(who, 'PUT', `/api/users/${ann.id}/status`, body)
  const seen = async () => (await server.call(ben, 'GET', `/api/users/${ann.hex}`)).body
  t.equal((await seen()).isOnline, true)
  t.match(await put({ status: 'away' }), { status: 200, body: { userId: ann.id, status: 'away', isOnline: true } })
  t.match((await put({ isOnline: false })).body, { status: 'offline', isOnline: false })
  t.match(await seen(), { isOnline: false, lastSeen: String })
  t.match((await put({ status: 'online' })).body, { isOnline: true })
  t.equal((await seen()).isOnline, true)
  t.match(await put({ status: 'offline' }, ben), { status: 403, body: { success: false, code: 'forbidden' } })
  for (const bad of [{}, { status: 'Busy' }, { isOnline: 'yes' }]) t.equal((await put(bad)).status, 400)
})

t.test('2.6 settings are changed in part', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const path = `/api/users/${ann.id}/settings`
  const first = await server.call(ann, 'PUT', path, { notifications: false, theme: 'dark' })
  t.match(first, { status: 200, body: { notifications: false, theme: 'dark', language: 'en' } })
  t.match((await server.call(ann, 'PUT', path, { language: 'de' })).body, {
    notifications: false,
    theme: 'dark',
    language: 'de'
  })
  t.equal((await server.call(ann, 'GET', '/v1/users/me/settings')).body.notifications.enabled, false)
  t.match((await server.call(ann, 'GET', `/api/users/${ann.id}`)).body.settings, { theme: 'dark', language: 'de' })
  t.equal((await server.call(ann, 'PUT', path, { theme: 'pink' })).status, 400)
  t.equal((await server.call(ben, 'PUT', path, { theme: 'dark' })).status, 403)
})

t.test('U80: everybody’s profile says when it was changed last', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const look = async (who: Person) => (await server.call(who, 'GET', `/api/users/${ann.id}`)).body
  const before = await look(ben)
  t.equal(before.updatedAt, before.createdAt, 'never changed')
  const { updatedAt } = (await server.call(ann, 'PUT', `/api/users/${ann.id}`, { displayName: 'Ann' })).body
  t.ok(updatedAt > before.updatedAt)
  t.equal((await look(ben)).updatedAt, updatedAt)
  t.match((await server.call(ben, 'GET', `/v1/users/${ann.id}`)).body, { updatedAt })
  await server.call(ann, 'PATCH', '/v1/users/me/settings', { privacy: { about: 'nobody' } })
  t.equal((await look(ben)).updatedAt, before.createdAt, 'a change of what is hidden is hidden')
  await server.call(ann, 'POST', '/v1/blocks', { userId: ben.id })
  t.notOk('updatedAt' in (await look(ben)), 'nothing of it across a block')
})
