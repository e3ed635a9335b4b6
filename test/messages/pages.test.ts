import type { Test } from 'tap'
import t from 'tap'
import { CATCH_UP_BYTES, FRAME_OUT_BYTES, LIST_BYTES, SYNC_PAGE_BYTES } from '../../protocol/limits.ts'
import type { Person } from '../kit/helper.ts'
import { type Command, type Monitored, startMonitored } from '../kit/monitored.ts'
import type { Frame, SocketClient } from '../kit/socket-client.ts'
import { LARGE, storeMessages } from '../kit/stored.ts'

/** Larger than any message is stored. */
const MESSAGE_BYTES = 140_000

async function openScene(t: Test, content?: object, count = 120) {
  const monitored = await startMonitored(t)
  const { server, clients } = monitored
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const [client] = clients
  if (client === undefined) throw new Error('No database is open')
  await storeMessages(client, { conversationId, from: ann, count, ...(content && { content }) })
  return { ...monitored, ann, ben, conversationId }
}

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** The commands about messages that something takes. */
async function readsOf({ commands }: Monitored, act: () => Promise<unknown>): Promise<Command[]> {
  const from = commands.length
  await act()
  return commands.slice(from).filter(({ collection }) => collection === 'messages')
}

const bytesOf = (reads: readonly Command[]): number => reads.reduce((sum, { replyBytes }) => sum + replyBytes, 0)

/** Walks through pages until there are no more; requires of each that it is read within its bytes. */
async function walk<Page extends { more: boolean }>(
  t: Test,
  monitored: Monitored,
  read: (page: Page | undefined) => Promise<Page>
): Promise<Page[]> {
  const pages: Page[] = []
  for (let more = true; more; ) {
    let page: Page | undefined
    const reads = await readsOf(monitored, async () => {
      page = await read(pages.at(-1))
    })
    if (page === undefined) throw new Error('Nothing was answered')
    t.ok(bytesOf(reads) <= 2 * SYNC_PAGE_BYTES + MESSAGE_BYTES, `${bytesOf(reads)} bytes are read`)
    t.ok(JSON.stringify(page).length <= FRAME_OUT_BYTES)
    pages.push(page)
    more = page.more
  }
  return pages
}

t.test('S09: pages of large messages read no more than they hold, and leave nothing out', async t => {
  const scene = await openScene(t, LARGE, 30)
  const { server, ben, conversationId } = scene
  const socket = await server.connect(ben)
  const get = async (position: object) => await socket.ask('history:get', { conversationId, limit: 100, ...position })
  const seqsOf = (page: Frame): number[] => page.messages.map(({ seq }: { seq: number }) => seq)
  const back = await walk(t, scene, async (page?: Frame) => await get(page ? { before: seqsOf(page)[0] } : {}))
  t.same(back.reverse().flatMap(seqsOf), numbers(1, 30), 'backwards')
  const forth = await walk(t, scene, async (page?: Frame) => await get({ after: page ? seqsOf(page).at(-1) : 0 }))
  t.same(forth.flatMap(seqsOf), numbers(1, 30), 'and forwards')
  t.ok(seqsOf((await walk(t, scene, async () => ({ ...(await get({ around: 15 })), more: false })))[0]).includes(15))
  const pull = async (page?: Frame) => await socket.ask('sync:pull', { stream: conversationId, since: page?.rev ?? 1 })
  const pulled = (await walk(t, scene, pull)).flatMap(({ items }) => items)
  t.same(
    pulled.map(({ message }: Frame) => message.seq),
    numbers(1, 30),
    'and by cursor'
  )
  t.equal(pulled[7].message.encryptedContent, LARGE.encryptedContent, 'whole')
})

t.test('S09: a page of ordinary messages takes one command for them', async t => {
  const scene = await openScene(t, undefined, 300)
  const { server, ben, conversationId } = scene
  const socket = await server.connect(ben)
  const cost = async (act: () => Promise<unknown>) => (await readsOf(scene, act)).map(({ name }) => name)
  for (const place of [{}, { before: 250 }, { after: 100 }]) {
    const reads = await cost(async () => await socket.ask('history:get', { conversationId, limit: 100, ...place }))
    t.same(reads, ['aggregate'], JSON.stringify(place))
  }
  t.same(await cost(async () => await socket.ask('sync:pull', { stream: conversationId, since: 1 })), ['aggregate'])
  const [first] = (await socket.ask('history:get', { conversationId, after: 0 })).messages
  t.match(first, { seq: 1, text: 'Hi', type: 'text', reactions: [] })
})

