import t from 'tap'
import type { Person } from '../../kit/helper.ts'
import { newPhone, openApp, registerPhone, startScene } from './scene.ts'

t.test('1.9 a request reaches the other side, and accepting it makes the chat', async t => {
  const { server, ann, ben } = await startScene(t)
  const [a, b] = [await openApp(t, server, ann), await openApp(t, server, ben)]
  const sent = await server.call(ann, 'POST', '/chat-requests', { to: ben.hex, message: 'May I?', source: 'qr' })
  t.equal(sent.status, 200)
  const { data } = sent.body
  t.match(data, { from: ann.hex, to: ben.hex, message: 'May I?', status: 'pending', direction: 'outgoing' })
  t.match(data.user, { id: ben.hex, name: String })
  const asked = await b.hear('chat_request')
  t.match(asked, { id: data.id, from: ann.hex, message: 'May I?', status: 'pending', direction: 'incoming' })
  t.equal((await server.call(ann, 'POST', `/chat-requests/${data.id}/accept`)).status, 403, 'not by who asks')
  const accepted = await server.call(ben, 'POST', `/chat-requests/${data.id}/accept`)
  t.match(accepted.body.data, { id: data.id, status: 'accepted', direction: 'incoming' })
  const { conversationId, chat } = accepted.body.data
  t.equal(chat.id, conversationId)
  t.match(await a.hear('chat_request'), { id: data.id, status: 'accepted', direction: 'outgoing', conversationId })
  const repeat = await server.call(ben, 'POST', `/chat-requests/${data.id}/accept`)
  t.equal(repeat.body.data.conversationId, conversationId)
  const opened = await server.call(ann, 'POST', '/messages', { to: ben.hex, text: 'Thanks' })
  t.equal(opened.body.data.conversationId, conversationId)
  t.notOk(a.heard.some(({ name, data: told }) => name === 'chat_request' && told.status === 'pending'))
})

t.test('1.9 requests of both directions are listed, with status and direction', async t => {
  const { server, ann, ben, cleo } = await startScene(t)
  const ask = async (from: Person, to: Person) =>
    (await server.call(from, 'POST', '/chat-requests', { to: to.hex })).body.data.id as string
  const [toBen, fromCleo] = [await ask(ann, ben), await ask(cleo, ann)]
  const list = async (query = '') => (await server.call(ann, 'GET', `/chat-requests${query}`)).body.data
  t.match(await list(), [
    { id: fromCleo, direction: 'incoming', status: 'pending', from: cleo.hex },
    { id: toBen, direction: 'outgoing', status: 'pending', to: ben.hex }
  ])
  await server.call(ann, 'POST', `/chat-requests/${fromCleo}/decline`)
  t.match(await list('?direction=incoming'), [{ id: fromCleo, status: 'declined' }])
  t.match(await list('?status=pending'), [{ id: toBen }])
  const first = (await server.call(ann, 'GET', '/chat-requests?limit=1')).body
  t.match(first.pagination, { hasMore: true, next: fromCleo })
  t.match(await list(`?limit=1&after=${fromCleo}`), [{ id: toBen }])
})

t.test('1.9 crossed and repeated requests give one chat', async t => {
  const { server, ann, ben } = await startScene(t)
  const ask = async (from: Person, to: Person) =>
    await server.call(from, 'POST', '/chat-requests', { to: to.hex, message: 'Hi' })
  const answers = await Promise.all([ask(ann, ben), ask(ben, ann), ask(ann, ben), ask(ben, ann)])
  t.strictSame(
    answers.map(({ status }) => status),
    [200, 200, 200, 200]
  )
  for (const who of [ann, ben]) {
    t.match((await server.call(who, 'GET', '/chat-requests')).body.data, [{ status: 'accepted' }])
    t.equal((await server.call(who, 'GET', '/conversations')).body.data.length, 1)
  }
})

