import t from 'tap'
import { bareId } from '../../../protocol/ids.ts'
import type { Person } from '../../kit/helper.ts'
import { openApp, startScene } from './scene.ts'

t.test('1.8 one other person and no name is the chat with them, one however often it is asked for', async t => {
  const { server, ann, ben } = await startScene(t)
  const open = async (who: Person, body: object) => await server.call(who, 'POST', '/conversations', body)
  const [one, two] = await Promise.all([
    open(ann, { participants: [ben.hex, ann.hex] }),
    open(ben, { members: [ann.id] })
  ])
  t.equal(one?.body.data.id, two?.body.data.id)
  t.strictSame([one?.status, two?.status].sort(), [200, 201])
  const { data } = one?.body ?? {}
  t.match(data, { type: 'direct', isGroup: false, status: 'active', name: String, lastMessage: null, unreadCount: 0 })
  t.equal(data.participantKey, [ann.hex, ben.hex].sort().join(':'))
  t.equal(data._id, data.id)
  t.strictSame(data.members, data.participants)
  t.strictSame(data.members.map((it: { userId: string }) => it.userId).sort(), [ann.hex, ben.hex].sort())
  t.equal((await open(ann, { participants: [ann.hex] })).status, 400)
  t.equal((await open(ann, {})).status, 400)
})

t.test('1.8 several people or a name make a group', async t => {
  const { server, ann, ben, cleo } = await startScene(t)
  const { status, body } = await server.call(ann, 'POST', '/conversations', {
    members: [ben.hex, cleo.hex],
    name: 'Team'
  })
  t.equal(status, 201)
  t.match(body.data, {
    type: 'group',
    isGroup: true,
    name: 'Team',
    participantKey: null,
    owner: ann.hex,
    memberCount: 3
  })
  const small = await server.call(ann, 'POST', '/conversations', { participants: [ben.hex], name: 'Two of us' })
  t.match(small.body.data, { type: 'group', memberCount: 2 })
  const unnamed = await server.call(ann, 'POST', '/conversations', { participants: [ben.hex, cleo.hex] })
  t.match(unnamed.body.data, { type: 'group', name: 'Group' })
})

t.test('1.8 the list has the pinned ones first, then the newest, by page', async t => {
  const { server, ann, ben, cleo } = await startScene(t)
  const first = bareId(await server.direct(ann, ben))
  const second = bareId(await server.direct(ann, cleo))
  const third = bareId(await server.group(ann, ben, cleo))
  for (const conversationId of [third, second, first]) {
    await server.call(ann, 'POST', '/messages', { conversationId, content: 'Hello' })
  }
  const list = async (query = '') => {
    const { body } = await server.call(ann, 'GET', `/conversations${query}`)
    return body.data.map(({ id }: { id: string }) => id)
  }
  t.strictSame(await list(), [first, second, third])
  await server.call(ann, 'PATCH', `/v1/conversations/${third}/preferences`, { pinned: true })
  t.strictSame(await list(), [third, first, second])
  t.strictSame([...(await list('?limit=2')), ...(await list('?limit=2&page=2'))], [third, first, second])
  const { body } = await server.call(ann, 'GET', '/conversations?limit=2')
  t.match(body.pagination, { page: 1, limit: 2, hasMore: true })
  t.match(body.data[0], { isPinned: true, lastMessage: { content: 'Hello', text: 'Hello', from: ann.hex } })
  t.equal((await server.call(ann, 'GET', '/conversations?page=100000')).status, 400)
})

t.test('1.8 a conversation tells how far each member has received and read', async t => {
  const { server, ann, ben } = await startScene(t)
  const send = async (text: string) =>
    (await server.call(ann, 'POST', '/messages', { to: ben.hex, text })).body.data as {
      id: string
      conversation: string
    }
  const [one, two] = [await send('1'), await send('2')]
  const show = async (who: Person) => (await server.call(who, 'GET', `/conversations/${one.conversation}`)).body.data
  t.equal((await show(ben)).unreadCount, 2)
  const b = await openApp(t, server, ben)
  await b.ask('read_up_to', { conversationId: one.conversation, readUpTo: one.id })
  await b.ask('delivered', { conversationId: one.conversation, deliveredUpTo: two.id })
  const seen = await show(ann)
  const cursors = seen.members.find((it: { userId: string }) => it.userId === ben.hex)
  t.match(cursors, { deliveredUpTo: two.id, readUpTo: one.id })
  t.match(await show(ben), { unreadCount: 1, deliveredUpTo: two.id, readUpTo: one.id })
})

t.test('1.8 who is blocked sees no receipts of who blocked them', async t => {
  const { server, ann, ben } = await startScene(t)
  const { data } = (await server.call(ann, 'POST', '/messages', { to: ben.hex, text: '1' })).body
  const b = await openApp(t, server, ben)
  await b.ask('read_up_to', { conversationId: data.conversation, readUpTo: data.id })
  await server.call(ben, 'POST', '/v1/blocks', { userId: ann.id })
  const shown = (await server.call(ann, 'GET', `/conversations/${data.conversation}`)).body.data
  const cursors = shown.members.find((it: { userId: string }) => it.userId === ben.hex)
  t.match(cursors, { deliveredUpTo: null, readUpTo: null })
})

t.test('1.8 a deleted chat is gone for one until the next message, without what was said before', async t => {
  const { server, ann, ben } = await startScene(t)
  const { conversation: id } = (await server.call(ann, 'POST', '/messages', { to: ben.hex, text: 'Before' })).body.data
  const list = async (who: Person) => (await server.call(who, 'GET', '/conversations')).body.data
  for (const round of [1, 2]) {
    const { status, body } = await server.call(ben, 'DELETE', `/conversations/${id}`)
    t.equal(status, 200, `round ${round}`)
    t.match(body, { success: true, data: { id, conversationId: id, scope: 'me' } })
  }
  t.strictSame(await list(ben), [])
  t.equal((await list(ann)).length, 1)
  await server.call(ann, 'POST', '/messages', { to: ben.hex, text: 'After' })
  t.match(await list(ben), [{ id, lastMessage: { text: 'After' }, unreadCount: 1 }])
  const { body } = await server.call(ben, 'GET', `/messages?with=${ann.hex}`)
  t.strictSame(
    body.data.map((it: { text: string }) => it.text),
    ['After']
  )
})

t.test('1.8 strangers see and delete nothing', async t => {
  const { server, ann, ben, cleo } = await startScene(t)
  const id = bareId(await server.direct(ann, ben))
  for (const method of ['GET', 'DELETE']) {
    const { status, body } = await server.call(cleo, method, `/conversations/${id}`)
    t.equal(status, 404, method)
    t.match(body, { success: false, data: null, error: { code: 'not_found' } })
  }
  const group = bareId(await server.group(ann, ben))
  t.equal((await server.call(ben, 'DELETE', `/conversations/${group}?scope=everyone`)).status, 403)
  t.equal((await server.call(ann, 'DELETE', `/conversations/${group}?scope=everyone`)).status, 200)
  t.equal((await server.call(ben, 'GET', `/conversations/${group}`)).status, 404)
})
