import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import { ObjectId } from 'mongodb'
import t from 'tap'
import { OrderedStream } from '../../src/realtime/ordered-stream.ts'
import { openDatabase } from '../kit/databases.ts'
import { extent } from '../kit/extent.ts'
import { startServer, TOGETHER } from '../kit/helper.ts'
import { histories, runs, seed, World } from './history.ts'

const RUNS = runs(extent(6, 25))

const upTo = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)

t.test('G3 one order: after any history over two processes seq is 1..n and rev 1..m', async t => {
  const first = await startServer(t, TOGETHER)
  const nodes = [first, await startServer(t, { uri: first.uri, ...TOGETHER })]
  const database = (await openDatabase(t, first.uri)).db()
  let changes = 0
  const check = async (world: World, id: string): Promise<void> => {
    const conversationId = new ObjectId(id.slice(-24))
    const head = await database
      .collection<{ seq: number; rev: number }>('conversations')
      .findOne({ _id: conversationId })
    const messages = await database
      .collection<{ seq: number; createdRev: number; type: string; conversationId: ObjectId }>('messages')
      .find({ conversationId }, { sort: { seq: 1 } })
      .toArray()
    deepStrictEqual(
      messages.map(message => message.seq),
      upTo(1, head?.seq ?? 0),
      'every seq once'
    )
    const notes = messages.filter(({ type }) => type === 'system').map(({ createdRev }) => createdRev)
    // What changes nothing is answered with a rev that was there before.
    deepStrictEqual(
      [...new Set([1, ...notes, ...(world.revs.get(id) ?? [])])].sort((a, b) => a - b),
      upTo(1, head?.rev ?? 0),
      'every rev'
    )
  }
  const property = fc.asyncProperty(histories(10, 12), async history => {
    const world = await World.create(nodes)
    for (const steps of history) await Promise.all(steps.map(async step => await world.act(step)))
    await Promise.all(world.conversations.map(async id => await check(world, id)))
    changes += world.changes
  })
  t.comment(`PROPERTY_SEED=${seed()}`)
  await fc.assert(property, { seed: seed(), numRuns: RUNS, endOnFailure: true })
  t.ok(changes > RUNS * 12, `${changes} changes`)
})

const MAX = 60

interface Arrivals {
  head: number
  order: number[]
  page: number
}

/** Sends changes through a stream until the last one is delivered. @returns what was delivered */
async function deliverAll({ head, order, page }: Arrivals): Promise<number[]> {
  const delivered: number[] = []
  return await new Promise((resolve, reject) => {
    const stream = new OrderedStream<undefined, { rev: number }>(undefined, {
      deliver: (_, { rev }) => {
        delivered.push(rev)
        if (rev === head) setImmediate(() => resolve(delivered))
      },
      replay: async (_, since) =>
        await Promise.resolve(upTo(since + 1, Math.min(head, since + page)).map(rev => ({ rev }))),
      patienceMs: 1,
      onError: reject
    })
    stream.start(0)
    for (const rev of order) if (rev <= head) stream.receive({ rev })
    stream.expect(head)
  })
}

t.test('G3 one order: a stream delivers each change once and in order: late, lost, doubled, in any order', async t => {
  const arrivals = fc.record({
    head: fc.integer({ min: 1, max: MAX }),
    order: fc.array(fc.integer({ min: 1, max: MAX }), { maxLength: 3 * MAX, size: 'max' }),
    page: fc.integer({ min: 1, max: 20 })
  })
  const property = fc.asyncProperty(fc.array(arrivals, { minLength: 50, maxLength: 50 }), async all => {
    const delivered = await Promise.all(all.map(deliverAll))
    deepStrictEqual(
      delivered,
      all.map(({ head }) => upTo(1, head))
    )
  })
  t.comment(`PROPERTY_SEED=${seed()}`)
  // A stream does not keep a process alive.
  const timer = setInterval(() => undefined, 1_000)
  await fc.assert(property, { seed: seed(), numRuns: 20, endOnFailure: true })
  clearInterval(timer)
  t.pass('1,000 ways')
})
