import t, { type Test } from 'tap'
import { bareId } from '../../protocol/ids.ts'
import { joinServer, type Person, type TestServer } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'
import { StreamClient } from '../kit/stream-client.ts'

const SECRET = 'my PIN is 4711'

/** Client of an app: what it has heard. */
interface Listener {
  readonly heard: readonly { readonly name: string; readonly data: unknown }[]
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape
  hear(name: string, fits: (data: any) => boolean): Promise<any>
}

/** How an app listens, the event that brings it a message, and where it reads. */
interface App {
  readonly open: (t: Test, server: TestServer, who: Person) => Promise<Listener>
  readonly event: string
  readonly paths: (chat: string) => readonly string[]
}

const packet =
  (optionsFor: (token: string) => object): App['open'] =>
  async (t, server, { token }) =>
    await PacketClient.open(t, server.url, optionsFor(token))

const APPS: Readonly<Record<string, App>> = {
  unified: {
    open: packet(token => ({ auth: { token } })),
    event: 'receive-message',
    paths: chat => [`/messages?conversationId=${chat}`, '/conversations', `/groups/${chat}`]
  },
  mobile: {
    open: packet(token => ({ namespace: '/mobile', auth: { token } })),
    event: 'message:new',
    paths: chat => [`/conversations/${chat}/messages`, '/conversations']
  },
  chatapp: {
    open: async (t, server, { token }) =>
      await StreamClient.open(t, `${server.url}/api/sse`, { authorization: `Bearer ${token}` }),
    event: 'message:new',
    paths: chat => [`/api/messages/conv_${chat}`, '/api/conversations']
  },
  taatom: {
    open: packet(token => ({ namespace: '/app', auth: { token } })),
    event: 'message:new',
    paths: chat => [`/api/v1/chat/${chat}/messages`, '/api/v1/chat']
  }
}

/** A group of Ann and Ben in which Ben has said the secret, and somebody who is not in it yet. */
async function startGroup(t: Test) {
  const server = await joinServer(t)
  const [ann, ben, cid] = (await server.people(3)) as [Person, Person, Person]
  const group = await server.group(ann, ben)
  const path = `/v1/conversations/${group}/messages`
  let count = 0
  const send = async (who: Person, text: string, replyTo?: string): Promise<string> => {
    const body = { clientId: `c${count++}`, text, ...(replyTo && { replyTo }) }
    return (await server.call(who, 'POST', path, body)).body.id
  }
  const secret = await send(ben, SECRET)
  const addCid = async () => await server.call(ann, 'POST', `/v1/conversations/${group}/members`, { userIds: [cid.id] })
  return { server, ann, ben, cid, chat: bareId(group), path, send, secret, addCid }
}

for (const [name, { open, event, paths }] of Object.entries(APPS)) {
  t.test(`S18: ${name} quotes to who joined later nothing of what was said before`, async t => {
    const { server, ann, ben, cid, chat, path, send, secret, addCid } = await startGroup(t)
    await addCid()
    await send(ann, 'while away', secret)
    const listener = await open(t, server, cid)
    const hear = async (text: string) => await listener.hear(event, data => JSON.stringify(data).includes(text))
    t.match(JSON.stringify(await hear('while away')), bareId(secret), 'caught up')
    await send(ann, 'by the way', secret)
    t.match(JSON.stringify(await hear('by the way')), bareId(secret), 'live')
    const later = await open(t, server, cid)
    await send(ann, 'finally', secret)
    await later.hear(event, data => JSON.stringify(data).includes('finally'))
    const told = [JSON.stringify([listener.heard, later.heard])]
    for (const of of paths(chat)) told.push((await server.call(cid, 'GET', of)).text)
    for (const text of told) {
      t.match(text, 'finally')
      t.notMatch(text, 'my PIN')
    }
    await server.call(ben, 'DELETE', `${path}/${secret}?scope=everyone`)
    for (const who of [ann, cid]) {
      for (const of of paths(chat)) t.notMatch((await server.call(who, 'GET', of)).text, 'my PIN', of)
    }
  })
}

t.test('S18: unified shows in a quote what the answered message is now, and only to who sees it', async t => {
  const { server, ann, ben, chat, path, send, secret } = await startGroup(t)
  const anns = await PacketClient.open(t, server.url, { auth: { token: ann.token } })
  await anns.ask('typing', {})
  const from = { messageId: bareId(secret), sender: ben.hex, from: ben.hex }
  const quote = (text: string, isDeleted = false) => ({ ...from, content: text, text, isDeleted })
  const body = { conversationId: chat, content: 'noted', replyTo: bareId(secret), clientId: 'noted' }
  const post = async () => (await server.call(ann, 'POST', '/messages', body)).body.data
  const reply = (await post()).id
  /** The quote of the reply as it is answered, read, and told to somebody who has come anew. */
  const quotes = async (who: Person) => {
    const call = async (method: string, of: string, input?: object) =>
      (await server.call(who, method, of, input)).body.data
    const answers = [
      await call('POST', `/messages/${reply}/reactions`, { emoji: '👍' }),
      await call('DELETE', `/messages/${reply}/reactions/${encodeURIComponent('👍')}`),
      (await call('GET', `/messages?conversationId=${chat}`))[0],
      (await call('GET', '/conversations'))[0].lastMessage
    ]
    return answers.map(({ quoted }) => quoted)
  }
  const requireAll = async (who: Person, expected: object, says: string) =>
    t.same(await quotes(who), [expected, expected, expected, expected], says)
  t.same((await post()).quoted, quote(SECRET), 'repeated')
  t.same((await anns.hear('receive-message', ({ id }) => id === reply)).quoted, quote(SECRET), 'live')
  for (const who of [ann, ben]) await requireAll(who, quote(SECRET), 'as it was sent')

  await server.call(ben, 'PATCH', `${path}/${secret}`, { text: 'never mind' })
  for (const who of [ann, ben]) await requireAll(who, quote('never mind'), 'edited')
  t.same((await post()).quoted, quote('never mind'), 'repeated')
  const edited = await server.call(ann, 'PATCH', `/messages/${reply}`, { content: 'noted!' })
  t.same(edited.body.data.quoted, quote('never mind'), 'the reply itself is edited')
  t.same((await anns.hear('message_edited', ({ id }) => id === reply)).quoted, quote('never mind'))

  await server.call(ann, 'DELETE', `${path}/${secret}?scope=me`)
  await requireAll(ann, quote(''), 'hidden for oneself')
  await requireAll(ben, quote('never mind'), 'hidden by somebody else')
  const again = { ...body, clientId: 'again' }
  t.same((await server.call(ann, 'POST', '/messages', again)).body.data.quoted, quote(''), 'answered when hidden')

  await server.call(ben, 'DELETE', `${path}/${secret}?scope=everyone`)
  t.same((await server.call(ben, 'GET', `/messages?conversationId=${chat}`)).body.data[0].quoted, quote('', true))
  t.same((await post()).quoted, quote(''), 'hidden and deleted')
  const news = await send(ann, 'news')
  await server.call(ben, 'DELETE', path)
  await send(ann, 'seen?', news)
  const cleared = { messageId: bareId(news), sender: ann.hex, from: ann.hex, content: '', text: '', isDeleted: false }
  const read = (await server.call(ben, 'GET', `/messages?conversationId=${chat}`)).body.data
  t.same(
    read.map(({ text, quoted }: { text: string; quoted: object }) => ({ text, quoted })),
    [{ text: 'seen?', quoted: cleared }]
  )
})
