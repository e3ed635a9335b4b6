import t from 'tap'
import { joinServer, type Person } from '../kit/helper.ts'

t.test('each change of a group is recorded in its history, with the next rev and for everybody alike', async t => {
  const server = await joinServer(t)
  const [ann, ben, cleo, dan] = (await server.people(4)) as [Person, Person, Person, Person]
  const id = await server.group(ann, ben)
  const path = `/v1/conversations/${id}`
  const bens = await server.connect(ben)
  const change = async (who: Person, method: string, tail: string, body?: object): Promise<void> => {
    const answer = await server.call(who, method, `${path}${tail}`, body)
    t.equal(answer.status, 200, answer.text)
    const note = await bens.next('message:new')
    t.equal(note.rev, answer.body.rev + 1, `${method} ${tail}: the note follows the change`)
    t.equal(note.data.senderId, who.id)
  }
  await change(ann, 'POST', '/members', { userIds: [cleo.id, dan.id] })
  await change(ann, 'PATCH', `/members/${cleo.id}`, { role: 'admin' })
  await change(ann, 'PATCH', '', { name: 'Renamed' })
  await change(ann, 'PATCH', '', { description: 'What it is for' })
  await change(ann, 'PATCH', '', { settings: { whoMaySend: 'admins' } })
  await change(cleo, 'DELETE', `/members/${dan.id}`)
  await change(cleo, 'POST', '/leave')
  const { messages } = (await server.call(ben, 'GET', `${path}/messages`)).body
  const notes = messages.map(({ type, system, clientId }: Record<string, unknown>) => ({ type, system, clientId }))
  const by = ({ id: actorId }: Person) => ({ actorId })
  t.same(
    notes,
    [
      { kind: 'created', ...by(ann), name: 'Group', userIds: [ben.id], userCount: 1 },
      { kind: 'added', ...by(ann), userIds: [cleo.id, dan.id], userCount: 2 },
      { kind: 'role', ...by(ann), userIds: [cleo.id], userCount: 1, role: 'admin' },
      { kind: 'renamed', ...by(ann), name: 'Renamed' },
      { kind: 'changed', ...by(ann) },
      { kind: 'settings', ...by(ann) },
      { kind: 'removed', ...by(cleo), userIds: [dan.id], userCount: 1 },
      { kind: 'left', ...by(cleo), userIds: [cleo.id], userCount: 1 }
    ].map(system => ({ type: 'system', system, clientId: undefined }))
  )
})

t.test('a recorded change is never unread, may be the last message, and stays as it is', async t => {
  const server = await joinServer(t)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  const id = await server.group(ann, ben)
  const path = `/v1/conversations/${id}`
  await server.call(ann, 'POST', `${path}/messages`, { clientId: 'a', text: 'Hi' })
  await server.call(ann, 'POST', `${path}/members`, { userIds: [cleo.id] })
  t.match((await server.call(ben, 'GET', path)).body, { unreadCount: 1, lastMessage: { system: { kind: 'added' } } })
  t.match((await server.call(cleo, 'GET', path)).body, { unreadCount: 0, lastMessage: { system: { kind: 'added' } } })
  const { lastMessage } = (await server.call(ann, 'GET', path)).body
  const place = `${path}/messages/${lastMessage.id}`
  for (const [method, body] of [
    ['PATCH', { text: 'Never happened' }],
    ['DELETE', undefined]
  ] as const) {
    t.match(
      await server.call(ann, method, place, body),
      { status: 403, body: { error: { code: 'forbidden' } } },
      method
    )
  }
  t.same((await server.call(ann, 'GET', place)).body, lastMessage)
})

t.test('what changes nothing is not recorded', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.group(ann, ben)
  const path = `/v1/conversations/${id}`
  const { head } = (await server.call(ann, 'GET', path)).body
  await server.call(ann, 'POST', `${path}/members`, { userIds: [ben.id] })
  await server.call(ann, 'PATCH', path, { name: 'Group', settings: { history: 'joined' } })
  await server.call(ann, 'PATCH', `${path}/members/${ben.id}`, { role: 'member' })
  t.same((await server.call(ann, 'GET', path)).body.head, head)
})
