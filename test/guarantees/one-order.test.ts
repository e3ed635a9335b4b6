import t from 'tap'
import { joinServer, type Person, startServer, TOGETHER } from '../kit/helper.ts'
import type { Frame, SocketClient } from '../kit/socket-client.ts'

const SENDERS = 20
const EACH = 20

const upTo = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** Events of one stream on a socket, up to a `rev`. */
async function toldUpTo(socket: SocketClient, stream: string, rev: number): Promise<Frame[]> {
  const last = await socket.next(frame => frame.stream === stream && frame.rev === rev)
  return [...socket.frames.filter(frame => frame.stream === stream), last]
}

t.test('G3 one order: twenty senders at once; seq and rev are dense and the same at every member', async t => {
  const server = await joinServer(t)
  const people = (await server.people(SENDERS)) as [Person, ...Person[]]
  const conversationId = await server.group(...people)
  const sockets = await Promise.all(people.map(async person => await server.connect(person)))
  const acks = await Promise.all(
    sockets.map(
      async (socket, sender) =>
        await Promise.all(
          upTo(1, EACH).map(
            async n => await socket.ask('message:send', { conversationId, clientId: `m${n}`, text: `${sender}:${n}` })
          )
        )
    )
  )
  const total = SENDERS * EACH
  const seen = await Promise.all(sockets.map(async socket => await toldUpTo(socket, conversationId, total + 2)))
  for (const frames of seen) {
    t.same(
      frames.map(({ rev }) => rev),
      upTo(3, total + 2)
    )
    t.same(
      frames.map(({ data }) => data.seq),
      upTo(2, total + 1)
    )
  }
  t.equal(new Set(seen.map(frames => JSON.stringify(frames.map(({ data }) => data.id)))).size, 1, 'one order for all')
  for (const own of acks) {
    const seqs = own.map(({ seq }) => seq)
    t.same(
      seqs,
      seqs.toSorted((a, b) => a - b),
      'what one socket sends keeps its order'
    )
  }
  const pages = await Promise.all(
    upTo(0, total / 100 - 1).map(
      async page =>
        (
          await server.call(
            people[1],
            'GET',
            `/v1/conversations/${conversationId}/messages?limit=100&after=${page * 100 + 1}`
          )
        ).body
    )
  )
  t.same(
    pages.flatMap(({ messages }) => messages.map(({ id }: Frame) => id)),
    seen[0]?.map(({ data }) => data.id)
  )
})

t.test('G3 one order: every kind of change has its rev, over two processes too', async t => {
  const first = await startServer(t, TOGETHER)
  const second = await startServer(t, { uri: first.uri, ...TOGETHER })
  const people = (await first.people(4)) as [Person, Person, Person, Person]
  const extra = await first.people(5)
  const conversationId = await first.group(...people)
  const sockets = await Promise.all(
    people.map(async (person, index) => await (index % 2 ? first : second).connect(person))
  )
  const [owner] = sockets as [SocketClient]
  const sent = await Promise.all(
    sockets.map(
      async (socket, index) => await socket.ask('message:send', { conversationId, clientId: `a${index}`, text: 'Hi' })
    )
  )
  const place = (index: number) => ({ conversationId, messageId: sent[index]?.id })
  const work = sockets.flatMap((socket, index) => [
    async () => await socket.ask('message:edit', { ...place(index), text: 'Edited' }),
    async () => await socket.ask('reaction:add', { ...place((index + 1) % 4), emoji: '🎉' }),
    async () => await socket.ask('message:send', { conversationId, clientId: `b${index}`, text: 'Again' }),
    async () => await owner.ask('member:add', { conversationId, userIds: [extra[index]?.id] })
  ])
  const replies = await Promise.all([
    ...work.map(async it => await it()),
    owner.ask('conversation:update', { conversationId, name: 'Renamed' })
  ])
  // What changes the group is recorded in its history, with the rev after the change.
  const noted = replies.filter((_, index) => index % 4 === 3 || index === replies.length - 1)
  const revs = [...[...sent, ...replies].map(({ rev }) => rev), ...noted.map(({ rev }) => rev + 1)].sort(
    (a, b) => a - b
  )
  t.same(revs, upTo(3, revs.length + 2), 'one rev each, none twice')
  for (const socket of sockets) {
    const frames = await toldUpTo(socket, conversationId, revs.length + 2)
    t.same(
      frames.map(({ rev }) => rev),
      upTo(3, revs.length + 2)
    )
  }
})
