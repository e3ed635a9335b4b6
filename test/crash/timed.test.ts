import { setTimeout as pause } from 'node:timers/promises'
import { type Collection, MongoClient, ObjectId } from 'mongodb'
import t, { type Test } from 'tap'
import type { MessageDoc } from '../../src/store/documents.ts'
import { extent } from '../kit/extent.ts'
import { ownDatabase } from '../kit/helper.ts'
import { randomFrom, ServerProcess, type Somebody } from './rig.ts'

const KILLS = extent(2, 12)
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const random = randomFrom(SEED)
t.comment(`SEED=${SEED}`)

/** A killed server's work is taken over soon. */
const ENV = { TIMINGS_LEASE_MS: '1000', TIMINGS_EXPIRY_MS: '50', LIMITS_SCHEDULED_MESSAGES: '1000' }

interface Talk {
  readonly server: ServerProcess
  readonly uri: string
  readonly ann: Somebody
  readonly ben: Somebody
  readonly id: string
}

async function begin(t: Test): Promise<Talk> {
  const uri = ownDatabase(t)
  const server = await ServerProcess.run(t, uri, ENV)
  const [ann, ben] = (await server.people(2)) as [Somebody, Somebody]
  const { id } = await server.call(ann, 'POST', '/conversations', { type: 'direct', userId: ben.id })
  return { server, uri, ann, ben, id }
}

async function openCollections(t: Test, uri: string) {
  const client = new MongoClient(uri, { writeConcern: { w: 'majority' }, readConcern: { level: 'majority' } })
  t.teardown(async () => await client.close())
  return { messages: client.db().collection<MessageDoc>('messages'), work: client.db().collection<Work>('work') }
}

interface Work {
  readonly _id: string
  readonly kind: string
  readonly dueAt: Date
}

interface Planned {
  readonly id: string
  readonly text: string
}

/** Schedules a hundred messages. */
async function planAll({ server, ann, id }: Talk, from: number): Promise<Planned[]> {
  const sendAt = new Date(Date.now() + 3_600_000).toISOString()
  const texts = Array.from({ length: 100 }, (_, index) => `text-${from + index}`)
  const path = `/conversations/${id}/scheduled-messages`
  return await Promise.all(
    texts.map(async text => {
      const made = await server.call(ann, 'POST', path, { clientId: text, text, sendAt })
      return { id: made.id, text }
    })
  )
}

/** Has what was planned be due now, one after the other: however long planning takes, nothing is sent before. */
async function makeDue(work: Collection<Work>, planned: readonly Planned[]): Promise<void> {
  const startAt = Date.now()
  await work.bulkWrite(
    planned.map(({ id }, index) => {
      const filter = { _id: `scheduled-message:${id.slice(-24)}.1` }
      return { updateOne: { filter, update: { $set: { dueAt: new Date(startAt + index * 20) } } } }
    })
  )
}

/** All messages of a conversation, as a member reads them. */
async function readAll({ server, ben, id }: Talk): Promise<{ seq: number; text?: string; deletedAt?: string }[]> {
  const found = []
  for (let more = true, after = 0; more; after = found.at(-1)?.seq ?? after) {
    const page = await server.call(ben, 'GET', `/conversations/${id}/messages?after=${after}&limit=100`)
    found.push(...page.messages)
    more = page.more
  }
  return found
}

t.test('kill -9 around the moment of sending: each scheduled message is sent once, a cancelled one never', async t => {
  const talk = await begin(t)
  const { server, uri, ann } = talk
  const COUNT = KILLS * 100
  const planned: Planned[] = []
  for (let from = 0; from < COUNT; from += 100) planned.push(...(await planAll(talk, from)))
  const { messages, work } = await openCollections(t, uri)
  await makeDue(work, planned)
  const cancelled = new Set<string>()
  for (let kill = 0; kill < KILLS; kill++) {
    const sent = await messages.countDocuments({ type: 'text' })
    const goal = Math.min(sent + 1 + Math.floor(random() * 25), COUNT - KILLS)
    while ((await messages.countDocuments({ type: 'text' })) < goal) await pause(3)
    const next = planned[Math.floor(random() * COUNT)]
    const taking = server
      .call(ann, 'DELETE', `/scheduled-messages/${next?.id}`)
      .then(({ status }) => status === 'cancelled' && cancelled.add(next?.text ?? ''))
      .catch(() => undefined)
    await pause(random() * 20)
    await server.kill()
    await taking
    await server.start()
  }
  const isOver = async () => (await server.call(ann, 'GET', '/scheduled-messages')).scheduled.length === 0
  while (!(await isOver())) await pause(50)
  const texts = (await readAll(talk)).map(({ text = '' }) => text)
  t.equal(new Set(texts).size, texts.length, 'nothing is sent twice')
  for (const text of cancelled) t.notOk(texts.includes(text), `${text} was cancelled`)
  const ends = await Promise.all(
    planned.map(async it => ({ ...it, ...(await server.call(ann, 'GET', `/scheduled-messages/${it.id}`)) }))
  )
  const sent = new Set(texts)
  t.same(
    ends.filter(({ text, status }, index) => sent.has(planned[index]?.text ?? text) !== (status === 'sent')),
    [],
    'and what is said of each is so'
  )
  const isDone = async () => (await work.countDocuments({ kind: 'scheduled-message' })) === 0
  while (!(await isDone())) await pause(50)
})

t.test('kill -9 while messages go: each is removed by one change, and nothing of what they said is left', async t => {
  const talk = await begin(t)
  const { server, uri, ann, ben, id } = talk
  const COUNT = KILLS * 150
  await server.call(ann, 'PUT', `/conversations/${id}/expiry`, { expireAfterSeconds: 3_600 })
  for (let index = 0; index < COUNT; index += 50) {
    await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const message = { clientId: `c${index + n}`, text: `SECRET ${index + n}` }
        await server.call(ann, 'POST', `/conversations/${id}/messages`, message)
      })
    )
  }
  const { messages } = await openCollections(t, uri)
  const { rev: before } = await server.call(ben, 'GET', `/conversations/${id}/messages?limit=1`)
  const left = async () => await messages.countDocuments({ expiresAt: { $exists: true } })
  for (let kill = 0; kill < KILLS; kill++) {
    // The next ones are over, in the order in which they were sent.
    const conversationId = new ObjectId(id.slice(-24))
    const seq = { $lte: 1 + ((kill + 1) * COUNT) / KILLS }
    const over = { conversationId, seq, expiresAt: { $exists: true } }
    const goal = (await left()) - 1 - Math.floor(random() * 100)
    await messages.updateMany(over, { $set: { expiresAt: new Date() } })
    while ((await left()) > goal) await pause(1)
    await server.kill()
    await server.start()
    t.notMatch(JSON.stringify((await readAll(talk)).slice(0, seq.$lte)), /SECRET/, 'nothing is shown meanwhile')
  }
  while ((await left()) > 0) await pause(20)
  const { rev } = await server.call(ben, 'GET', `/conversations/${id}/messages?limit=1`)
  t.equal(rev - before, COUNT, 'one change for each message')
  const stored = await messages.find({ conversationId: new ObjectId(id.slice(-24)), type: 'text' }).toArray()
  t.equal(stored.length, COUNT)
  t.notMatch(JSON.stringify(stored), /SECRET/)
  t.equal(new Set(stored.map(it => it.rev)).size, COUNT)
})
