import t from 'tap'
import { joinServer, openServices, type Person, startServer, type TestServer } from '../kit/helper.ts'

const picture = {
  type: 'image',
  url: 'https://files.example/a.jpg',
  fileName: 'a.jpg',
  fileSize: 10,
  width: 4,
  height: 3
}

/** Two people and their conversation, and how to send into it. */
async function pair(server: TestServer) {
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.direct(ann, ben)
  const path = `/v1/conversations/${id}/messages`
  let count = 0
  const send = async (body: object, who = ann) =>
    await server.call(who, 'POST', path, { clientId: `c${count++}`, ...body })
  return { ann, ben, id, path, send }
}

t.test('every type is stored and given back as it was sent, live, in history and as one message', async t => {
  const server = await joinServer(t)
  const { ann, ben, path, send } = await pair(server)
  const bens = await server.connect(ben)
  const voice = { type: 'voice', url: 'https://files.example/v.ogg', durationSeconds: 1.25, waveform: [0, 0.5, 1] }
  const bodies = [
    { type: 'text', text: 'Hello' },
    { type: 'image', attachments: [picture], text: 'A caption' },
    { type: 'video', attachments: [{ ...picture, type: 'video', durationSeconds: 61.5 }] },
    { type: 'audio', attachments: [{ ...voice, type: 'audio' }] },
    { type: 'voice', attachments: [voice] },
    {
      type: 'file',
      attachments: [{ type: 'file', url: 'http://files.example/x', mimeType: 'text/plain; charset=utf-8' }]
    },
    { type: 'location', location: { latitude: -33.9, longitude: 18.4, name: 'Cape Town' } },
    { type: 'contact', contact: { name: 'Cleo', phones: ['+27210000000'], userId: ann.id } },
    { encryptedContent: 'AAECAw==', metadata: { keyId: 7, list: [1, { deep: null }] }, mentions: [ben.id] }
  ]
  for (const body of bodies) {
    const sent = await send(body)
    t.equal(sent.status, 201, sent.text)
    const expected = { type: 'text', ...body }
    t.match((await bens.next('message:new')).data, expected, `${expected.type} live`)
    const one = (await server.call(ben, 'GET', `${path}/${sent.body.id}`)).body
    t.match(one, expected, `${expected.type} by its id`)
  }
  const { messages } = (await server.call(ben, 'GET', path)).body
  t.match(
    messages,
    bodies.map(body => ({ type: 'text', ...body }))
  )
})

t.test(
  'a message without what its type needs, or that only the server writes, is refused and leaves nothing',
  async t => {
    const server = await joinServer(t)
    const { ann, path, send } = await pair(server)
    const deep = { a: { b: { c: { d: { e: 1 } } } } }
    const cases: [object, number, string][] = [
      [{ type: 'call', text: 'x' }, 403, 'forbidden'],
      [{ type: 'system', text: 'x' }, 403, 'forbidden'],
      [{}, 400, 'invalid'],
      [{ type: 'image', text: 'no picture' }, 400, 'invalid'],
      [{ type: 'image', attachments: [] }, 400, 'invalid'],
      [{ type: 'location', text: 'nowhere' }, 400, 'invalid'],
      [{ type: 'contact' }, 400, 'invalid'],
      [{ type: 'image', attachments: Array.from({ length: 11 }, () => picture) }, 400, 'invalid'],
      [{ type: 'image', attachments: [{ ...picture, url: 'javascript:alert(1)' }] }, 400, 'invalid'],
      [{ type: 'image', attachments: [{ ...picture, url: `https://x.example/${'y'.repeat(2_048)}` }] }, 400, 'invalid'],
      [{ type: 'voice', attachments: [{ ...picture, type: 'voice', waveform: Array(257).fill(0) }] }, 400, 'invalid'],
      [{ type: 'image', attachments: [{ ...picture, onload: 'x' }] }, 400, 'invalid'],
      [{ type: 'location', location: { latitude: 91, longitude: 0 } }, 400, 'invalid'],
      [{ text: 'x', metadata: { $where: 1 } }, 400, 'invalid'],
      [{ text: 'x', metadata: { 'a.b': 1 } }, 400, 'invalid'],
      [{ text: 'x', metadata: { constructor: 1 } }, 400, 'invalid'],
      [{ text: 'x', metadata: { a: { _bsontype: 'ObjectId' } } }, 400, 'invalid'],
      [{ text: 'x', metadata: deep }, 400, 'invalid'],
      [{ text: 'x', metadata: ['a'] }, 400, 'invalid'],
      [{ text: 'x', metadata: { long: 'x'.repeat(5_000) } }, 413, 'too_large'],
      [{ text: 'x', mentions: Array.from({ length: 51 }, () => ann.id) }, 400, 'invalid']
    ]
    for (const [body, status, code] of cases) {
      t.match(await send(body), { status, body: { error: { code } } }, JSON.stringify(body).slice(0, 70))
    }
    t.match(await send({ type: 'contact', contact: { name: '\ud800' } }), {
      status: 400,
      body: { error: { code: 'invalid' } }
    })
    t.same((await server.call(ann, 'GET', path)).body.messages, [])
  }
)

