import { ObjectId } from 'mongodb'
import type { Test } from 'tap'
import t from 'tap'
import type { Person } from '../kit/helper.ts'
import { startMonitored } from '../kit/monitored.ts'
import { storeMessages } from '../kit/stored.ts'
import { StreamClient } from '../kit/stream-client.ts'

const HOUR_MS = 3_600_000
/** Place in a person's own stream that is beyond its end: nothing of it was missed. */
const LEVEL = 999
const DAY_MS = 24 * HOUR_MS

async function openScene(t: Test) {
  const monitored = await startMonitored(t)
  const { server, clients } = monitored
  const [client] = clients
  if (client === undefined) throw new Error('No database is open')
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const store = async (count: number, createdAt: Date, to = conversationId) =>
    await storeMessages(client, { conversationId: to, from: ann, count, createdAt })
  /** The stream from an id on, once everything missed was sent. */
  const resume = async (id: string, path = '/v1/events') => {
    const headers = { authorization: `Bearer ${ben.token}`, 'last-event-id': id }
    const stream = await StreamClient.open(t, `${server.url}${path}`, headers)
    await stream.hear('ready')
    stream.cut()
    return stream
  }
  return { ...monitored, client, ann, ben, conversationId, store, resume }
}

const ago = (ms: number): Date => new Date(Date.now() - ms)

t.test('S11: an id from the beginning of time reads no conversation', async t => {
  const { server, ben, conversationId, store, resume, examined } = await openScene(t)
  await store(3_000, ago(DAY_MS))
  const looked = await examined('messages', async () => {
    const stream = await resume('0-0')
    t.match(stream.all('reset'), [{ stream: ben.id }, { stream: conversationId, rev: 3_001 }])
    t.same(stream.all('message:new'), [])
  })
  t.equal(looked, 0)
  const socket = await server.connect(ben)
  await socket.ask('receipt:delivered', { conversationId, seq: 3_000 })
  const lookedForApp = await examined('messages', async () => {
    const stream = await resume(`0-${LEVEL}`, '/api/sse')
    t.same([stream.all('reset'), stream.all('message:new')], [[], []], 'an app is sent what no device has got')
  })
  t.ok(lookedForApp <= 2, `${lookedForApp} messages are looked at`)
})

t.test('S11: whoever is too far behind is told so without a look at what was missed', async t => {
  const { conversationId, store, resume, examined } = await openScene(t)
  await store(100, ago(DAY_MS))
  await store(2_000, ago(HOUR_MS))
  const looked = await examined('messages', async () => {
    const stream = await resume(`${ago(2 * HOUR_MS).getTime()}-${LEVEL}`)
    t.same(stream.all('reset'), [{ stream: conversationId, rev: 2_101 }])
  })
  t.ok(looked <= 2, `${looked} messages are looked at`)
})

t.test('S11: what was missed is sent, and little more is looked at', async t => {
  const { store, resume, examined } = await openScene(t)
  await store(5_000, ago(DAY_MS))
  await store(70, ago(HOUR_MS))
  const looked = await examined('messages', async () => {
    const stream = await resume(`${ago(2 * HOUR_MS).getTime()}-${LEVEL}`)
    const seqs = stream.all('message:new').map(({ data }) => data.seq)
    t.same(
      seqs,
      Array.from({ length: 70 }, (_, index) => 5_001 + index)
    )
    t.same(stream.all('reset'), [])
  })
  t.ok(looked <= 150, `${looked} messages are looked at`)
})

t.test('S11: an id of a month ago has its named places; all else begins anew', async t => {
  const { server, ann, ben, conversationId, store, resume } = await openScene(t)
  const other = await server.group(ann, ben)
  await store(10, ago(31 * DAY_MS))
  await store(5, ago(31 * DAY_MS), other)
  const stream = await resume(`${ago(30 * DAY_MS + HOUR_MS).getTime()}-0~${conversationId.slice(5)}.6`)
  t.same(
    stream.all('message:new').map(({ data }) => data.seq),
    [6, 7, 8, 9, 10]
  )
  t.same(
    stream.all('reset').map(({ stream: id }) => id),
    [ben.id, other]
  )
})

t.test('S11: an account that has changed too much is told to be loaded anew', async t => {
  const { client, ben, resume } = await openScene(t)
  const userId = new ObjectId(ben.hex)
  const head = await client.db().collection('accounts').findOne({ _id: userId })
  const from = Number(head?.['rev'] ?? 0)
  const rows = Array.from({ length: 1_500 }, (_, index) => ({
    _id: new ObjectId(),
    userId,
    rev: from + 1 + index,
    type: 'hidden',
    ref: new ObjectId()
  }))
  await client.db().collection('accountChanges').insertMany(rows)
  const rev = from + rows.length
  await client
    .db()
    .collection<{ rev: number }>('accounts')
    .updateOne({ _id: userId }, { $set: { rev, changedAt: new Date() } })
  const id = `${Date.now()}-0`
  const far = await resume(id)
  t.same(far.all('reset'), [{ stream: ben.id, rev }])
  const near = await resume(`${Date.now()}-${rev - 900}`)
  t.same(near.all('reset'), [], 'nine hundred changes are sent')
})
