import type { Db, ObjectId } from 'mongodb'
import type { Test } from 'tap'
import { bare } from '../../dialects/apps/line.ts'
import type { Person, TestServer } from '../../kit/helper.ts'
import { PacketClient, type PacketOptions } from '../../kit/packet-client.ts'
import { codeOf } from '../routes/table.ts'
import { atOnce, type Row, type Stage } from './row.ts'

/** Content of a send, its receiver and conversation; the id is bare. */
interface Sending {
  readonly chat: string
  readonly peer: Person
  readonly clientId: string
  readonly text: string
}

/** Answer to the app, without the mark of a repeat; the code of a refusal. */
interface Answered {
  readonly body: unknown
  readonly code: string | undefined
}

/** A way to send in one app. Somebody keeps it open for many messages. */
export interface Sender {
  readonly face: string
  open(t: Test, server: TestServer, who: Person): Promise<(sending: Sending) => Promise<Answered>>
}

type Ask = readonly [path: string, body: object, headers?: object]

const rest = (face: string, askFor: (sending: Sending) => Ask): Sender => ({
  face,
  open: async (_, server, who) => async sending => {
    const [path, body, headers] = askFor(sending)
    const answer = await server.call(who, 'POST', path, body, headers)
    return { body: firstly(answer.body), code: answer.status < 400 ? undefined : codeOf(answer.body) }
  }
})

export const packet = (
  face: string,
  optionsFor: (token: string) => PacketOptions,
  askFor: (sending: Sending) => readonly [name: string, data: object]
): Sender => ({
  face,
  open: async (t, server, { token }) => {
    const socket = await PacketClient.open(t, server.url, optionsFor(token))
    return async sending => {
      const body = await socket.ask(...askFor(sending))
      return { body, code: body?.error?.code }
    }
  }
})

const raw: Sender = {
  face: 'canonical on /ws',
  open: async (_, server, who) => {
    const socket = await server.connect(who)
    return async ({ chat, clientId, text }) =>
      await socket.ask('message:send', { conversationId: `conv_${chat}`, clientId, text }).then(
        body => ({ body: firstly(body), code: undefined }),
        ({ error }) => ({ body: error, code: error.code })
      )
  }
}

/** Canonical answers say whether they repeat one. */
function firstly(body: object): object {
  return 'duplicate' in body ? { ...body, duplicate: undefined } : body
}

export const auth = (namespace: string) => (token: string) => ({ namespace, auth: { token } })

export const SENDERS: readonly Sender[] = [
  rest('canonical by REST', ({ chat, ...body }) => [`/v1/conversations/conv_${chat}/messages`, said(body)]),
  rest('canonical with Idempotency-Key', ({ chat, text, clientId }) => [
    ...([`/v1/conversations/conv_${chat}/messages`, { text }] as const),
    { 'idempotency-key': clientId }
  ]),
  raw,
  packet('mobile', auth('/mobile'), ({ chat, clientId, text }) => [
    'message:send',
    { conversationId: chat, type: 'text', content: text, clientId }
  ]),
  rest('unified by REST', ({ chat, clientId, text }) => [
    '/messages',
    { conversationId: chat, content: text, clientId }
  ]),
  rest('unified by REST to somebody', ({ peer, ...it }) => ['/messages', { to: peer.hex, ...said(it) }]),
  packet('unified with send-message', auth('/unified'), ({ chat, ...it }) => [
    'send-message',
    { conversationId: chat, ...said(it) }
  ]),
  packet('unified with message', auth(''), ({ peer, ...it }) => ['message', { to: peer.hex, ...said(it) }]),
  rest('chatapp', ({ chat, ...it }) => [
    '/api/messages',
    { conversationId: `conv_${chat}`, type: 'text', ...said(it) }
  ]),
  rest('chatapp to somebody', ({ peer, ...it }) => ['/api/messages', { to: peer.id, type: 'text', ...said(it) }]),
  rest('reals2chat by REST', ({ peer, ...it }) => ['/api/messages/send', { recipientId: peer.hex, ...said(it) }]),
  packet(
    'reals2chat',
    token => ({ query: { token } }),
    ({ peer, ...it }) => ['sendMessage', { recipientId: peer.hex, ...said(it) }]
  ),
  rest('taatom by REST', ({ peer, ...it }) => [`/api/v1/chat/${peer.hex}/messages`, said(it)]),
  packet('taatom', auth('/app'), ({ peer, ...it }) => ['sendMessage', { to: peer.hex, ...said(it) }])
]