t.test('a repeat with the same content is the first message, with any other content it is refused', async t => {
  const server = await joinServer(t)
  const { send } = await pair(server)
  const body = { clientId: 'once', type: 'image', text: 'Look', attachments: [picture], metadata: { a: 1 } }
  const first = await send(body)
  t.match(await send(body), { status: 200, body: { id: first.body.id, duplicate: true } })
  for (const other of [
    { ...body, metadata: { a: 2 } },
    { ...body, attachments: [{ ...picture, width: 5 }] },
    { ...body, type: 'file' },
    { ...body, encryptedContent: 'AA==' }
  ]) {
    t.match(await send(other), { status: 409, body: { error: { code: 'idempotency_mismatch' } } })
  }
})

t.test('only members are mentioned, a reply quotes the type, and deleting takes all of the content', async t => {
  const server = await joinServer(t)
  const { ann, ben, path, send } = await pair(server)
  const stranger = await server.person()
  const sent = (
    await send({
      type: 'image',
      attachments: [picture],
      mentions: [ben.id, stranger.id],
      metadata: { a: 1 }
    })
  ).body
  t.same((await server.call(ann, 'GET', `${path}/${sent.id}`)).body.mentions, [ben.id])
  const reply = (await send({ text: 'Nice', replyTo: sent.id }, ben)).body
  t.match((await server.call(ann, 'GET', `${path}/${reply.id}`)).body.replyTo, { messageId: sent.id, type: 'image' })
  await server.call(ann, 'DELETE', `${path}/${sent.id}`)
  const gone = (await server.call(ben, 'GET', `${path}/${sent.id}`)).body
  t.match(gone, { id: sent.id, type: 'image', deletedAt: String })
  for (const name of ['attachments', 'metadata', 'mentions', 'text']) t.notOk(name in gone, name)
})

t.test('former texts are kept and shown to members only', async t => {
  const server = await joinServer(t)
  const { ann, ben, path, send } = await pair(server)
  const { id } = (await send({ text: 'One' })).body
  t.same((await server.call(ben, 'GET', `${path}/${id}/edits`)).body, [])
  for (const text of ['Two', 'Three']) await server.call(ann, 'PATCH', `${path}/${id}`, { text })
  t.match((await server.call(ben, 'GET', `${path}/${id}/edits`)).body, [
    { text: 'One', at: String },
    { text: 'Two', at: String }
  ])
  const stranger = await server.person()
  for (const tail of ['', '/edits', '/receipts']) {
    t.equal((await server.call(stranger, 'GET', `${path}/${id}${tail}`)).status, 404, tail)
  }
  await server.call(ann, 'DELETE', `${path}/${id}`)
  t.same((await server.call(ben, 'GET', `${path}/${id}/edits`)).body, [], 'nothing of what is deleted')
})

