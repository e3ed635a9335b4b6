import { setTimeout as delay } from 'node:timers/promises'
import { MongoClient, ObjectId } from 'mongodb'
import t from 'tap'
import type { Forward, Forwarded } from '../../protocol/forwarding/events.ts'
import type { ConversationDoc, MessageDoc } from '../../src/store/documents.ts'
import { extent } from '../kit/extent.ts'
import { MongodProcess, ServerProcess, type Somebody } from './rig.ts'

const MESSAGES = 10
const TARGETS = 5
const ROUNDS = extent(2, 4)

t.test(
  'G2 what is forwarded while a server is killed is there once, in order, after the same is asked again',
  async t => {
    const mongod = await MongodProcess.run(t)
    const [dying, other] = await Promise.all([ServerProcess.run(t, mongod.uri), ServerProcess.run(t, mongod.uri)])
    const [ann, ben] = (await other.people(2)) as [Somebody, Somebody]
    const { id: conversationId } = await other.call(ann, 'POST', '/conversations', { type: 'direct', userId: ben.id })
    const messageIds: string[] = []
    for (let number = 0; number < MESSAGES; number++) {
      const body = { clientId: `said-${number}`, text: `Said ${number}` }
      messageIds.push((await other.call(ann, 'POST', `/conversations/${conversationId}/messages`, body)).id)
    }
    for (let round = 0; round < ROUNDS; round++) {
      const to: string[] = []
      for (let target = 0; target < TARGETS; target++) {
        to.push((await other.call(ann, 'POST', '/conversations', { type: 'group', name: `Group ${target}` })).id)
      }
      const messages = messageIds.map((messageId, at) => ({ conversationId, messageId, clientId: `f-${at}` }))
      const asked = ask(dying, ann, { messages, to })
      // In some rounds before anything is committed, in others after all of it.
      await delay(round * extent(16, 8))
      await dying.kill()
      const cut = await asked
      const { to: done } = (await other.call(ann, 'POST', '/messages/forward', { messages, to })) as Forwarded
      t.same(
        done.map(({ sent, error }) => [sent.length, error]),
        to.map(() => [MESSAGES, undefined])
      )
      for (const [index, target] of (cut?.to ?? []).entries()) {
        const ids = target.sent.map(({ id }) => id)
        const again = done[index]?.sent.map(({ id }) => id) ?? []
        t.ok(
          ids.every(id => again.includes(id)),
          'what was acknowledged is answered again'
        )
      }
      for (const id of to) {
        const page = await other.call(ann, 'GET', `/conversations/${id}/messages`)
        const texts = page.messages.flatMap(({ text }: { text?: string }) => text ?? [])
        t.same(
          texts,
          messages.map((_, at) => `Said ${at}`),
          'each once'
        )
      }
      await dying.start()
    }
  }
)

t.test('pins of a conversation are counted right, whenever the server is killed', async t => {
  const mongod = await MongodProcess.run(t)
  const server = await ServerProcess.run(t, mongod.uri, { LIMITS_PINS_PER_CONVERSATION: '5' })
  const [ann, ben] = (await server.people(2)) as [Somebody, Somebody]
  const { id } = await server.call(ann, 'POST', '/conversations', { type: 'direct', userId: ben.id })
  const path = `/conversations/${id}/messages`
  const messageIds: string[] = []
  for (let number = 0; number < 8; number++) {
    messageIds.push((await server.call(ann, 'POST', path, { clientId: `m${number}`, text: `Text ${number}` })).id)
  }
  for (let round = 0; round < ROUNDS; round++) {
    const work = messageIds.flatMap((messageId, at) => {
      const pinned = server.call(ann, 'PUT', `${path}/${messageId}/pin`)
      return at === round ? [pinned, server.call(ann, 'DELETE', `${path}/${messageId}`)] : [pinned]
    })
    const settled = Promise.allSettled(work)
    await delay(round * extent(16, 8))
    await server.kill()
    await settled
    await server.start()
    // Some of them for certain, whatever came of the others.
    await Promise.allSettled(messageIds.slice(4).map(async it => await server.call(ann, 'DELETE', `${path}/${it}/pin`)))
    await server.call(ann, 'PUT', `${path}/${messageIds[7]}/pin`)
  }
  const client = await MongoClient.connect(mongod.uri)
  t.teardown(async () => await client.close())
  const conversationId = new ObjectId(id.slice(-24))
  const [head, pinned] = await Promise.all([
    client.db().collection<ConversationDoc>('conversations').findOne({ _id: conversationId }),
    client
      .db()
      .collection<MessageDoc>('messages')
      .countDocuments({ conversationId, pinned: { $exists: true } })
  ])
  t.equal(head?.pinCount ?? 0, pinned)
  const notes = await client.db().collection<MessageDoc>('messages').countDocuments({ conversationId, type: 'system' })
  t.ok(notes > 0, `${notes} pins were recorded`)
})

/** Forwards. @returns undefined where the answer was lost */
async function ask(server: ServerProcess, who: Somebody, body: Forward): Promise<Forwarded | undefined> {
  return await server.call(who, 'POST', '/messages/forward', body).catch(() => undefined)
}