function said({ clientId, text }: Pick<Sending, 'clientId' | 'text'>): object {
  return { clientId, text }
}

/** Two people with a chat. */
async function begin({ server }: Stage) {
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const chat = bare(await server.direct(ann, ben))
  const sending = { chat, peer: ben, clientId: 'the-one', text: 'Only once' }
  return { ann, ben, chat, sending }
}

/** Messages of a chat with senders, oldest first. */
async function messagesIn(db: Db, chatOf: Person): Promise<string[][]> {
  const members = await db.collection('members').find().toArray()
  const ids = members.filter(({ userId }) => String(userId) === chatOf.hex).map(({ conversationId }) => conversationId)
  const messages = await db
    .collection<{ senderId: ObjectId; text: string }>('messages')
    .find({ conversationId: { $in: ids } })
    .sort({ conversationId: 1, seq: 1 })
    .toArray()
  return messages.map(({ senderId, text }) => [String(senderId), text])
}

/** Events of the other person while something happens, up to a message that comes last. */
async function toldTo(
  { server }: Stage,
  { ann, ben, chat }: Awaited<ReturnType<typeof begin>>,
  act: () => Promise<void>
) {
  const socket = await server.connect(ben)
  await act()
  const last = { clientId: 'last', text: 'Last' }
  await server.call(ann, 'POST', `/v1/conversations/conv_${chat}/messages`, last)
  await socket.next(({ type, data }) => type === 'message:new' && data.text === 'Last')
  return socket.frames.filter(({ type }) => type === 'message:new').map(({ data }) => data.text)
}

function rowsOf(sender: Sender): Row[] {
  const row = (what: string, run: Row['run']): Row => ({ face: sender.face, what: `a clientId ${what}`, run })
  return [
    row('sent again, and ten times at once, is one message, told once, with one answer', async (t, stage) => {
      const scene = await begin(stage)
      const send = await sender.open(t, stage.server, scene.ann)
      const told = await toldTo(stage, scene, async () => {
        const answers = await atOnce(async () => await send(scene.sending))
        answers.push(await send(scene.sending))
        for (const { body, code } of answers) t.same({ body, code }, { body: answers[0]?.body, code: undefined })
      })
      t.same(told, ['Only once'])
      t.same(await messagesIn(stage.db, scene.ann), [
        [scene.ann.hex, 'Only once'],
        [scene.ann.hex, 'Last']
      ])
    }),
    row('used for something else is refused', async (t, stage) => {
      const scene = await begin(stage)
      const send = await sender.open(t, stage.server, scene.ann)
      t.equal((await send(scene.sending)).code, undefined)
      t.equal((await send({ ...scene.sending, text: 'Something else' })).code, 'idempotency_mismatch')
      t.same(await messagesIn(stage.db, scene.ann), [[scene.ann.hex, 'Only once']])
    }),
    row('used by somebody else, or in another chat, is another message', async (t, stage) => {
      const scene = await begin(stage)
      const { ann, ben, sending } = scene
      const cleo = await stage.server.person()
      const [ofAnn, ofBen] = [await sender.open(t, stage.server, ann), await sender.open(t, stage.server, ben)]
      t.equal((await ofAnn(sending)).code, undefined)
      t.equal((await ofBen({ ...sending, peer: ann, text: 'Mine' })).code, undefined)
      const chat = bare(await stage.server.direct(ann, cleo))
      t.equal((await ofAnn({ ...sending, chat, peer: cleo, text: 'To Cleo' })).code, undefined)
      t.same(await messagesIn(stage.db, ben), [
        [ann.hex, 'Only once'],
        [ben.hex, 'Mine']
      ])
      t.same(await messagesIn(stage.db, cleo), [[ann.hex, 'To Cleo']])
    })
  ]
}

const ROW_OF_ALL: Row = {
  face: 'every app at once',
  what: 'a clientId is one message, told once',
  run: async (t, stage) => {
    const scene = await begin(stage)
    const senders = await Promise.all(SENDERS.map(async sender => await sender.open(t, stage.server, scene.ann)))
    const told = await toldTo(stage, scene, async () => {
      const answers = await Promise.all(senders.map(async send => await send(scene.sending)))
      t.same(new Set(answers.map(({ code }) => code)), new Set([undefined]))
    })
    t.same(told, ['Only once'])
  }
}

export const SENDS: readonly Row[] = [...SENDERS.flatMap(rowsOf), ROW_OF_ALL]
