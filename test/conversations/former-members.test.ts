import t from 'tap'
import { joinServer, type Person } from '../kit/helper.ts'

t.test('S38 who left a group before somebody came is not told to them', async t => {
  const server = await joinServer(t)
  const [ann, ben, cleo, dan] = (await server.people(4)) as [Person, Person, Person, Person]
  const group = await server.group(ann, ben, dan)
  await server.call(ann, 'DELETE', `/v1/conversations/${group}/members/${ben.id}`)
  t.equal((await server.call(ann, 'POST', `/v1/conversations/${group}/members`, { userIds: [cleo.id] })).status, 200)
  await server.call(ann, 'DELETE', `/v1/conversations/${group}/members/${dan.id}`)
  const membersOf = async (who: Person) => {
    const socket = await server.connect(who)
    const { items } = await socket.ask('sync:pull', { stream: group, since: 0 })
    const members = items.filter(({ type }: { type: string }) => type === 'member')
    return members.map(({ member }: { member: { userId: string } }) => member.userId).sort()
  }
  t.same(await membersOf(cleo), [ann.id, cleo.id, dan.id].sort(), 'dan left later')
  t.same(await membersOf(ann), [ann.id, ben.id, cleo.id, dan.id].sort())
})
