import t from 'tap'
import { joinServer, type Person } from '../kit/helper.ts'

const OFF = { muted: false, pinned: false, archived: false, favorite: false, hidden: false }

t.test(
  'preferences are one’s own, told to all of one’s devices, and survive every change of the conversation',
  async t => {
    const server = await joinServer(t)
    const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
    const id = await server.group(ann, ben)
    const path = `/v1/conversations/${id}`
    const [phone, laptop] = await Promise.all([server.connect(ben), server.connect(ben)])
    t.same((await server.call(ben, 'GET', path)).body.me.preferences, OFF)
    const wanted = { muted: true, pinned: true, favorite: true, ringtone: 'Bell', nickname: 'The others' }
    const answer = await server.call(ben, 'PATCH', `${path}/preferences`, wanted)
    t.match(answer, { status: 200, body: { role: 'member', preferences: { ...OFF, ...wanted } } })
    for (const device of [phone, laptop]) {
      t.match(await device?.next('preferences:updated'), {
        stream: ben.id,
        data: { conversationId: id, me: answer.body }
      })
    }
    // The server has cached the membership without them, and writes it now.
    await server.call(ann, 'PATCH', `${path}/members/${ben.id}`, { role: 'admin' })
    t.same((await server.call(ben, 'GET', path)).body.me.preferences, { ...OFF, ...wanted })
    t.same((await server.call(ann, 'GET', path)).body.me.preferences, OFF, 'nobody else has them')
    t.notMatch((await server.call(ann, 'GET', `${path}/members`)).text, /Bell|others/)
    t.equal((await server.call(cleo, 'PATCH', `${path}/preferences`, wanted)).status, 404)
    const less = (await server.call(ben, 'PATCH', `${path}/preferences`, { ringtone: '', nickname: ' ', muted: false }))
      .body
    t.same(less.preferences, { ...OFF, pinned: true, favorite: true })
  }
)

t.test('muting has an end or none, and a repeat tells nobody', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.direct(ann, ben)
  const set = async (body: object) =>
    (await server.call(ann, 'PATCH', `/v1/conversations/${id}/preferences`, body)).body
  const later = new Date(Date.now() + 3_600_000).toISOString()
  t.match(await set({ mutedUntil: later }), { preferences: { muted: true, mutedUntil: later } })
  const forEver = (await set({ muted: true })).preferences
  t.equal(forEver.muted, true)
  t.notOk('mutedUntil' in forEver)
  t.match(await set({ mutedUntil: '2001-01-01T00:00:00.000Z' }), { preferences: { muted: false } }, 'over already')
  const socket = await server.connect(ann)
  const { rev } = await socket.ask('sync:pull', { stream: ann.id, since: 0 })
  await set({ mutedUntil: '2001-01-01T00:00:00.000Z', archived: false })
  t.equal((await socket.ask('sync:pull', { stream: ann.id, since: rev })).rev, rev)
})

t.test('what was missed of preferences is caught up as it is now, and ends with the membership', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.group(ann, ben)
  const path = `/v1/conversations/${id}`
  const socket = await server.connect(ben)
  const { rev } = await socket.ask('sync:pull', { stream: ben.id, since: 0 })
  await server.call(ben, 'PATCH', `${path}/preferences`, { archived: true })
  await server.call(ben, 'PATCH', `${path}/preferences`, { pinned: true })
  const items = (await socket.ask('sync:pull', { stream: ben.id, since: rev })).items
  t.match(items, [{ type: 'preferences', conversationId: id, me: { preferences: { archived: true, pinned: true } } }])
  t.equal(items.length, 1)
  await server.call(ann, 'DELETE', `${path}/members/${ben.id}`)
  const gone = (await socket.ask('sync:pull', { stream: ben.id, since: rev })).items
  t.same(
    gone.map(({ type }: { type: string }) => type),
    ['removed']
  )
  await server.call(ann, 'POST', `${path}/members`, { userIds: [ben.id] })
  t.same((await server.call(ben, 'GET', path)).body.me.preferences, OFF, 'who comes back begins anew')
})

t.test('what is no preference is refused', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.direct(ann, ben)
  for (const body of [
    { muted: 'yes' },
    { mutedUntil: 'tomorrow' },
    { mutedUntil: '2026-13-45T99:99:99.999Z' },
    { ringtone: 'x'.repeat(257) },
    { nickname: 'x'.repeat(65) },
    { nickname: { $set: 1 } },
    { hiddenAtSeq: 5 },
    { 'preferences.pinned': true }
  ]) {
    const answer = await server.call(ann, 'PATCH', `/v1/conversations/${id}/preferences`, body)
    t.match(answer, { status: 400, body: { error: { code: 'invalid' } } }, JSON.stringify(body).slice(0, 60))
  }
  t.same((await server.call(ann, 'GET', `/v1/conversations/${id}`)).body.me.preferences, OFF)
})