t.test('who has read and received a message follows from the cursors', async t => {
  const server = await joinServer(t)
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  const id = await server.group(ann, ben, cleo)
  const path = `/v1/conversations/${id}`
  const { id: messageId, seq } = (await server.call(ann, 'POST', `${path}/messages`, { clientId: 'a', text: 'Hi' }))
    .body
  await server.call(ben, 'POST', `${path}/receipts`, { readSeq: seq })
  await server.call(cleo, 'POST', `${path}/receipts`, { deliveredSeq: seq })
  const all = (await server.call(ann, 'GET', `${path}/messages/${messageId}/receipts`)).body
  t.same([all.readBy, all.deliveredTo.sort()], [[ben.id], [ben.id, cleo.id].sort()])
  const pages: string[] = []
  for (let after = ''; ; ) {
    const page = (await server.call(ann, 'GET', `${path}/messages/${messageId}/receipts?limit=1${after}`)).body
    pages.push(...page.deliveredTo)
    if (page.next === undefined) break
    after = `&after=${page.next}`
  }
  t.same(new Set(pages), new Set([ben.id, cleo.id]), 'the same in pages of one')
})

t.test('a message id is enough to find, place and acknowledge a message, and of no use to strangers', async t => {
  const { uri, messages, receipts, history, conversations } = await openServices(t)
  const server = await startServer(t, { uri })
  const [ann, ben, eve] = (await server.people(3)) as [Person, Person, Person]
  const actor = ({ hex }: Person) => ({ userId: hex, expiresAt: Date.now() + 60_000 })
  const { conversation } = await conversations.create(actor(ann), { type: 'direct', userId: ben.id })
  const other = (await conversations.create(actor(ann), { type: 'direct', userId: eve.id })).conversation
  const ids: string[] = []
  for (let n = 1; n <= 7; n++) {
    const send = { conversationId: conversation.id, clientId: `m${n}`, text: `Message ${n}` }
    ids.push((await messages.send(actor(ann), send)).sent.id)
  }
  const elsewhere = (await messages.send(actor(ann), { conversationId: other.id, clientId: 'e', text: 'Else' })).sent
  const third = ids[2] as string
  const place = { conversationId: conversation.id, messageId: third }
  t.same(await messages.locate(actor(ben), third), place)
  t.match(await messages.get(actor(ben), place), { id: third, text: 'Message 3' })
  const refusals: (() => Promise<unknown>)[] = [
    async () => await messages.get(actor(eve), place),
    async () => await messages.locate(actor(eve), third),
    async () => await messages.locate(actor(ben), 'f'.repeat(24)),
    async () => await receipts.markUpTo(actor(eve), { readUpTo: third }),
    async () => await receipts.markUpTo(actor(ben), { conversationId: conversation.id, readUpTo: elsewhere.id }),
    async () => await receipts.markUpTo(actor(ben), { readUpTo: 'f'.repeat(24) }),
    async () => await history.page(actor(ben), { conversationId: conversation.id, beforeMessageId: elsewhere.id })
  ]
  for (const refused of refusals) await t.rejects(refused(), { code: 'not_found' })
  t.match(await receipts.markUpTo(actor(ben), { readUpTo: third }), { readSeq: 3, deliveredSeq: 3 })
  t.match(await receipts.markUpTo(actor(ben), { deliveredUpTo: ids[4] as string }), { readSeq: 3, deliveredSeq: 5 })
  t.match(await receipts.markUpTo(actor(ben), { readUpTo: ids[0] as string }), { readSeq: 3 }, 'never back')
  t.same(await messages.idsAt([{ conversationId: conversation.id, seq: 3 }]), [third])

  const textsOf = async (place: object) => {
    const page = await history.page(actor(ben), { conversationId: conversation.id, limit: 3, ...place })
    return page.messages.map(({ text }) => Number(text?.split(' ')[1]))
  }
  t.same(await textsOf({ beforeMessageId: ids[4] }), [2, 3, 4])
  t.same(await textsOf({ afterMessageId: ids[4] }), [6, 7])
  t.same(await Promise.all([1, 2, 3, 4].map(async page => await textsOf({ page }))), [[5, 6, 7], [2, 3, 4], [1], []])
  await t.rejects(textsOf({ page: 1_001 }), { code: 'invalid' })
})
