import { ObjectId } from 'mongodb'
import t from 'tap'
import { newPhone, openApp, registerPhone, startScene } from './scene.ts'

interface Shown {
  id: string
  name: string
}

const idsOf = (body: { data: Shown[] }) => body.data.map(({ id }) => id)

t.test('1.11 everybody else is listed by page, each once', async t => {
  const { server, ann, ben, cleo } = await startScene(t)
  const dan = await server.person()
  const pages = await Promise.all(
    [1, 2, 3].map(async page => await server.call(ann, 'GET', `/users?page=${page}&limit=2`))
  )
  for (const { status, body } of pages) {
    t.equal(status, 200)
    t.match(body, { success: true, error: null })
  }
  const listed = pages.flatMap(({ body }) => idsOf(body))
  t.strictSame(new Set(listed), new Set([ben.hex, cleo.hex, dan.hex]))
  t.strictSame(
    pages.map(({ body }) => body.data.length),
    [2, 1, 0]
  )
  t.match(pages[0]?.body.pagination, { page: 1, limit: 2, hasMore: true, next: String })
  t.equal(pages[1]?.body.pagination.hasMore, false)
  await server.call(dan, 'POST', '/v1/blocks', { userId: ann.id })
  const { body } = await server.call(ann, 'GET', '/users')
  t.strictSame(new Set(idsOf(body)), new Set([ben.hex, cleo.hex]), 'without who blocked them')
  const first = await server.call(ann, 'GET', '/users?limit=1')
  const rest = await server.call(ann, 'GET', `/users?limit=100&after=${first.body.pagination.next}`)
  t.strictSame([...idsOf(first.body), ...idsOf(rest.body)], idsOf(body))
})

t.test('1.11 people are found by the beginning of their names, which is taken literally', async t => {
  const { server, ann } = await startScene(t)
  const phone = newPhone()
  const zoe = await registerPhone(server, phone, { name: 'Zoe Quill', username: 'zoequill' })
  for (const q of ['zoe', 'QUI', 'zoeq', phone]) {
    const { body } = await server.call(ann, 'GET', `/users/search?q=${encodeURIComponent(q)}`)
    t.strictSame(idsOf(body), [zoe.hex], q)
    t.match(body.data[0], { name: 'Zoe Quill', displayName: 'Zoe Quill', uid: zoe.hex, userId: zoe.hex, online: false })
    t.notOk('phone' in body.data[0], 'numbers are for their owners')
  }
  t.strictSame(idsOf((await server.call(ann, 'GET', '/users?search=zoe')).body), [zoe.hex])
  t.strictSame(idsOf((await server.call(ann, 'GET', `/users/search?q=${encodeURIComponent('.*')}`)).body), [])
  t.strictSame(idsOf((await server.call(ann, 'GET', '/users/search?q=zoe&page=2&limit=1')).body), [])
  t.equal((await server.call(ann, 'GET', '/users/search')).status, 400)
})

t.test('1.11 profiles have both apps’ names of the fields, and only the owner sees all of them', async t => {
  const { server, ann } = await startScene(t)
  const phone = newPhone()
  const zoe = await registerPhone(server, phone, { name: 'Zoe' })
  const mine = (await server.call(zoe, 'GET', '/users/profile')).body.data
  t.match(mine, { id: zoe.hex, uid: zoe.hex, userId: zoe.hex, phone, phoneNumber: phone, name: 'Zoe' })
  const theirs = await server.call(ann, 'GET', `/users/profile/user_${zoe.hex}`)
  t.match(theirs.body.data, { id: zoe.hex, _id: zoe.hex, name: 'Zoe', avatar: null, avatarUrl: null })
  for (const name of ['phone', 'phoneNumber', 'email']) t.notOk(name in theirs.body.data, name)
  const missing = await server.call(ann, 'GET', `/users/profile/${new ObjectId().toHexString()}`)
  t.equal(missing.status, 404)
  t.match(missing.body, { success: false, data: null, error: { code: 'not_found' } })
})

t.test('1.11 a profile is changed under either app’s names, and what is left out stays', async t => {
  const { server, ann } = await startScene(t)
  const patch = async (body: object) => await server.call(ann, 'PATCH', '/users/me', body)
  const picture = 'https://example.com/a.png'
  t.match((await patch({ avatar: picture, bio: 'Hi', theme: 'dark' })).body.data, {
    avatar: picture,
    avatarUrl: picture
  })
  t.match((await patch({ name: 'Anna' })).body.data, { name: 'Anna', displayName: 'Anna', bio: 'Hi', avatar: picture })
  t.match((await patch({ displayName: 'Ann', avatarUrl: '' })).body.data, {
    name: 'Ann',
    avatar: null,
    avatarUrl: null
  })
  t.equal((await patch({ name: 7 })).status, 400)
})

t.test('1.11 a changed profile reaches those who share a conversation, and nobody else', async t => {
  const { server, ann, ben, cleo } = await startScene(t)
  await server.direct(ann, ben)
  const [a, b, c] = await Promise.all([ann, ben, cleo].map(async it => await openApp(t, server, it)))
  await server.call(ann, 'PATCH', '/users/me', { name: 'Anna' })
  const told = await b?.hear('user_profile_updated')
  t.match(told, { id: ann.hex, uid: ann.hex, userId: ann.hex, name: 'Anna', displayName: 'Anna' })
  t.match(await a?.hear('user_profile_updated'), { id: ann.hex, name: 'Anna' }, 'their own devices too')
  await server.call(ben, 'POST', '/messages', { to: cleo.hex, text: 'Later than that' })
  await c?.hear('receive-message')
  t.notOk(c?.heard.some(({ name }) => name === 'user_profile_updated'))
})

t.test('1.11 people and their presence are read by ids, in their order', async t => {
  const { server, ann, ben, cleo } = await startScene(t)
  await openApp(t, server, ben)
  const ids = `${cleo.hex},user_${ben.hex}`
  const people = await server.call(ann, 'GET', `/users/by-ids?ids=${ids},${new ObjectId().toHexString()}`)
  t.strictSame(idsOf(people.body), [cleo.hex, ben.hex])
  const presence = await server.call(ann, 'GET', `/presence?ids=${ids}`)
  t.strictSame(presence.body.data, [
    { userId: cleo.hex, online: false, status: 'offline', lastSeen: null },
    { userId: ben.hex, online: true, status: 'online', lastSeen: null }
  ])
  t.strictSame((await server.call(ann, 'GET', '/users/online/count')).body.data, { count: 1 })
  for (const path of ['/presence', '/users/by-ids']) {
    t.equal((await server.call(ann, 'GET', `${path}?ids=me`)).status, 400, path)
  }
})