t.test('1.9 who was declined may not ask again and again', async t => {
  const { server, ann, ben } = await startScene(t)
  const ask = async () => await server.call(ann, 'POST', '/chat-requests', { to: ben.hex })
  const a = await openApp(t, server, ann)
  const { id } = (await ask()).body.data
  await server.call(ben, 'POST', `/chat-requests/${id}/decline`)
  t.match(await a.hear('chat_request'), { id, status: 'declined' })
  const again = await ask()
  t.equal(again.status, 429)
  t.match(again.body, { success: false, data: null, error: { code: 'rate_limited' } })
  t.equal((await server.call(ben, 'POST', `/chat-requests/${id}/accept`)).status, 409)
})

t.test('1.10 a chat is started with a person or with a number', async t => {
  const { server, ann, ben, cleo } = await startScene(t)
  const start = async (who: Person, body: object) => await server.call(who, 'POST', '/contacts/start-chat', body)
  const byId = await start(ann, { userId: ben.hex })
  t.match(byId.body, { success: true, data: { type: 'direct', isGroup: false } })
  t.equal((await start(ben, { userId: ann.id })).body.data.id, byId.body.data.id)
  const phone = newPhone()
  const zoe = await registerPhone(server, phone)
  const byNumber = await start(ann, { phone: `0${phone.slice(3)}` })
  t.ok(byNumber.body.data.members.some((it: { userId: string }) => it.userId === zoe.hex))
  t.equal((await start(ann, { phone: newPhone() })).status, 404)
  t.equal((await start(ann, { phone: 'me' })).status, 400)
  t.equal((await start(ann, {})).status, 400)
  await server.call(cleo, 'POST', '/v1/blocks', { userId: ann.id })
  t.equal((await start(ann, { userId: cleo.hex })).status, 403)
})

t.test('1.10 thousands of numbers are matched in one call', async t => {
  const { server, ann } = await startScene(t)
  const [one, other] = [newPhone(), newPhone()]
  const zoe = await registerPhone(server, one, { name: 'Zoe' })
  const yan = await registerPhone(server, other, { name: 'Yan' })
  const strangers = Array.from({ length: 4_998 }, (_, index) => ({
    phone: `+4916${String(100_000_000 + index)}`,
    name: `Somebody from an address book with a long name, number ${index}`,
    emails: []
  }))
  const contacts = [...strangers, { phone: `00${one.slice(1)}`, name: 'Zoe from work' }, other]
  const { status, body } = await server.call(ann, 'POST', '/contacts/sync', { contacts })
  t.equal(status, 200)
  const found = new Map(body.data.map((it: { userId: string }) => [it.userId, it]))
  t.equal(found.size, 2)
  t.match(found.get(zoe.hex), { name: 'Zoe', contactName: 'Zoe from work', phone: `00${one.slice(1)}`, online: false })
  t.match(found.get(yan.hex), { name: 'Yan', contactName: null, phone: other })
  const odd = { contacts: [{ phone: other, name: '' }, { phone: one, name: null }, { phone: 'x' }] }
  t.equal((await server.call(ann, 'POST', '/contacts/sync', odd)).body.data.length, 2)
  t.equal((await server.call(ann, 'POST', '/contacts/sync', { contacts: [7] })).status, 400)
})

t.test('1.10 numbers are counted, so that nobody tries them all', async t => {
  const { server, ann } = await startScene(t, { LIMITS_CONTACT_NUMBERS_PER_DAY: '3' })
  const sync = async (count: number) =>
    await server.call(ann, 'POST', '/contacts/sync', { contacts: Array.from({ length: count }, newPhone) })
  t.equal((await sync(2)).status, 200)
  t.equal((await server.call(ann, 'POST', '/contacts/start-chat', { phone: newPhone() })).status, 404)
  const refused = await sync(1)
  t.equal(refused.status, 429)
  t.ok(Number(refused.headers.get('retry-after')) > 0)
  const start = await server.call(ann, 'POST', '/contacts/start-chat', { phone: newPhone() })
  t.match(start.body, { success: false, error: { code: 'rate_limited' } })
})
