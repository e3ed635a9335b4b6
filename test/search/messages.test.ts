import { setTimeout as sleep } from 'node:timers/promises'
import { ObjectId } from 'mongodb'
import t, { type Test } from 'tap'
import { bareId } from '../../protocol/ids.ts'
import { openDatabase } from '../kit/databases.ts'
import { joinServer, type Person, startServer, type TestServer } from '../kit/helper.ts'
import { storeMessages } from '../kit/stored.ts'

type People = [Person, Person, Person]
type Query = Record<string, string | number | boolean>

interface Result {
  readonly message: { readonly id: string; readonly text: string; readonly conversationId: string }
  readonly snippet: { readonly text: string; readonly highlights: readonly { start: number; end: number }[] }
}

const pathOf = (query: Query): string =>
  `/v1/search/messages?${Object.entries(query)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value).toWellFormed())}`)
    .join('&')}`

async function search(server: TestServer, who: Person, query: Query) {
  return await server.call(who, 'GET', pathOf(query))
}

/** Texts of everything that a search finds, page by page. */
async function textsOf(server: TestServer, who: Person, query: Query): Promise<string[]> {
  const texts: string[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const { status, text, body } = await search(server, who, { ...query, ...(cursor === '' ? {} : { cursor }) })
    if (status !== 200) throw new Error(text)
    texts.push(...body.results.map(({ message }: Result) => message.text))
    cursor = body.next
  }
  return texts
}

/** Sends by somebody, in order. @returns the ids */
function speaker(server: TestServer) {
  let count = 0
  return async (who: Person, conversationId: string, ...contents: (string | object)[]): Promise<string[]> => {
    const ids: string[] = []
    for (const content of contents) {
      const body = { clientId: `m${count++}`, ...(typeof content === 'string' ? { text: content } : content) }
      const path = `/v1/conversations/${conversationId}/messages`
      const answer = await server.call(who, 'POST', path, body)
      if (answer.status !== 201) throw new Error(answer.text)
      ids.push(answer.body.id)
    }
    return ids
  }
}

/** Waits until the index of a conversation goes up to a message. */
async function indexed(t: Test, server: TestServer, conversationId: string, seq: number): Promise<void> {
  const client = await openDatabase(t, server.uri)
  const marks = client.db().collection<{ _id: unknown; seq: number }>('searchMarks')
  for (;;) {
    const found = await marks.find().toArray()
    const mark = found.find(({ _id }) => String(_id) === bareId(conversationId))
    if (mark !== undefined && mark.seq >= seq) return
    await sleep(20)
  }
}

t.test('what one sees is found: newest first, over all of one’s conversations, with what was found marked', async t => {
  const server = await joinServer(t)
  const [ann, ben, cleo] = (await server.people(3)) as People
  const say = speaker(server)
  const [pair, group] = [await server.direct(ann, ben), await server.group(ann, ben, cleo)]
  await say(ann, pair, 'Der Schlüssel liegt unter der Matte')
  await say(ben, group, 'Wo ist der SCHLÜSSEL?')
  await say(ann, pair, 'kein Wort davon')
  await say(cleo, group, 'Schlusselbund gefunden')

  t.test('by the beginning of a word, without accents and case', async t => {
    const { body } = await search(server, ann, { q: 'schlussel' })
    t.strictSame(
      body.results.map(({ message }: Result) => message.text),
      ['Schlusselbund gefunden', 'Wo ist der SCHLÜSSEL?', 'Der Schlüssel liegt unter der Matte']
    )
    t.strictSame(
      body.results.map(({ snippet: { text, highlights } }: Result) =>
        highlights.map(it => text.slice(it.start, it.end))
      ),
      [['Schlusselbund'], ['SCHLÜSSEL'], ['Schlüssel']]
    )
    t.match(body, { complete: true, next: undefined })
  })

  t.test('by several words, and by a phrase', async t => {
    t.strictSame(await textsOf(server, ann, { q: 'matte der' }), ['Der Schlüssel liegt unter der Matte'])
    t.strictSame(await textsOf(server, ann, { q: '"der matte"' }), ['Der Schlüssel liegt unter der Matte'])
    t.strictSame(await textsOf(server, ann, { q: '"matte der"' }), [])
  })

  t.test('and what is said elsewhere is not', async t => {
    t.strictSame(await textsOf(server, cleo, { q: 'schlussel' }), ['Schlusselbund gefunden', 'Wo ist der SCHLÜSSEL?'])
    t.match(await search(server, cleo, { q: 'schlussel', conversationId: pair }), {
      status: 404,
      body: { error: { code: 'not_found' } }
    })
    t.match(await search(server, cleo, { q: 'schlussel', conversationId: 'f'.repeat(24) }), { status: 404 })
  })

  t.test('by socket as well', async t => {
    const socket = await server.connect(ann)
    const found = (await socket.ask('search:messages', { q: 'matte' })) as { results: Result[] }
    t.strictSame(
      found.results.map(({ message }) => message.text),
      ['Der Schlüssel liegt unter der Matte']
    )
    t.match(await socket.refused('search:messages', { q: 'a' }), { code: 'invalid' })
    t.match(await socket.refused('search:messages', {}), { code: 'invalid' })
  })

  t.test('conversations and people are found by one field', async t => {
    const { body, status } = await server.call(ann, 'GET', '/v1/search?q=group')
    t.equal(status, 200)
    t.strictSame(
      body.conversations.map(({ id }: { id: string }) => id),
      [group]
    )
    const people = await server.call(ann, 'GET', `/v1/search?q=${ben.hex.slice(-4)}`)
    t.ok(people.body.users.some(({ id }: { id: string }) => id === ben.id))
    t.strictSame(
      people.body.conversations.map(({ id }: { id: string }) => id),
      [pair]
    )
  })
})

t.test('filters', async t => {
  const server = await joinServer(t)
  const [ann, ben, cleo] = (await server.people(3)) as People
  const say = speaker(server)
  const [pair, group] = [await server.direct(ann, ben), await server.group(ann, ben, cleo)]
  const attachments = [{ type: 'file', url: 'https://files.example/a.pdf', fileName: 'a.pdf' }]
  await say(ann, pair, 'word one')
  await say(ben, group, { text: 'word two', mentions: [ann.id] }, { type: 'file', text: 'word three', attachments })
  await sleep(5)
  await say(cleo, group, 'word four', { type: 'image', attachments: [{ ...attachments[0], type: 'image' }] })
  const find = async (query: Query) => await textsOf(server, ann, query)
  const moment = (await search(server, ann, { q: 'four' })).body.results[0].message.createdAt

  t.strictSame(await find({ q: 'word', conversationId: pair }), ['word one'])
  t.strictSame(await find({ q: 'word', senderId: ben.id }), ['word three', 'word two'])
  t.strictSame(await find({ senderId: ben.hex }), ['word three', 'word two'])
  t.strictSame(await find({ q: 'word', type: 'file' }), ['word three'])
  t.strictSame(await find({ q: 'word', hasFile: true }), ['word three'])
  t.strictSame(await find({ q: 'word', hasFile: false }), ['word four', 'word two', 'word one'])
  t.equal((await find({ hasFile: true })).length, 2, 'also without a text')
  t.strictSame(await find({ q: 'word', mention: ann.id }), ['word two'])
  t.strictSame(await find({ mention: ann.id }), ['word two'])
  t.strictSame(await find({ q: 'word', after: moment }), ['word four'])
  t.strictSame(await find({ q: 'word', before: moment }), ['word three', 'word two', 'word one'])
  t.strictSame(await find({ q: 'word', after: moment, before: moment }), [])
  t.strictSame(await find({ q: 'word', senderId: 'f'.repeat(24) }), [], 'somebody who is not there')
  t.strictSame(await find({ type: 'system' }), [], 'nobody has said what the server records')
})

t.test(
  'what is joined later, left, cleared, hidden, edited, deleted or encrypted is found as history shows it',
  async t => {
    const server = await joinServer(t)
    const [ann, ben, cleo] = (await server.people(3)) as People
    const say = speaker(server)
    const group = await server.group(ann, ben)
    const path = `/v1/conversations/${group}`
    const [early = ''] = await say(ann, group, 'early bird')
    await server.call(ann, 'POST', `${path}/members`, { userIds: [cleo.id] })
    const [late = ''] = await say(ann, group, 'late bird')
    t.strictSame(await textsOf(server, cleo, { q: 'bird' }), ['late bird'], 'joined')
    await server.call(ann, 'PATCH', `${path}/messages/${late}`, { text: 'last bird' })
    t.strictSame(await textsOf(server, ann, { q: 'late' }), [], 'edited')
    t.strictSame(await textsOf(server, ann, { q: 'last' }), ['last bird'])
    await server.call(ben, 'DELETE', `${path}/messages/${late}?scope=me`)
    t.strictSame(await textsOf(server, ben, { q: 'bird' }), ['early bird'], 'hidden')
    await server.call(ann, 'DELETE', `${path}/messages/${early}?scope=everyone`)
    t.strictSame(await textsOf(server, ann, { q: 'bird' }), ['last bird'], 'deleted')
    await server.call(ann, 'DELETE', `${path}/messages`)
    t.strictSame(await textsOf(server, ann, { q: 'bird' }), [], 'cleared')
    t.strictSame(await textsOf(server, cleo, { q: 'bird' }), ['last bird'], 'for oneself alone')
    await server.call(cleo, 'POST', `${path}/leave`)
    t.strictSame(await textsOf(server, cleo, { q: 'bird' }), [], 'left')
    await say(ann, group, { encryptedContent: 'birdbird' })
    t.strictSame(await textsOf(server, ann, { q: 'birdbird' }), [], 'encrypted')
    await server.call(ann, 'PUT', `/v1/blocks/${ben.hex}`)
    await say(ben, group, 'blocked bird')
    t.strictSame(await textsOf(server, ann, { q: 'bird' }), ['blocked bird'], 'a group goes on across a block')
  }
)

t.test('pages follow each other without a gap, over conversations that were spoken in at the same time', async t => {
  const server = await startServer(t, { env: { TIMINGS_INDEX_MS: '50' } })
  const [ann, ben, cleo] = (await server.people(3)) as People
  const client = await openDatabase(t, server.uri)
  const rooms = [await server.direct(ann, ben), await server.group(ann, cleo), await server.group(ann, ben, cleo)]
  const start = Date.now() - 1_000_000
  const said: { text: string; at: number }[] = []
  for (const [room, conversationId] of rooms.entries()) {
    for (let part = 0; part < 12; part++) {
      const at = start + part * 1_000 + room
      const text = `common r${room}p${part} ${part % 3 === 0 ? 'third' : ''}`
      await storeMessages(client, {
        conversationId,
        from: ann,
        count: 50,
        content: { type: 'text', text },
        createdAt: new Date(at)
      })
      said.push({ text, at })
    }
  }
  const texts = said.sort((a, b) => b.at - a.at).map(({ text }) => text)
  const expected = (word: string) =>
    texts.filter(text => text.includes(word)).flatMap(text => Array<string>(50).fill(text))

  const check = async (t: Test) => {
    t.strictSame(await textsOf(server, ann, { q: 'common', limit: 100 }), expected('common'))
    t.strictSame(await textsOf(server, ann, { q: 'third com', limit: 37 }), expected('third'))
    t.strictSame(await textsOf(server, ann, { q: 'r1p7' }), expected('r1p7'))
    t.strictSame(
      await textsOf(server, ann, { q: 'r1p', before: new Date(start + 5_000).toISOString() }),
      expected('r1p').slice(-250)
    )
    t.strictSame(await textsOf(server, ann, { q: 'nowhere' }), [])
    t.strictSame(
      await textsOf(server, ben, { q: 'common', conversationId: rooms[0] as string, limit: 100 }),
      expected('r0')
    )
  }
  t.test('before they are indexed', check)
  t.test('and after', async t => {
    const other = await startServer(t, { uri: server.uri, env: { TIMINGS_INDEX_MS: '50' } })
    await speaker(other)(ann, rooms[0] as string, 'one more')
    for (const room of rooms) await indexed(t, server, room, 512)
    await check(t)
    const blocks = client.db().collection('searchBlocks')
    t.equal(await blocks.countDocuments(), 6)
    const c = { $in: rooms.map(room => new ObjectId(bareId(room))) }
    const { executionStats } = await blocks
      .find(
        { c, terms: 'common' },
        { hint: { c: 1, terms: 1, at: -1, span: 1 }, projection: { _id: 0, c: 1, at: 1, span: 1 } }
      )
      .explain('executionStats')
    t.equal(executionStats.totalDocsExamined, 0, 'the index has all that it takes')
    const { executionStats: ofBeginning } = await blocks
      .find(
        { c, terms: /^comm/ },
        { hint: { c: 1, terms: 1, at: -1, span: 1 }, projection: { _id: 0, c: 1, at: 1, span: 1 } }
      )
      .explain('executionStats')
    t.equal(ofBeginning.totalDocsExamined, 0, 'of beginnings too')
    t.ok(ofBeginning.totalKeysExamined <= 6 * 3, 'and reads nothing else')
  })
})

t.test('no word of what was edited or deleted stays in a block, and new ones are found at once', async t => {
  const server = await startServer(t, { env: { TIMINGS_INDEX_MS: '50', TIMINGS_INDEX_IDLE_MS: '200' } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const client = await openDatabase(t, server.uri)
  const pair = await server.direct(ann, ben)
  const texts = Array.from({ length: 70 }, (_, index) => `filler number${index}`)
  const [first = '', second = ''] = await speaker(server)(ann, pair, 'alpha secretone', 'beta secrettwo', ...texts)
  await indexed(t, server, pair, 64)
  t.pass('a silent conversation is indexed though its messages fill no block')
  const blocks = client.db().collection<{ terms: string[] }>('searchBlocks')
  const termsOf = async () => (await blocks.find().toArray()).flatMap(({ terms }) => terms)
  t.ok((await termsOf()).includes('secretone'))
  const path = `/v1/conversations/${pair}/messages`
  await server.call(ann, 'PATCH', `${path}/${first}`, { text: 'alpha changed' })
  t.strictSame(await textsOf(server, ben, { q: 'changed' }), ['alpha changed'], 'found at once')
  t.strictSame(await textsOf(server, ben, { q: 'secretone' }), [])
  await server.call(ann, 'DELETE', `${path}/${second}?scope=everyone`)
  t.strictSame(await textsOf(server, ben, { q: 'secrettwo' }), [])
  for (let terms = await termsOf(); terms.some(it => it.startsWith('secret')); terms = await termsOf()) await sleep(20)
  t.ok((await termsOf()).includes('changed'))
  t.equal(await blocks.countDocuments(), 1)
})

t.test('who looks for what mentions them finds what mentions everyone too, in blocks and outside of them', async t => {
  const server = await joinServer(t)
  const [ann, ben, cleo] = (await server.people(3)) as People
  const say = speaker(server)
  const group = await server.group(ann, ben, cleo)
  await say(ann, group, { text: 'old all', mentionsEveryone: true }, { text: 'old ben', mentions: [ben.id] })
  const client = await openDatabase(t, server.uri)
  await storeMessages(client, { conversationId: group, from: ann, count: 300, content: { type: 'text', text: 'hay' } })
  await say(ann, group, { text: '@all new', mentionRanges: [{ offset: 0, length: 4, everyone: true }] })
  const other = await startServer(t, { uri: server.uri })
  await textsOf(other, ann, { q: 'hay' })
  t.ok((await client.db().collection('searchBlocks').countDocuments()) > 0, 'the old ones are in a block')
  t.strictSame(await textsOf(other, ben, { mention: ben.id }), ['@all new', 'old ben', 'old all'])
  t.strictSame(await textsOf(other, ben, { mention: ben.hex, q: 'old' }), ['old ben', 'old all'])
  t.strictSame(await textsOf(other, cleo, { mention: cleo.id, conversationId: group }), ['@all new', 'old all'])
  t.strictSame(await textsOf(other, cleo, { mention: ben.id }), ['old ben'], 'of somebody else by their name alone')
})

t.test('a search seals what it meets, and answers in steps', async t => {
  const server = await startServer(t, { env: { TIMINGS_INDEX_MS: '3600000' } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const client = await openDatabase(t, server.uri)
  const pair = await server.direct(ann, ben)
  await storeMessages(client, { conversationId: pair, from: ben, count: 9_000, content: { type: 'text', text: 'hay' } })
  await storeMessages(client, { conversationId: pair, from: ben, count: 1, content: { type: 'text', text: 'needle' } })
  await storeMessages(client, { conversationId: pair, from: ben, count: 300, content: { type: 'text', text: 'hay' } })
  const other = await startServer(t, { uri: server.uri, env: { TIMINGS_INDEX_MS: '3600000' } })
  t.strictSame(await textsOf(other, ann, { q: 'needle' }), ['needle'])
  t.ok((await client.db().collection('searchBlocks').countDocuments()) >= 9_300 / 256 - 4)
  await other.call(ann, 'PATCH', `/v1/conversations/${pair}/preferences`, { pinned: true })
  t.equal((await search(other, ann, { q: 'needle' })).body.complete, true, 'in one step then')
})

t.test('a page of long texts with many hits fits a frame, and the next one goes on', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const pair = await server.direct(ann, ben)
  const client = await openDatabase(t, server.uri)
  const content = { type: 'text', text: 'ab 都 '.repeat(2_000) }
  await storeMessages(client, { conversationId: pair, from: ben, count: 60, content })
  await storeMessages(client, {
    conversationId: pair,
    from: ben,
    count: 60,
    content: { type: 'text', text: 'ab 都 '.repeat(30) }
  })
  const other = await startServer(t, { uri: server.uri })
  const socket = await other.connect(ann)
  let [count, cursor] = [0, undefined as string | undefined]
  do {
    const page = (await socket.ask('search:messages', { q: 'ab', limit: 100, ...(cursor && { cursor }) })) as {
      results: Result[]
      next?: string
    }
    t.ok(JSON.stringify(page).length < 262_144 && page.results.length > 0)
    count += page.results.length
    cursor = page.next
  } while (cursor !== undefined)
  t.equal(count, 120)
})

t.test('bad input gets a clear refusal or an honest answer', async t => {
  const server = await joinServer(t)
  const [ann] = (await server.people(1)) as [Person]
  const words = (count: number) => Array.from({ length: count }, (_, index) => `w${index}`).join(' ')
  t.equal((await search(server, ann, { q: words(10_000) })).status, 431, 'no request is that long')
  const socket = await server.connect(ann)
  t.match(await socket.refused('search:messages', { q: words(10_000) }), { code: 'invalid' })
  t.match(await socket.refused('search:messages', { q: 'ab\ud800' }), { code: 'invalid' })
  const many = 'a '.repeat(100)
  const refused = ['', ' ', '\u3000\t ', '"', '""', '.*', '---', '\u0301\u0302', 'a', 'א', many, 'a\u0000b', '*']
  for (const q of refused) {
    const { status, body } = await search(server, ann, { q })
    t.match({ status, body }, { status: 400, body: { error: { code: 'invalid' } } }, JSON.stringify(q.slice(0, 20)))
  }
  const answered = [
    '"never closed',
    '-word',
    'from:ann OR x',
    '$where',
    '(ab+)+$',
    '{"$gt":""}',
    '👍',
    '👨‍👩‍👧👨‍👩‍👧',
    '都',
    'a b c',
    '../../xy'
  ]
  for (const q of answered)
    t.match(await search(server, ann, { q }), { status: 200, body: { results: [], complete: true } }, q)
  for (const query of [
    {},
    { conversationId: 'f'.repeat(24) },
    { q: 'ab', limit: 0 },
    { q: 'ab', limit: 101 },
    { q: 'ab', cursor: '!' },
    { q: 'ab', cursor: 'AAAA' },
    { q: 'ab', cursor: 'f'.repeat(5_999) },
    { q: 'ab', before: 'yesterday' },
    { q: 'ab', before: '2026-99-99T99:99:99Z' },
    { q: 'ab', type: 'nothing' },
    { q: 'ab', senderId: 'x' },
    { q: 'ab', other: 1 }
  ] as Query[]) {
    const { status, body } = await search(server, ann, query)
    t.match({ status, body }, { status: 400, body: { error: { code: 'invalid' } } }, JSON.stringify(query).slice(0, 60))
  }
  t.equal((await server.call(undefined, 'GET', '/v1/search/messages?q=ab')).status, 401)
})