t.test('S09: a numbered page names all of its messages, and holds as much of them as fits', async t => {
  const scene = await openScene(t, LARGE, 60)
  const { server, ben, conversationId } = scene
  const page = async (url: string) => await server.call(ben, 'GET', `${url}limit=50&page=1`)
  for (const url of [
    `/messages?conversationId=${conversationId}&`,
    `/mobile/conversations/${conversationId}/messages?`,
    `/api/messages/${conversationId}?`
  ]) {
    let answer = { status: 0, text: '', body: undefined as Frame }
    const reads = await readsOf(scene, async () => {
      answer = await page(url)
    })
    t.equal(answer.status, 200, url)
    t.ok(bytesOf(reads) <= 2 * LIST_BYTES + MESSAGE_BYTES, `${bytesOf(reads)} bytes are read`)
    t.ok(answer.text.length <= 2 * 1_048_576, `${answer.text.length} bytes are answered`)
    t.equal((answer.body.data ?? answer.body).length, 50)
  }
  const { data } = (await page(`/unified/messages?conversationId=${conversationId}&`)).body
  const whole = data.filter(({ encryptedContent }: Frame) => encryptedContent === LARGE.encryptedContent)
  t.equal(whole.length, 4, 'the newest are whole')
  t.same(whole, data.slice(0, 4))
  t.match(data[49], { type: 'file', sender: scene.ann.hex, createdAt: String, attachments: [] })
  const small = await openScene(t, undefined, 60)
  const path = `/unified/messages?conversationId=${small.conversationId}&limit=50&page=1`
  const { body } = await small.server.call(small.ben, 'GET', path)
  t.ok(body.data.every(({ text }: Frame) => text === 'Hi'))
})

t.test('S09: what somebody missed is read within its bytes', async t => {
  const scene = await openScene(t, LARGE, 90)
  const { server, ben } = scene
  const reads = await readsOf(scene, async () => {
    const socket = await server.socket('/ws?dialect=unified', { authorization: `Bearer ${ben.token}` })
    await socket.next('receive-message')
  })
  t.ok(bytesOf(reads) <= CATCH_UP_BYTES + MESSAGE_BYTES, `${bytesOf(reads)} bytes are read`)
})

/** Asks for the same page on many sockets at once; resolves when the server has all of the commands. */
async function askMuch(sockets: readonly SocketClient[], count: number, data: object): Promise<Promise<Frame>[]> {
  const asked = sockets.flatMap(socket => {
    const ids = Array.from({ length: count }, () => socket.say('sync:pull', data))
    return ids.map(async id => await socket.next(frame => frame.id === id))
  })
  await Promise.all(sockets.map(async socket => await socket.ask('ping')))
  return asked
}

t.test('S09: hundreds of pages of one person keep nobody else waiting, and what is too many is busy', async t => {
  const scene = await openScene(t, { type: 'text', text: 'x'.repeat(4_000) }, 200)
  const { server, ann, ben, conversationId } = scene
  const pull = { stream: conversationId, since: 0 }
  const path = `/v1/conversations/${conversationId}/messages`
  const [own, ...sockets] = await Promise.all([
    server.connect(ben),
    ...Array.from({ length: 12 }, async () => await server.connect(ann))
  ])
  const asked = await askMuch(sockets, 25, pull)
  let granted = 0
  for (const reply of asked) void reply.then(({ ok }) => (granted += ok ? 1 : 0))
  const [first, ...others] = await Promise.all([
    own.ask('sync:pull', pull),
    own.ask('history:get', { conversationId }),
    own.ask('sync:heads'),
    server.call(ben, 'GET', path),
    server.call(ben, 'GET', '/v1/conversations')
  ])
  const before = granted
  t.ok(first.items.length > 0 && others.every(({ status = 200 }) => status === 200))
  const byRest = await Promise.all(Array.from({ length: 60 }, async () => await server.call(ann, 'GET', path)))
  const replies = await Promise.all(asked)
  t.ok(before < granted / 2, `${before} of ${granted} came before the answers of somebody else`)
  t.ok(granted < replies.length, 'not all of them may wait')
  for (const { ok, error } of replies) t.ok(ok || (error.code === 'busy' && error.retryAfterMs > 0))
  const busy = byRest.find(({ status }) => status === 503)
  t.match(busy?.body, { error: { code: 'busy', retry: 'later', retryAfterMs: Number } }, 'over REST too')
  t.match(await sockets[0]?.ask('sync:pull', pull), { items: [{ type: 'member' }] }, 'afterwards there is room')
})
