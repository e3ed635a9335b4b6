import t from 'tap'
import { bareId } from '../../../protocol/ids.ts'
import type { Person, TestServer } from '../../kit/helper.ts'
import { startScene } from './scene.ts'

/** Sends texts into a conversation. @returns their ids */
async function say(server: TestServer, who: Person, conversationId: string, texts: readonly string[]) {
  const ids: string[] = []
  for (const content of texts) {
    ids.push((await server.call(who, 'POST', '/messages', { conversationId, content })).body.data.id)
  }
  return ids
}

const textsOf = (body: { data: { text: string }[] }) => body.data.map(({ text }) => text)

t.test('1.4 a message is sent in either style and answered in both', async t => {
  const { server, ann, ben } = await startScene(t)
  const flutter = { to: ben.hex, text: 'Hello', from: ben.hex, clientId: 'a1' }
  const first = await server.call(ann, 'POST', '/messages', flutter)
  t.equal(first.status, 201)
  const { data } = first.body
  t.match(first.body, { success: true, error: null, message: String })
  t.match(data, { text: 'Hello', content: 'Hello', type: 'text', replyTo: null, isEdited: false, isDeleted: false })
  t.equal(data.from, ann.hex, 'whoever the body says it is from')
  t.equal(data.sender, ann.hex)
  t.equal(data.to, ben.hex)
  t.equal(data.conversation, data.conversationId)
  t.equal(data._id, data.id)
  const repeat = await server.call(ann, 'POST', '/messages', flutter)
  t.equal(repeat.body.data.id, data.id, 'a repeat is the same message')
  const electron = { conversationId: data.conversationId, content: 'Again', sender: ben.hex, replyTo: data.id }
  const second = (await server.call(ben, 'POST', '/messages', electron)).body.data
  t.match(second, { text: 'Again', content: 'Again', sender: ben.hex, to: ann.hex, replyTo: data.id })
  t.match(second.quoted, { messageId: data.id, text: 'Hello', from: ann.hex })
  const third = await server.call(ben, 'POST', '/messages', {
    conversation: `conv_${data.conversation}`,
    text: 'Third'
  })
  t.equal(third.body.data.conversation, data.conversation, 'ids of both forms')
})

t.test('1.4 files go along under either app’s names', async t => {
  const { server, ann, ben } = await startScene(t)
  const file = {
    type: 'image',
    url: 'https://example.com/a.png',
    name: 'a.png',
    size: 12,
    thumbnail: 'https://example.com/t.png'
  }
  const { body } = await server.call(ann, 'POST', '/messages', {
    to: ben.hex,
    attachments: [{ ...file, localUri: '/tmp' }]
  })
  const [attachment] = body.data.attachments
  t.equal(body.data.type, 'image')
  t.match(attachment, { fileName: 'a.png', fileSize: 12, thumbnailUrl: file.thumbnail, ...file })
  t.notOk('localUri' in attachment)
})

t.test('1.4 what is not a message is refused in the app’s own body', async t => {
  const { server, ann, ben, cleo } = await startScene(t)
  const conversationId = bareId(await server.direct(ann, ben))
  const refusals = [
    [ann, { conversationId, content: '' }, 400, 'invalid'],
    [ann, { content: 'Nowhere' }, 400, 'invalid'],
    [ann, { conversationId, content: 7 }, 400, 'invalid'],
    [ann, { conversationId, type: 'system', content: 'I am the server' }, 403, 'forbidden'],
    [cleo, { conversationId, content: 'Hi' }, 404, 'not_found'],
    [ann, { to: 'f'.repeat(24), content: 'Hi' }, 404, 'not_found']
  ] as const
  for (const [who, input, status, code] of refusals) {
    const answer = await server.call(who, 'POST', '/messages', input)
    t.equal(answer.status, status, JSON.stringify(input))
    t.match(answer.body, { success: false, data: null, error: { code, message: answer.body.message } })
  }
})

