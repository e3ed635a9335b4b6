import { ObjectId } from 'mongodb'
import t from 'tap'
import type { Person } from '../kit/helper.ts'
import { type Command, startMonitored } from '../kit/monitored.ts'
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
    return await leastOf(commands, async () => {
      const clientId = `c${sent++}`
      t.equal((await send({ chat, peer: ben, clientId, text: 'Hello' })).code, undefined, sender.face)
    })
  }
  const own = ['update', 'insert', 'commitTransaction']
  for (const sender of ALL) {
    const isByPerson = BY_PERSON.has(sender.face)
    t.same(await cost(sender), isByPerson ? ['find', ...own] : own, sender.face)
  }
})

/** The commands of the fewest that one of several tries gives the database. */
async function leastOf(commands: readonly Command[], attempt: () => Promise<unknown>): Promise<string[]> {
  let least: string[] | undefined
  for (let index = 0; index < SENDS; index++) {
    const from = commands.length
    await attempt()
    // How far the sender's own devices have come is written at most twice a second, however much is sent.
    const given = commands.slice(from).flatMap(({ name, collection }) => (collection === 'deviceCursors' ? [] : [name]))
    if (least === undefined || given.length < least.length) least = given
  }
  return least ?? []
}

t.test(
  'S18: a reply reads in its commit what it answers, and a page of fifty replies takes one command more',
  async t => {
    const { server, commands } = await startMonitored(t)
    const [ann, ben] = (await server.people(2)) as [Person, Person]
    let sent = 0
    const startChat = async () => {
      const path = `/v1/conversations/${await server.group(ann, ben)}/messages`
      const send = async (replyTo?: string): Promise<string> => {
        const body = { clientId: `c${sent++}`, text: 'Hello', ...(replyTo && { replyTo }) }
        return (await server.call(ann, 'POST', path, body)).body.id
      }
      const read = async () => await server.call(ben, 'GET', `${path}?limit=50`)
      return { send, read }
    }
    const [plain, replies] = [await startChat(), await startChat()]
    const first = await replies.send()
    const reply = await leastOf(commands, async () => await replies.send(first))
    t.same(reply, ['find', 'update', 'insert', 'commitTransaction'])
    for (let index = 0; index < 50; index++) {
      await plain.send()
      await replies.send(first)
    }
    const page = await leastOf(commands, plain.read)
    t.same(await leastOf(commands, replies.read), [...page, 'find'])
    t.match(
      (await replies.read()).body.messages,
      Array.from({ length: 50 }, () => ({ replyTo: { text: 'Hello' } }))
    )
  }
)

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
