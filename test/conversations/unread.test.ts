import type { Test } from 'tap'
import t from 'tap'
import type { Person } from '../kit/helper.ts'
import { startMonitored } from '../kit/monitored.ts'
import { storeMessages } from '../kit/stored.ts'

async function openScene(t: Test) {
  const monitored = await startMonitored(t)
  const { server, clients } = monitored
  const [client] = clients
  if (client === undefined) throw new Error('No database is open')
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  const store = async (conversationId: string, from: Person, count: number, content?: object) =>
    await storeMessages(client, { conversationId, from, count, ...(content && { content }) })
  const unread = async (who: Person): Promise<Record<string, number>> => {
    const { body } = await server.call(who, 'GET', '/v1/conversations')
    return Object.fromEntries(
      body.conversations.map((it: { id: string; unreadCount: number }) => [it.id, it.unreadCount])
    )
  }
  return { ...monitored, ann, ben, cleo, store, unread }
}

t.test('S31: unread messages are counted exactly up to a thousand', async t => {
  const { server, ann, ben, cleo, store, unread } = await openScene(t)
  const group = await server.group(ann, ben, cleo)
  const neighbour = await server.direct(ann, ben)
  await store(neighbour, ann, 3)
  await store(group, ann, 999)
  t.same(await unread(ben), { [group]: 999, [neighbour]: 3 })
  for (const shown of [1_000, 1_000, 1_000]) {
    await store(group, ann, 1)
    t.same(await unread(ben), { [group]: shown, [neighbour]: 3 })
  }
  t.equal((await server.call(ben, 'GET', `/v1/conversations/${group}`)).body.unreadCount, 1_000)
  t.equal((await server.call(cleo, 'GET', `/api/conversations/${group}`)).body.unreadCount, 1_000)
  await server.call(ben, 'POST', `/v1/conversations/${group}/receipts`, { readSeq: 503 })
  t.same(await unread(ben), { [group]: 500, [neighbour]: 3 })
})

t.test('S31: one’s own messages, deleted ones and notes are none, also among very many', async t => {
  const { server, ann, ben, cleo, store, unread } = await openScene(t)
  const group = await server.group(ann, ben, cleo)
  await store(group, ben, 1_500)
  await store(group, ann, 40, { type: 'text', deletedAt: new Date() })
  await store(group, ann, 40, { type: 'system', system: { kind: 'renamed' } })
  await store(group, ann, 7)
  t.same([await unread(ben), await unread(cleo)], [{ [group]: 7 }, { [group]: 1_000 }])
})

t.test('S31: a list looks at no more messages than it counts', async t => {
  const { server, ann, ben, store, unread, examined } = await openScene(t)
  const [first, second] = [await server.group(ann, ben), await server.group(ann, ben)]
  await store(first, ann, 4_000)
  await store(second, ann, 20)
  const looked = await examined('messages', async () => {
    t.same(await unread(ben), { [first]: 1_000, [second]: 20 })
  })
  t.ok(looked <= 1_100, `${looked} messages are looked at`)
})
