import type { Test } from 'tap'
import t from 'tap'
import { FRAME_OUT_BYTES, LIST_BYTES, SYNC_PAGE_BYTES } from '../../protocol/limits.ts'
import { openServices, type Person } from '../kit/helper.ts'
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
  const scene = await openScene(t, LARGE, 12)
  const { server, ben, conversationId } = scene
  const socket = await server.connect(ben)
  const get = async (position: object) => await socket.ask('history:get', { conversationId, limit: 100, ...position })
  const seqsOf = (page: Frame): number[] => page.messages.map(({ seq }: { seq: number }) => seq)
  const back = await walk(t, scene, async (page?: Frame) => await get(page ? { before: seqsOf(page)[0] } : {}))
  t.same(back.reverse().flatMap(seqsOf), numbers(1, 12), 'backwards')
  const forth = await walk(t, scene, async (page?: Frame) => await get({ after: page ? seqsOf(page).at(-1) : 0 }))
  t.same(forth.flatMap(seqsOf), numbers(1, 12), 'and forwards')
  t.ok(seqsOf((await walk(t, scene, async () => ({ ...(await get({ around: 6 })), more: false })))[0]).includes(6))
  const pull = async (page?: Frame) => await socket.ask('sync:pull', { stream: conversationId, since: page?.rev ?? 1 })
  const pulled = (await walk(t, scene, pull)).flatMap(({ items }) => items)
  t.same(
    pulled.map(({ message }: Frame) => message.seq),
    numbers(1, 12),
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
  t.ok(bytesOf(reads) <= SYNC_PAGE_BYTES + MESSAGE_BYTES, `${bytesOf(reads)} bytes are read`)
})

t.test('S09: those who continue one conversation at different places are each given what they missed', async t => {
  const { server, conversationId } = await openScene(t, LARGE, 30)
  const { replay } = await openServices(t, { uri: server.uri })
  const id = conversationId.slice(5)
  const levelFrom = async (since: number): Promise<number[]> => {
    const revs: number[] = []
    for (let page = await replay.conversation(id, since); page.length > 0; ) {
      revs.push(...page.map(({ rev }) => rev))
      page = await replay.conversation(id, revs.at(-1) ?? since)
    }
    return revs
  }
  const [all, some] = await Promise.all([levelFrom(0), levelFrom(20)])
  t.same([all, some], [numbers(1, 31), numbers(21, 31)])
})

interface Asked {
  readonly type: 'sync:pull' | 'history:get'
  readonly data: object
}

/** Asks for the same page on many sockets at once; resolves when the server has all of the commands. */
async function askMuch(sockets: readonly SocketClient[], { type, data }: Asked): Promise<Promise<Frame>[]> {
  const asked = sockets.flatMap(socket => {
    const ids = Array.from({ length: 25 }, () => socket.say(type, data))
    return ids.map(async id => await socket.next(frame => frame.id === id))
  })
  await Promise.all(sockets.map(async socket => await socket.ask('ping')))
  return asked
}

async function openCrowd(t: Test) {
  const scene = await openScene(t, { type: 'text', text: 'x'.repeat(4_000) }, 200)
  const { server, ann, ben, conversationId } = scene
  const own = await server.connect(ben)
  const sockets = await Promise.all(Array.from({ length: 12 }, async () => await server.connect(ann)))
  const path = `/v1/conversations/${conversationId}/messages`
  const pull: Asked = { type: 'sync:pull', data: { stream: conversationId, since: 0 } }
  const get: Asked = { type: 'history:get', data: { conversationId } }
  /** Three hundred of one person at once, and something of somebody else after them. */
  const race = async (asked: Asked, act: () => Promise<unknown>) => {
    const replies = await askMuch(sockets, asked)
    let granted = 0
    for (const reply of replies) void reply.then(({ ok }) => (granted += ok ? 1 : 0))
    await act()
    const before = granted
    return { before, replies: async () => await Promise.all(replies) }
  }
  return { server, ann, ben, own, sockets, path, pull, get, race }
}

/** Requires that somebody else was answered among the first, and that what was too many is busy. */
function requireFair(t: Test, before: number, replies: readonly Frame[]): void {
  const granted = replies.filter(({ ok }) => ok).length
  t.ok(before < granted / 2, `${before} of ${granted} came before the answers of somebody else`)
  t.ok(granted < replies.length, 'not all of them may wait')
  const refused = replies.filter(({ ok }) => !ok).map(({ error }) => error)
  t.ok(refused.every(({ code, retry, retryAfterMs }) => code === 'busy' && retry === 'later' && retryAfterMs > 0))
}

t.test('S09: hundreds of pulls of one person keep nobody else waiting, and what is too many is busy', async t => {
  const { own, sockets, pull, race } = await openCrowd(t)
  const { before, replies } = await race(pull, async () => {
    const [page] = await Promise.all([own.ask(pull.type, pull.data), own.ask('sync:heads')])
    t.ok(page.items.length > 0)
  })
  requireFair(t, before, await replies())
  t.ok((await sockets[0]?.ask(pull.type, pull.data))?.items.length > 0, 'afterwards there is room')
})

t.test('S09: hundreds of pages of history keep nobody else waiting, whatever the face', async t => {
  const { server, ann, ben, own, sockets, path, get, race } = await openCrowd(t)
  const { before, replies } = await race(get, async () => {
    const [page, ...others] = await Promise.all([
      own.ask(get.type, get.data),
      ...[path, '/v1/conversations', '/api/v1/chat'].map(async it => await server.call(ben, 'GET', it))
    ])
    t.ok(page.messages.length > 0 && others.every(({ status }) => status === 200))
  })
  const byRest = await Promise.all(Array.from({ length: 60 }, async () => await server.call(ann, 'GET', path)))
  requireFair(t, before, await replies())
  const busy = byRest.find(({ status }) => status === 503)
  t.match(busy?.body, { error: { code: 'busy', retry: 'later', retryAfterMs: Number } })
  t.ok(Number(busy?.headers.get('retry-after')) >= 1)
  t.ok((await sockets[0]?.ask(get.type, get.data))?.messages.length > 0, 'afterwards there is room')
})
