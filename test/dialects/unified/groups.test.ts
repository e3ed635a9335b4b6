import t from 'tap'
import { bareId } from '../../../protocol/ids.ts'
import type { Person } from '../../kit/helper.ts'
import { startScene } from './scene.ts'

/** A group of Ann, its owner, and Ben. */
async function startGroup(t: Parameters<typeof startScene>[0]) {
  const scene = await startScene(t)
  const { server, ann, ben } = scene
  const call = async (who: Person, method: string, path: string, body?: object) =>
    await server.call(who, method, `/groups${path}`, body)
  const { body } = await call(ann, 'POST', '', { name: 'Team', members: [ben.hex], description: 'Us' })
  return { ...scene, call, id: body.data.id as string, made: body.data }
}

const rolesOf = ({ members }: { members: { userId: string; role: string }[] }) =>
  Object.fromEntries(members.map(({ userId, role }) => [userId, role]))

t.test('1.12 a group is made, listed and shown; its id is its conversation’s', async t => {
  const { server, ann, ben, cleo, call, id, made } = await startGroup(t)
  t.match(made, { id, conversationId: id, name: 'Team', description: 'Us', owner: ann.hex, admins: [ann.hex] })
  t.strictSame(rolesOf(made), { [ann.hex]: 'owner', [ben.hex]: 'member' })
  await server.direct(ann, ben)
  t.match((await call(ben, 'GET', '')).body, { success: true, data: [{ id }], pagination: { hasMore: false } })
  t.equal((await call(ben, 'GET', '')).body.data.length, 1)
  t.equal((await call(ben, 'GET', `/${id}`)).body.data.memberCount, 2)
  t.equal((await server.call(ben, 'GET', `/conversations/${id}`)).body.data.id, id)
  t.equal((await call(cleo, 'GET', `/${id}`)).status, 404)
  const direct = bareId(await server.direct(ann, cleo))
  t.equal((await call(ann, 'GET', `/${direct}`)).status, 404, 'a chat of two is no group')
  t.equal((await call(ann, 'POST', '', { members: [ben.hex] })).status, 400, 'without a name')
})

t.test('1.12 admins change the group, members do not', async t => {
  const { ann, ben, call, id } = await startGroup(t)
  const picture = 'https://example.com/g.png'
  const { body } = await call(ann, 'PUT', `/${id}`, { name: 'Crew', avatar: picture, colour: 'red' })
  t.match(body.data, { name: 'Crew', avatar: picture, avatarUrl: picture, description: 'Us' })
  t.equal((await call(ben, 'PUT', `/${id}`, { name: 'Mine' })).status, 403)
  t.equal((await call(ann, 'PUT', `/${id}`, { settings: { whoMayEdit: 'members' } })).status, 200)
  t.equal((await call(ben, 'PUT', `/${id}`, { name: 'Ours' })).body.data.name, 'Ours')
})

t.test('1.12 admins add and remove people, and anybody leaves', async t => {
  const { server, ann, ben, cleo, call, id } = await startGroup(t)
  const dan = await server.person()
  t.equal((await call(ben, 'POST', `/${id}/members`, { userIds: [cleo.hex] })).status, 403)
  const added = await call(ann, 'POST', `/${id}/members`, { userIds: [cleo.hex, ben.hex] })
  t.equal(added.body.data.memberCount, 3)
  await call(ann, 'POST', `/${id}/members`, { userId: dan.hex })
  t.equal((await call(ben, 'DELETE', `/${id}/members/${cleo.hex}`)).status, 403)
  const removed = await call(ann, 'DELETE', `/${id}/members/${cleo.hex}`)
  t.strictSame(new Set(Object.keys(rolesOf(removed.body.data))), new Set([ann.hex, ben.hex, dan.hex]))
  t.equal((await call(cleo, 'GET', `/${id}`)).status, 404)
  t.equal((await call(dan, 'DELETE', `/${id}/members/${dan.hex}`)).status, 200, 'by naming oneself')
  t.match((await call(ann, 'POST', `/${id}/leave`)).body, { success: true, data: { id } })
  t.strictSame(rolesOf((await call(ben, 'GET', `/${id}`)).body.data), { [ben.hex]: 'owner' })
})

t.test('1.12 the admins are exactly those who are named', async t => {
  const { ann, ben, cleo, call, id } = await startGroup(t)
  await call(ann, 'POST', `/${id}/members`, { userIds: [cleo.hex] })
  const put = async (who: Person, userIds: string[]) => await call(who, 'PUT', `/${id}/admins`, { userIds })
  t.equal((await put(ben, [ben.hex])).status, 403, 'members name nobody')
  const first = await put(ann, [ben.hex])
  t.strictSame(rolesOf(first.body.data), { [ann.hex]: 'owner', [ben.hex]: 'admin', [cleo.hex]: 'member' })
  t.strictSame([...first.body.data.admins].sort(), [ann.hex, ben.hex].sort())
  t.equal((await put(ben, [cleo.hex])).status, 403, 'an admin takes the role from nobody')
  t.equal((await put(ben, [ben.hex, cleo.hex])).status, 200, 'but gives it')
  const last = await put(ann, [ann.hex, cleo.hex])
  t.strictSame(rolesOf(last.body.data), { [ann.hex]: 'owner', [ben.hex]: 'member', [cleo.hex]: 'admin' })
  t.equal((await put(ann, ['f'.repeat(24)])).status, 404)
  t.strictSame(rolesOf((await put(ann, [cleo.hex])).body.data)[cleo.hex], 'admin', 'a repeat changes nothing')
})

t.test('1.12 every change is recorded by a system message', async t => {
  const { server, ann, ben, cleo, call, id } = await startGroup(t)
  await call(ann, 'POST', `/${id}/members`, { userIds: [cleo.hex] })
  await call(ann, 'PUT', `/${id}/admins`, { userIds: [ben.hex] })
  await call(ann, 'PUT', `/${id}/admins`, { userIds: [ben.hex] })
  await call(ann, 'PUT', `/${id}/admins`, { userIds: [cleo.hex] })
  await call(ann, 'PUT', `/${id}`, { name: 'Crew' })
  await call(ann, 'DELETE', `/${id}/members/${cleo.hex}`)
  await call(ben, 'POST', `/${id}/leave`)
  const { body } = await server.call(ann, 'GET', `/messages?conversationId=${id}`)
  const notes = [...body.data].reverse()
  for (const note of notes) t.match(note, { content: /\w/, text: /\w/, system: { actorId: String } })
  const named = await server.call(ann, 'GET', `/unified/messages?conversationId=${id}`)
  for (const note of named.body.data) t.equal(note.type, 'system', 'where no other app has a say')
  const kinds = notes.map(({ system }) => system.kind)
  t.strictSame(kinds, ['created', 'added', 'role', 'role', 'role', 'renamed', 'removed', 'left'])
  t.match(notes[3].system, { role: 'admin', userIds: [cleo.id] })
  t.match(notes[4].system, { role: 'member', userIds: [ben.id] })
})

t.test('1.12 its owner ends a group for everybody', async t => {
  const { ann, ben, call, id } = await startGroup(t)
  t.equal((await call(ben, 'DELETE', `/${id}`)).status, 403)
  t.match((await call(ann, 'DELETE', `/${id}`)).body, { success: true, data: { id } })
  for (const who of [ann, ben]) {
    t.equal((await call(who, 'GET', `/${id}`)).status, 404)
    t.strictSame((await call(who, 'GET', '')).body.data, [])
  }
})
