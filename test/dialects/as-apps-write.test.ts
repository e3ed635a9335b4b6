import t, { type Test } from 'tap'
import { bareId } from '../../protocol/ids.ts'
import { joinServer, type Person, type TestServer } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'

type People = [Person, Person]

/** Requests that send a message into a conversation or to a person, by whose API it is. */
function sendsOf(conversationId: string, { id, hex }: Person): Record<string, [path: string, body: object]> {
  return {
    unified: ['/messages', { conversationId, content: 'hi' }],
    chatapp: ['/api/messages', { conversationId, text: 'hi' }],
    taatom: [`/api/v1/chat/${id}/messages`, { text: 'hi' }],
    reals2chat: ['/api/messages/send', { recipientId: hex, text: 'hi' }]
  }
}

/** Commands that do, by the namespace of the app. */
function saidBy(conversationId: string, { hex }: Person): Record<string, [name: string, data: object]> {
  return {
    unified: ['send-message', { conversationId, content: 'hi' }],
    chatapp: ['message:send', { conversationId, text: 'hi' }],
    mobile: ['message:send', { conversationId, content: 'hi' }],
    app: ['sendMessage', { to: hex, text: 'hi' }],
    reals2chat: ['sendMessage', { recipientId: hex, text: 'hi' }]
  }
}

async function scene(t: Test): Promise<{ server: TestServer; ann: Person; ben: Person; conversationId: string }> {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as People
  return { server, ann, ben, conversationId: await server.direct(ann, ben) }
}

const seqOf = async (server: TestServer, who: Person, conversationId: string) =>
  (await server.call(who, 'GET', `/v1/conversations/${conversationId}`)).body.head.seq

const OPTIONAL = [
  ...['type', 'replyTo', 'clientId', 'attachments', 'attachment', 'media', 'location', 'contact', 'metadata'],
  ...['mentions', 'encryptedContent']
]
const NULLS = Object.fromEntries(OPTIONAL.map(name => [name, null]))

t.test('U17: routes of dialects that send take the Idempotency-Key in each of its forms', async t => {
  const { server, ann, ben, conversationId } = await scene(t)
  for (const [name, [path, body]] of Object.entries(sendsOf(conversationId, ben))) {
    const before = await seqOf(server, ann, conversationId)
    const send = async (key: string, more = {}) =>
      await server.call(ann, 'POST', path, { ...body, ...more }, { 'idempotency-key': key })
    const key = `q83v+Zm9v/${name}==`
    const first = await send(`"${key}"`)
    t.ok(first.status < 300, `${name}: ${first.text}`)
    const again = await send(key)
    const withClientId = await server.call(ann, 'POST', path, { ...body, clientId: key })
    t.same(
      [again.body, withClientId.body],
      [first.body, first.body],
      `${name}: one message, bare, quoted and in the body`
    )
    t.equal((await send(key, { text: 'other', content: 'other' })).status, 409, `${name}: not for another message`)
    t.equal((await send('a b')).status, 400, `${name}: a key of another form`)
    t.ok((await send(key, { clientId: `own-${name}` })).status < 300, `${name}: the body’s own goes before`)
    t.equal(await seqOf(server, ann, conversationId), before + 2, name)
  }
})

t.test('U34: a field that is null is the same as one that is absent', async t => {
  const { server, ann, ben, conversationId } = await scene(t)
  for (const [name, [path, body]] of Object.entries(sendsOf(conversationId, ben))) {
    const { status, text } = await server.call(ann, 'POST', path, { ...body, ...NULLS })
    t.ok(status < 300, `${name}: ${text}`)
    t.equal(
      (await server.call(ann, 'POST', path, { ...body, text: null, content: null })).status,
      400,
      'what is needed'
    )
  }
  for (const [namespace, [name, data]] of Object.entries(saidBy(conversationId, ben))) {
    const options = { namespace: `/${namespace}`, auth: { token: ann.token }, query: { token: ann.token } }
    const client = await PacketClient.open(t, server.url, options)
    t.notOk((await client.ask(name, { ...data, ...NULLS })).error, namespace)
    t.match((await client.ask(name, null)).error, { code: 'invalid' }, `${namespace}: nothing at all`)
  }
  t.equal(await seqOf(server, ann, conversationId), 9, 'each made one message')
  const profile = { name: 'Ann', avatarUrl: null, bio: null, phone: null, email: null }
  t.match(await server.call(ann, 'PATCH', '/users/me', profile), { status: 200, body: { data: { name: 'Ann' } } })
  const deep = { conversationId, attachments: [{ type: 'file', url: 'https://a.example/b', size: null, width: null }] }
  t.equal((await server.call(ann, 'POST', '/messages', deep)).status, 201, 'in what is inside, too')
})

t.test('U34: null takes away where a document says so, and stays in what is the app’s own', async t => {
  const { server, ann, ben, conversationId } = await scene(t)
  const metadata = `/api/conversations/${ben.hex}/metadata`
  const ring = async (customRingtone: string | null) =>
    (await server.call(ann, 'PUT', metadata, { customRingtone })).body.metadata.customRingtone
  t.same([await ring('bells'), (await ring(null)) ?? ''], ['bells', ''])
  const picture = 'https://pictures.example/1.png'
  const change = async (fields: object) => (await server.call(ann, 'PUT', '/users/me', fields)).body.data
  t.match(await change({ avatar: picture, bio: 'Me' }), { avatar: picture, bio: 'Me' })
  t.match(await change({ avatar: null, displayName: null }), { avatar: null, bio: 'Me' })
  const sent = await server.call(ann, 'POST', '/messages', { conversationId, content: 'hi', metadata: { a: null } })
  const message = `/v1/conversations/${conversationId}/messages/msg_${bareId(sent.body.data.id)}`
  t.same((await server.call(ben, 'GET', message)).body.metadata, { a: null })
})
