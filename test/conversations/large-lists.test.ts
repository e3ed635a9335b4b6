import type { MongoClient } from 'mongodb'
import { ObjectId } from 'mongodb'
import type { Test } from 'tap'
import t from 'tap'
import { FRAME_OUT_BYTES, LIST_BYTES } from '../../protocol/limits.ts'
import type { Person, TestServer } from '../kit/helper.ts'
import { startMonitored } from '../kit/monitored.ts'
import type { Frame } from '../kit/socket-client.ts'
import { LARGE, storeMessages } from '../kit/stored.ts'

/** About 1 MiB, with what is beside messages and people. */
const BODY_BYTES = 1_300_000
const LISTS = ['/v1/conversations', '/conversations', '/mobile/conversations', '/api/conversations', '/api/v1/chat']

async function openScene(t: Test) {
  const monitored = await startMonitored(t)
  const [client] = monitored.clients
  if (client === undefined) throw new Error('No database is open')
  const [ann, ben] = (await monitored.server.people(2)) as [Person, Person]
  return { ...monitored, client, ann, ben }
}

/** The conversations of a list, whatever its body. */
const listOf = ({ body }: { body: Frame }): Frame[] => body.conversations ?? body.data?.chats ?? body.data ?? body

async function makeGroups(server: TestServer, count: number, owner: Person, ...others: Person[]): Promise<string[]> {
  const groups: string[] = []
  while (groups.length < count) groups.push(await server.group(owner, ...others))
  return groups
}

t.test('S17: a list shows all conversations, and of large last messages those that fit', async t => {
  const { server, client, commands, ann, ben } = await openScene(t)
  const ids = await makeGroups(server, 12, ann, ben)
  for (const conversationId of ids) await storeMessages(client, { conversationId, from: ann, count: 1, content: LARGE })
  for (const path of LISTS) {
    const from = commands.length
    const { status, text, ...answer } = await server.call(ben, 'GET', `${path}?limit=100`)
    t.equal(status, 200)
    t.ok(text.length < BODY_BYTES, `${path} answers ${text.length} bytes`)
    const reads = commands.slice(from).filter(({ collection }) => collection === 'messages')
    const bytes = reads.reduce((sum, { replyBytes }) => sum + replyBytes, 0)
    t.ok(bytes < 3 * LIST_BYTES, `${path} reads ${bytes} bytes`)
    t.equal(listOf(answer).length, 12, path)
    const shown = listOf(answer).filter(it => (it.lastMessage ?? null) !== null)
    t.ok(shown.length >= 4, `${path} shows ${shown.length} last messages`)
  }
  const { body } = await server.call(ben, 'GET', `/v1/conversations/${ids[0]}`)
  t.equal(body.lastMessage.encryptedContent, LARGE.encryptedContent, 'alone, each shows its own')
})

t.test('S17: a page of one’s own stream has its bytes, and the pages leave nothing out', async t => {
  const { server, client, ann, ben } = await openScene(t)
  const ids = await makeGroups(server, 10, ann, ben)
  for (const conversationId of ids) await storeMessages(client, { conversationId, from: ann, count: 1, content: LARGE })
  const socket = await server.connect(ben)
  const added: string[] = []
  let since = 0
  for (let more = true; more; ) {
    const page = await socket.ask('sync:pull', { stream: ben.id, since })
    t.ok(JSON.stringify(page).length <= FRAME_OUT_BYTES)
    t.ok(page.rev > since)
    added.push(...page.items.filter(({ type }: Frame) => type === 'membership').map((it: Frame) => it.conversation.id))
    since = page.rev
    more = page.more
  }
  t.same(new Set(added), new Set(ids))
})

/** Writes members into groups: they are people, and nobody is told of them. */
async function storeMembers(client: MongoClient, groups: readonly string[], people: readonly ObjectId[], fields = {}) {
  const db = client.db()
  const now = new Date()
  const known = people.map(_id => ({ _id, displayName: `Person ${_id.toHexString()}`, createdAt: now, ...fields }))
  await db.collection('users').insertMany(known)
  for (const group of groups) {
    const conversationId = new ObjectId(group.slice(-24))
    const cursors = { rev: 1, joinedSeq: 0, deliveredSeq: 0, readSeq: 0, clearedSeq: 0, joinedAt: now }
    const rows = people.map(userId => ({ _id: new ObjectId(), conversationId, userId, role: 'member', ...cursors }))
    await db.collection('members').insertMany(rows)
    await db.collection('conversations').updateOne({ _id: conversationId }, { $inc: { memberCount: people.length } })
  }
}

