import { ObjectId } from 'mongodb'
import t, { type Test } from 'tap'
import type { Actor } from '../../src/actor.ts'
import type { Subjects } from '../../src/app.ts'
import { joinServer, openServices, type Person } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'
import { StreamClient } from '../kit/stream-client.ts'

type Marks = Parameters<Subjects['receipts']['mark']>[2]

/** A conversation with three messages for somebody. @returns marking them as they do, and what is told of it */
async function openScene(t: Test) {
  const { conversations, messages, receipts, store, bus } = await openServices(t)
  const actor = (): Actor => ({ userId: new ObjectId().toHexString(), expiresAt: Date.now() + 3_600_000 })
  const [ann, ben] = [actor(), actor()]
  for (const { userId } of [ann, ben]) {
    await store.users.insert({ _id: new ObjectId(userId), displayName: 'Somebody', createdAt: new Date() })
  }
  const { id } = (await conversations.create(ann, { type: 'direct', userId: ben.userId })).conversation
  for (const text of ['One', 'Two', 'Three']) {
    await messages.send(ann, { conversationId: id, clientId: text, text })
  }
  const told: object[] = []
  bus.subscribe('ephemeral', ({ event: { type, data }, isCatchUp = false }) => {
    if (type !== 'receipt:delivered' && type !== 'receipt:read') return
    const { deliveredSeq, readSeq } = data
    told.push({ type, deliveredSeq, readSeq, isCatchUp })
  })
  return { told, mark: async (marks: Marks) => await receipts.mark(ben, id, marks) }
}

const delivered = (deliveredSeq: number, isCatchUp = false, readSeq = 0) => ({
  ...{ type: 'receipt:delivered', deliveredSeq, readSeq, isCatchUp }
})
const read = (readSeq: number) => ({ type: 'receipt:read', deliveredSeq: readSeq, readSeq, isCatchUp: false })

/** The first is being written while the others wait, which are then written together. */
const ROWS: readonly { what: string; marks: readonly Marks[]; told: readonly object[] }[] = [
  {
    what: 'a live one joins one that catches up: each is told as what it is',
    marks: [{ deliveredSeq: 1 }, { deliveredSeq: 2, isCatchUp: true }, { deliveredSeq: 3 }],
    told: [delivered(1), delivered(2, true), delivered(3)]
  },
  {
    what: 'one that catches up joins a live one that goes further',
    marks: [{ deliveredSeq: 1 }, { deliveredSeq: 3 }, { deliveredSeq: 2, isCatchUp: true }],
    told: [delivered(1), delivered(2, true), delivered(3)]
  },
  {
    what: 'one that catches up is read before it is told',
    marks: [{ deliveredSeq: 1 }, { deliveredSeq: 3, isCatchUp: true }, { readSeq: 3 }],
    told: [delivered(1), delivered(3, true), read(3)]
  },
  {
    what: 'what was delivered live already is not told again as caught up',
    marks: [{ deliveredSeq: 2 }, { deliveredSeq: 2, isCatchUp: true }, { deliveredSeq: 3 }],
    told: [delivered(2), delivered(3)]
  },
  {
    what: 'live ones that wait are told together',
    marks: [{ deliveredSeq: 1 }, { deliveredSeq: 2 }, { deliveredSeq: 3 }],
    told: [delivered(1), delivered(3)]
  }
]

t.test('receipts that wait for one that is being written', async t => {
  for (const { what, marks, told } of ROWS) {
    await t.test(what, async t => {
      const scene = await openScene(t)
      const answers = await Promise.all(marks.map(scene.mark))
      t.same(scene.told, told)
      t.match(answers.at(-1), { deliveredSeq: 3 })
    })
  }
})

t.test(
  'U16: what was read is told to the person’s own devices in a group of any size, and to others in small ones',
  async t => {
    const server = await joinServer(t)
    const [ann, ben, ...others] = (await server.people(65)) as [Person, Person, ...Person[]]
    for (const members of [others.slice(1), others]) {
      const conversationId = await server.group(ann, ben, ...members)
      const isSmall = members.length < others.length
      const content = { clientId: 'a', text: 'Hello' }
      await server.call(ann, 'POST', `/v1/conversations/${conversationId}/messages`, content)
      const [reading, own, sender] = [await server.connect(ben), await server.connect(ben), await server.connect(ann)]
      const headers = { authorization: `Bearer ${ben.token}` }
      const stream = await StreamClient.open(t, `${server.url}/v1/events`, headers)
      await stream.hear('ready')
      const mobile = await PacketClient.open(t, server.url, { namespace: '/mobile', auth: { token: ben.token } })
      const { readSeq } = await reading.ask('receipt:read', { conversationId, seq: 2 })
      const isRead = ({ type, data }: { type: string; data: { conversationId: string } }) =>
        type === 'receipt:read' && data.conversationId === conversationId
      t.match((await own.next(isRead)).data, { userId: ben.id, readSeq })
      t.match(await stream.hear('receipt:read', it => it.data.conversationId === conversationId), {
        data: { data: { readSeq } }
      })
      t.ok(await mobile.hear('message:read'))
      await server.call(ann, 'POST', `/v1/conversations/${conversationId}/messages`, { clientId: 'b', text: 'Bye' })
      await sender.next(({ type, data }) => type === 'message:new' && data.text === 'Bye')
      t.equal(sender.frames.some(isRead), isSmall, 'the sender is told only where the group is small')
    }
  }
)

t.test('U52: what was read on one device is told to another that was away, on the socket and on a stream', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  await server.call(ann, 'POST', `/v1/conversations/${conversationId}/messages`, { clientId: 'c', text: 'Hello' })
  const headers = { authorization: `Bearer ${ben.token}` }
  const stream = await StreamClient.open(t, `${server.url}/v1/events`, headers)
  const { id = '' } = await stream.hear('ready')
  stream.cut()
  const laptop = await server.connect(ben)
  const { heads } = await laptop.ask('sync:heads', {})
  const cursors = Object.fromEntries(heads.map((head: { stream: string; rev: number }) => [head.stream, head.rev]))
  laptop.terminate()
  await (await server.connect(ben)).ask('receipt:read', { conversationId, seq: 1 })
  const again = await server.connect(ben)
  const moved = (await again.ask('sync:heads', { cursors })).heads
  t.match(moved, [{ stream: ben.id }])
  const { items } = await again.ask('sync:pull', { stream: ben.id, since: cursors[ben.id] ?? 0 })
  t.match(items, [{ type: 'preferences', conversationId, me: { readSeq: 1 } }])
  const resumed = await StreamClient.open(t, `${server.url}/v1/events`, { ...headers, 'last-event-id': id })
  const told = await resumed.hear('preferences:updated')
  t.match(told.data, { data: { conversationId, me: { readSeq: 1 } } })
})
