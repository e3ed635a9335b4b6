import t from 'tap'
import { bareId } from '../../protocol/ids.ts'
import { joinServer, type Person, startServer } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'

type People = [Person, Person, Person]

t.test('edits of what is encrypted, of mentions, and former texts', async t => {
  const server = await joinServer(t)
  const [ann, ben, cleo] = (await server.people(3)) as People
  const conversationId = await server.group(ann, ben, cleo)
  const path = `/v1/conversations/${conversationId}/messages`
  let count = 0
  const send = async (body: object) =>
    (await server.call(ann, 'POST', path, { clientId: `m${count++}`, ...body })).body.id as string
  const edit = async (id: string, body: object) => await server.call(ann, 'PATCH', `${path}/${id}`, body)
  const read = async (id: string) => (await server.call(ben, 'GET', `${path}/${id}`)).body
  const mobile = await PacketClient.open(t, server.url, { namespace: '/mobile', auth: { token: ann.token } })

  t.test('U28: a message has a text or encrypted content after an edit, and never both', async t => {
    const secret = await send({ encryptedContent: 'AAAA' })
    t.match(await edit(secret, { text: 'plain words' }), { status: 400, body: { error: { code: 'invalid' } } })
    t.equal((await server.call(ann, 'PATCH', `/messages/${secret}`, { text: 'plain words' })).status, 400)
    t.match(await mobile.ask('message:edit', { messageId: secret, content: 'plain words' }), {
      error: { code: 'invalid' }
    })
    t.match(await read(secret), { encryptedContent: 'AAAA', text: undefined, editedAt: undefined }, 'it stays as it is')
    t.equal((await edit(secret, { encryptedContent: 'BBBB' })).status, 200)
    t.match(await read(secret), { encryptedContent: 'BBBB', text: undefined, editedAt: String })
    t.equal((await server.call(ann, 'PATCH', `/messages/${secret}`, { encryptedContent: 'CCCC' })).status, 200)
    t.equal((await read(secret)).encryptedContent, 'CCCC')
    await mobile.ask('message:edit', { messageId: secret, encryptedContent: 'DDDD' })
    t.equal((await read(secret)).encryptedContent, 'DDDD')
    const plain = await send({ text: 'plain' })
    t.equal((await edit(plain, { encryptedContent: 'EEEE' })).status, 200)
    t.match(await read(plain), { encryptedContent: 'EEEE', text: undefined }, 'in the place of the text')
    const socket = await server.connect(ann)
    const both = { conversationId, messageId: plain, text: 'a', encryptedContent: 'b' }
    t.match(await socket.refused('message:edit', both), { code: 'invalid' })
    t.match(await socket.refused('message:edit', { conversationId, messageId: plain }), { code: 'invalid' })
    await socket.ask('message:edit', { conversationId, messageId: plain, encryptedContent: 'FFFF' })
    t.match(await socket.next('message:edited'), { data: { encryptedContent: String } })
  })

  t.test('U29: an edit may change who is mentioned', async t => {
    const stranger = await server.person()
    const id = await send({ text: 'hi @ben', mentions: [ben.id] })
    t.equal((await edit(id, { text: 'hi @cleo', mentions: [cleo.id, stranger.id, cleo.hex] })).status, 200)
    t.same((await read(id)).mentions, [cleo.id], 'members, each once')
    await edit(id, { text: 'hi again' })
    t.same((await read(id)).mentions, [cleo.id], 'without them they stay')
    await server.call(ann, 'PATCH', `/messages/${id}`, { text: 'hi again', mentions: [ben.hex] })
    t.match(await read(id), { mentions: [ben.id], text: 'hi again' }, 'the text may be the same')
    await edit(id, { text: 'hi all', mentions: [] })
    t.equal((await read(id)).mentions, undefined)
    t.same(
      (await server.call(ben, 'GET', `${path}/${id}/edits`)).body.map((it: { text: string }) => it.text),
      ['hi @ben', 'hi @cleo', 'hi again']
    )
  })
})

t.test('U30: former texts are the author’s alone where the operator says so', async t => {
  for (const [env, status] of [
    [{}, 200],
    [{ FORMER_TEXTS: 'author' }, 403]
  ] as const) {
    const server = await startServer(t, { env })
    const [ann, ben, cleo] = (await server.people(3)) as People
    const path = `/v1/conversations/${await server.group(ann, ben, cleo)}/messages`
    const { id } = (await server.call(ann, 'POST', path, { clientId: 'm', text: 'my password is hunter2' })).body
    await server.call(ann, 'PATCH', `${path}/${id}`, { text: '(removed)' })
    const former = async (who: Person) => await server.call(who, 'GET', `${path}/msg_${bareId(id)}/edits`)
    t.match(await former(ann), { status: 200, body: [{ text: 'my password is hunter2' }] })
    const seen = await former(cleo)
    t.equal(seen.status, status)
    t.equal(seen.text.includes('hunter2'), status === 200)
  }
})