/** Ids below those that anybody gets now. */
const ids = (count: number, from = 1): ObjectId[] =>
  Array.from({ length: count }, (_, index) => new ObjectId((from + index).toString(16).padStart(24, '0')))

t.test('S17: a list names a thousand people at most, the caller and the admins before others', async t => {
  const { server, client, ann, ben } = await openScene(t)
  const groups = await makeGroups(server, 40, ann, ben)
  // They have been here for longer, and so come first by their ids.
  await storeMembers(client, groups.slice(0, 15), ids(60))
  const peopleOf = async (path: string) => listOf(await server.call(ben, 'GET', path)).map(it => it.participants)
  const few = await peopleOf('/conversations?limit=100')
  t.same(new Set(few.map(({ length }) => length)), new Set([62, 2]), 'nine hundred and eighty are all named')
  await storeMembers(client, groups.slice(15), ids(60, 1_000))
  for (const path of ['/conversations?limit=100', '/api/conversations?limit=100', '/api/v1/chat?limit=100']) {
    const lists = await peopleOf(path)
    t.equal(lists.length, 40)
    t.ok(lists.flat().length <= 1_000, `${path} names ${lists.flat().length}`)
    for (const people of lists) {
      const named = people.map((it: Frame) => (it.userId ?? it._id).slice(-24))
      t.ok(named.length >= 10 && [ann.hex, ben.hex].every(id => named.includes(id)))
    }
  }
  for (const { admins, createdBy } of listOf(await server.call(ben, 'GET', '/mobile/conversations?limit=100')))
    t.same([admins, createdBy], [[ann.hex], ann.hex])
  t.equal(
    (await server.call(ben, 'GET', `/conversations/${groups[0]}`)).body.data.participants.length,
    62,
    'alone, all'
  )
})

t.test('S17: people with much in their profiles are named as long as there is room', async t => {
  const { server, client, ann, ben } = await openScene(t)
  const groups = await makeGroups(server, 90, ann, ben)
  const fields = { avatarUrl: `https://pictures.example/${'a'.repeat(2_000)}`, bio: 'b'.repeat(500) }
  await storeMembers(client, groups, ids(9), fields)
  const { text, ...answer } = await server.call(ben, 'GET', '/mobile/conversations?limit=100')
  t.ok(text.length < BODY_BYTES, `${text.length} bytes are answered`)
  const lists = listOf(answer).map(({ participants }) => participants.map(({ userId }: Frame) => userId))
  t.equal(lists.length, 90)
  t.ok(lists.every(named => named.includes(ben.hex)))
})

t.test('S17: the more chats a list has, the fewer messages it shows of each', async t => {
  const { server, client, ann, ben } = await openScene(t)
  const groups = await makeGroups(server, 50, ann, ben)
  const store = async (conversationId: string, count: number, content?: object) =>
    await storeMessages(client, { conversationId, from: ann, count, ...(content && { content }) })
  for (const id of groups.slice(0, 30)) await store(id, 25)
  for (const id of groups.slice(30)) await store(id, 25, { type: 'text', text: 'x'.repeat(9_000) })
  const many = await server.call(ben, 'GET', '/api/v1/chat?limit=100')
  t.ok(many.text.length < BODY_BYTES, `${many.text.length} bytes are answered`)
  const chats = listOf(many)
  t.equal(chats.length, 50)
  const short = chats.filter(({ lastMessage }) => lastMessage?.text === 'Hi')
  t.same(new Set(short.map(({ messages }) => messages.length)), new Set([8]))
  t.ok(
    chats.every(({ messages }) => messages.length <= 8),
    'a few large ones are left out'
  )
  const single = (await server.call(ben, 'GET', `/api/v1/chat/${groups[0]}`)).body.data.chat
  t.equal(single.messages.length, 20, 'alone, a chat has all twenty')
})
