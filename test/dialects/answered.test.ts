import t, { type Test } from 'tap'
import { type Answer, joinServer, type Person, startServer } from '../kit/helper.ts'
import { bare } from './apps/line.ts'

/** A way to send to somebody by REST, and where the message is in the answer. */
interface App {
  readonly name: string
  ask(peer: Person): [path: string, body: object]
  messageOf(body: Answer['body']): { readonly id: string; readonly text: string; readonly isDeleted: boolean }
}

const said = { text: 'As it was', clientId: 'the-one' }

const APPS: readonly App[] = [
  {
    name: 'unified',
    ask: ({ hex }) => ['/messages', { to: hex, ...said }],
    messageOf: ({ data }) => data
  },
  {
    name: 'chatapp',
    ask: ({ id }) => ['/api/messages', { to: id, ...said }],
    messageOf: ({ messageId, text, deletedAt }) => ({ id: bare(messageId), text, isDeleted: deletedAt !== undefined })
  },
  {
    name: 'reals2chat',
    ask: ({ hex }) => ['/api/messages/send', { recipientId: hex, ...said }],
    messageOf: ({ message }) => message
  },
  {
    name: 'taatom',
    ask: ({ hex }) => [`/api/v1/chat/${hex}/messages`, said],
    messageOf: ({ data }) => data.message
  }
]

async function openScene(t: Test, { ask, messageOf }: App) {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const send = async () => await server.call(ann, 'POST', ...ask(ben))
  const { id } = messageOf((await send()).body)
  return { server, ann, ben, id, send, path: `/messages/${id}` }
}

for (const app of APPS) {
  t.test(`${app.name}: a send again is answered with its message as it is now`, async t => {
    const { server, ann, ben, id, send, path } = await openScene(t, app)
    t.match(app.messageOf((await send()).body), { id, text: 'As it was', isDeleted: false })
    await server.call(ann, 'PATCH', path, { text: 'As it is' })
    t.match(app.messageOf((await send()).body), { id, text: 'As it is', isDeleted: false })
    const restarted = await startServer(t, { uri: server.uri })
    const again = await restarted.call(ann, 'POST', ...app.ask(ben))
    t.match(app.messageOf(again.body), { id, text: 'As it is' }, 'by a process that has never seen it')
    await server.call(ann, 'DELETE', `${path}?scope=everyone`)
    t.match(app.messageOf((await send()).body), { id, text: '', isDeleted: true })
  })

  t.test(`${app.name}: a send again of what its sender has hidden finds nothing, and sends nothing`, async t => {
    const { server, ann, ben, id, send, path } = await openScene(t, app)
    await server.call(ann, 'DELETE', `${path}?scope=me`)
    t.equal((await send()).status, 404)
    const { data } = (await server.call(ben, 'GET', `/messages?with=${ann.hex}`)).body
    t.match(data, [{ id }])
    t.equal(data.length, 1)
  })
}

t.test('what changes a message is answered with it, also for who has hidden it', async t => {
  const [unified] = APPS as [App]
  const { server, ann, path } = await openScene(t, unified)
  await server.call(ann, 'DELETE', `${path}?scope=me`)
  const edited = await server.call(ann, 'PATCH', path, { text: 'As it is' })
  t.match(edited, { status: 200, body: { data: { text: 'As it is', isEdited: true } } })
  const reacted = await server.call(ann, 'POST', `${path}/reactions`, { emoji: '👍' })
  t.match(reacted, { status: 200, body: { data: { reactions: [{ emoji: '👍', userId: ann.hex }] } } })
  const taken = await server.call(ann, 'DELETE', `${path}/reactions/${encodeURIComponent('👍')}`)
  t.match(taken, { status: 200, body: { data: { reactions: [] } } })
})
