import t, { type Test } from 'tap'
import { type Answer, joinServer, type Person, type TestServer } from '../kit/helper.ts'

/** Readings of each route while what it reads keeps changing, and different ones among them, at least. */
const READINGS = 25
const DIFFERENT = 7

type Item = Answer['body']

/** Changes something again and again until enough readings have seen changes. @returns the bodies read */
async function readWhile(
  act: (index: number) => Promise<unknown>,
  read: () => Promise<Answer>
): Promise<Answer['body'][]> {
  let isDone = false
  const acting = (async () => {
    for (let index = 0; !isDone; index++) await act(index)
  })()
  try {
    const bodies: Answer['body'][] = []
    const seen = new Set<string>()
    while (bodies.length < READINGS || seen.size < DIFFERENT) {
      const { body, text } = await read()
      bodies.push(body)
      seen.add(text)
    }
    return bodies
  } finally {
    isDone = true
    await acting
  }
}

/** Require that every item is canonical by the fields of both documents. */
function requireWhole(t: Test, bodies: readonly Item[], partsOf: (item: Item) => readonly unknown[]): void {
  const mixed: unknown[] = []
  for (const { data } of bodies) {
    for (const item of [data].flat()) {
      const parts = partsOf(item)
      if (new Set(parts).size > 1) mixed.push(parts)
    }
  }
  t.same(mixed, [], 'no item is made of two')
}

async function openScene(t: Test, count: number) {
  const server = await joinServer(t)
  const [ann, ...others] = (await server.people(count + 1)) as [Person, ...Person[]]
  const chats = await Promise.all(others.map(async other => await server.direct(ann, other)))
  const socket = await server.connect(ann)
  const send = async (index: number) => {
    const conversationId = chats[index % chats.length]
    return await socket.ask('message:send', { conversationId, clientId: `c${index}`, text: `Message ${index}` })
  }
  // All of them have something to show.
  for (const index of chats.keys()) await send(index)
  return { server, ann, chats, sendNext: async (index: number) => await send(chats.length + index) }
}

function get(server: TestServer, who: Person, path: string) {
  return async () => await server.call(who, 'GET', path)
}

t.test('GET /messages: messages that arrive meanwhile mix no two of them', async t => {
  const { server, ann, chats, sendNext } = await openScene(t, 1)
  const bodies = await readWhile(sendNext, get(server, ann, `/messages?conversationId=${chats[0]}&limit=10`))
  requireWhole(t, bodies, it => [it._id, it.messageId])
  requireWhole(t, bodies, it => [it.content, it.text])
  for (const { data, pagination } of bodies) {
    if (pagination.hasMore) t.equal(pagination.next, data.at(-1)._id)
  }
})

t.test('GET /conversations: messages that change their order mix no two of them', async t => {
  const { server, ann, sendNext } = await openScene(t, 5)
  const bodies = await readWhile(sendNext, get(server, ann, '/conversations'))
  requireWhole(t, bodies, it => [it._id, it.conversationId, it.lastMessage.conversation])
  requireWhole(t, bodies, it => [it.lastMessage._id, it.lastMessage.messageId])
})

t.test('GET /conversations/:id: messages that arrive meanwhile mix no two of them', async t => {
  const { server, ann, chats, sendNext } = await openScene(t, 1)
  const bodies = await readWhile(sendNext, get(server, ann, `/conversations/${chats[0]}`))
  requireWhole(t, bodies, it => [it.lastMessage._id, it.lastMessage.messageId])
})

t.test('GET /users/search: a name that changes meanwhile is one of them under each of its names', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const rename = async (index: number) =>
    await server.call(ben, 'PATCH', '/users/me', { displayName: `Renamed ${index}` })
  await rename(0)
  const bodies = await readWhile(async index => await rename(index + 1), get(server, ann, '/users/search?q=Renamed'))
  for (const { data } of bodies) t.match(data, [{ _id: ben.hex, uid: ben.hex }])
  requireWhole(t, bodies, it => [it.displayName, it.name])
})
