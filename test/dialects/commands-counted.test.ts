import { ObjectId } from 'mongodb'
import t from 'tap'
import type { Person } from '../kit/helper.ts'
import { startMonitored } from '../kit/monitored.ts'
import { auth, packet, SENDERS, type Sender } from '../matrix/replays/sends.ts'
import { bare } from './apps/line.ts'

/** Of each way to send. The server’s own polling can only add to what one of them takes, so the least counts. */
const SENDS = 6

const ALL: readonly Sender[] = [
  ...SENDERS,
  packet('chatapp on its socket', auth('/chatapp'), ({ chat, ...it }) => [
    'message:send',
    { conversationId: `conv_${chat}`, clientId: it.clientId, text: it.text }
  ]),
  packet('chatapp on its socket to somebody', auth('/chatapp'), ({ peer, ...it }) => [
    'message:send',
    { to: peer.id, clientId: it.clientId, text: it.text }
  ])
]

/** Commands that name the other person and not the conversation: they may read once. */
const BY_PERSON: ReadonlySet<string> = new Set([
  'unified by REST to somebody',
  'unified with message',
  'chatapp to somebody',
  'chatapp on its socket to somebody',
  'reals2chat by REST',
  'reals2chat',
  'taatom by REST',
  'taatom'
])

t.test('a send takes the commands of its commit, and one more where it names a person', async t => {
  const { server, clients, commands } = await startMonitored(t)
  t.equal(clients.length, 1)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const chat = bare(await server.direct(ann, ben))
  let sent = 0
  const cost = async (sender: Sender) => {
    const send = await sender.open(t, server, ann)
    const counts: string[][] = []
    for (let index = 0; index < SENDS; index++) {
      const from = commands.length
      const clientId = `c${sent++}`
      t.equal((await send({ chat, peer: ben, clientId, text: 'Hello' })).code, undefined, sender.face)
      counts.push(commands.slice(from).map(({ name }) => name))
    }
    return counts.reduce((least, it) => (it.length < least.length ? it : least))
  }
  const own = ['update', 'insert', 'commitTransaction']
  for (const sender of ALL) {
    const isByPerson = BY_PERSON.has(sender.face)
    t.same(await cost(sender), isByPerson ? ['find', ...own] : own, sender.face)
  }
})

t.test('a known conversation lets nobody send to who is blocked, has blocked them, or is disabled', async t => {
  const { server, clients } = await startMonitored(t)
  const users = clients[0]?.db().collection('users')
  let sent = 0
  for (const sender of ALL.filter(({ face }) => BY_PERSON.has(face))) {
    const [ann, ben] = (await server.people(2)) as [Person, Person]
    const chat = bare(await server.direct(ann, ben))
    const send = await sender.open(t, server, ann)
    const codeNow = async () => (await send({ chat, peer: ben, clientId: `c${sent++}`, text: 'Hello' })).code
    const codes = [await codeNow()]
    for (const [who, other] of [[ann, ben] as const, [ben, ann] as const]) {
      await server.call(who, 'POST', '/v1/blocks', { userId: other.id })
      codes.push(await codeNow())
      await server.call(who, 'DELETE', `/v1/blocks/${other.id}`)
      codes.push(await codeNow())
    }
    await users?.updateOne({ _id: new ObjectId(ben.hex) }, { $set: { isDisabled: true } })
    codes.push(await codeNow())
    const refused = [undefined, 'blocked', undefined, 'blocked', undefined, 'not_found']
    t.same(codes, refused, sender.face)
  }
})