t.test('1.4 history is read by conversation or by person, before a message or by page, newest first', async t => {
  const { server, ann, ben, cleo } = await startScene(t)
  const id = bareId(await server.direct(ann, ben))
  const ids = await say(server, ann, id, ['1', '2', '3', '4', '5'])
  const read = async (query: string) => await server.call(ben, 'GET', `/messages?${query}`)
  for (const place of [`conversationId=${id}`, `conversation=${id}`, `with=${ann.hex}`]) {
    const newest = (await read(`${place}&limit=2`)).body
    t.strictSame(textsOf(newest), ['5', '4'], place)
    t.match(newest.data[0], { from: ann.hex, to: ben.hex, conversation: id })
    t.match(newest.pagination, { limit: 2, hasMore: true, next: ids[3] })
    t.strictSame(textsOf((await read(`${place}&limit=2&before=${ids[3]}`)).body), ['3', '2'])
    const last = (await read(`${place}&limit=2&page=3`)).body
    t.strictSame(textsOf(last), ['1'])
    t.match(last.pagination, { page: 3, hasMore: false })
  }
  t.strictSame((await read(`with=${cleo.hex}`)).body.data, [], 'nothing was said to Cleo')
  t.equal((await read(`with=${'f'.repeat(24)}`)).status, 404)
  t.equal((await read('limit=2')).status, 400, 'no conversation is named')
  t.equal((await server.call(cleo, 'GET', `/messages?conversationId=${id}`)).status, 404)
})

t.test('1.5 its author edits a message, and the former texts are kept', async t => {
  const { server, ann, ben } = await startScene(t)
  const conversationId = await server.direct(ann, ben)
  const [id] = await say(server, ann, conversationId, ['First'])
  const edited = await server.call(ann, 'PATCH', `/messages/${id}`, { content: 'Second' })
  t.equal(edited.status, 200)
  t.match(edited.body.data, { id, text: 'Second', content: 'Second', isEdited: true, editedAt: String })
  t.equal((await server.call(ann, 'PATCH', `/messages/${id}`, { text: 'Third' })).body.data.text, 'Third')
  t.equal((await server.call(ben, 'PATCH', `/messages/${id}`, { text: 'Mine' })).status, 403)
  const former = await server.call(ann, 'GET', `/v1/conversations/${conversationId}/messages/${id}/edits`)
  t.match(former.body, [{ text: 'First' }, { text: 'Second' }])
})

t.test('1.5 after the edit window a message stays as it is', async t => {
  const { server, ann, ben } = await startScene(t, { EDIT_WINDOW: '0' })
  const [id] = await say(server, ann, await server.direct(ann, ben), ['First'])
  const { status, body } = await server.call(ann, 'PATCH', `/messages/${id}`, { text: 'Second' })
  t.equal(status, 409)
  t.match(body, { success: false, error: { code: 'edit_window_closed' } })
})

t.test('1.5 a message is deleted for oneself by default, and for everyone in each of the styles', async t => {
  const { server, ann, ben } = await startScene(t)
  const conversationId = bareId(await server.direct(ann, ben))
  const [mine, ...others] = await say(server, ann, conversationId, ['1', '2', '3', '4', '5'])
  const hidden = await server.call(ann, 'DELETE', `/messages/${mine}`)
  t.match(hidden.body, { success: true, data: { id: mine, messageId: mine, conversationId, scope: 'me' } })
  t.equal((await server.call(ann, 'DELETE', `/messages/${mine}`)).status, 200, 'a repeat is answered the same')
  const styles = [
    ['?scope=everyone', undefined],
    ['', { scope: 'everyone' }],
    ['', { deleteFor: 'everyone' }],
    ['', { forEveryone: true }]
  ] as const
  for (const [index, [query, body]] of styles.entries()) {
    const answer = await server.call(ann, 'DELETE', `/messages/${others[index]}${query}`, body)
    t.equal(answer.body.data.scope, 'everyone', JSON.stringify(body ?? query))
  }
  const seenByAnn = (await server.call(ann, 'GET', `/messages?with=${ben.hex}`)).body.data
  const seenByBen = (await server.call(ben, 'GET', `/messages?with=${ann.hex}`)).body.data
  t.equal(seenByAnn.length, 4)
  t.match(seenByBen.at(-1), { id: mine, text: '1', isDeleted: false })
  for (const message of seenByAnn) t.match(message, { text: '', content: '', isDeleted: true, deletedAt: String })
  t.equal((await server.call(ben, 'DELETE', `/messages/${mine}?scope=everyone`)).status, 403)
})

t.test('1.5 reactions are put on and taken back, each once', async t => {
  const { server, ann, ben } = await startScene(t)
  const [id] = await say(server, ann, await server.direct(ann, ben), ['Hello'])
  const path = `/messages/${id}/reactions`
  await server.call(ben, 'POST', path, { emoji: '👍' })
  const { body } = await server.call(ben, 'POST', path, { emoji: '👍' })
  t.strictSame(body.data.reactions, [{ emoji: '👍', userId: ben.hex }])
  t.strictSame(body.data.reactionCounts, { '👍': 1 })
  t.equal((await server.call(ben, 'POST', path, { emoji: 'x' })).status, 400)
  const taken = await server.call(ben, 'DELETE', `${path}/${encodeURIComponent('👍')}`)
  t.strictSame(taken.body.data.reactions, [])
})
