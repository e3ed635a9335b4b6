import t from 'tap'
import type { Person, TestServer } from '../../kit/helper.ts'
import { startScene } from './scene.ts'

async function find(server: TestServer, who: Person, query: Record<string, string>) {
  return await server.call(who, 'GET', `/messages/search?${new URLSearchParams(query)}`)
}

const textsOf = (body: { data: { text: string }[] }) => body.data.map(({ text }) => text)

t.test('1.7 messages are found by words, within own conversations, with filters, highlights and pages', async t => {
  const { server, ann, ben, cleo } = await startScene(t)
  const say = async (who: Person, body: object) => (await server.call(who, 'POST', '/messages', body)).body.data
  const { conversation } = await say(ann, { to: ben.hex, text: 'Treffen am <Café> um vier' })
  await say(ben, { to: ann.hex, text: 'cafe ist zu' })
  const attachments = [{ type: 'image', url: 'https://files.example/a.png' }]
  await say(ann, { to: cleo.hex, type: 'image', text: 'Das neue Café', attachments })

  const { status, body } = await find(server, ann, { q: 'CAFE' })
  t.equal(status, 200)
  t.strictSame(textsOf(body), ['Das neue Café', 'cafe ist zu', 'Treffen am <Café> um vier'], 'newest first')
  t.match(body, { success: true, error: null, pagination: { limit: 50, hasMore: false, next: null, complete: true } })
  t.match(body.data[2], {
    sender: ann.hex,
    to: ben.hex,
    conversation,
    snippet: 'Treffen am <Café> um vier',
    highlights: [{ start: 12, end: 16 }],
    highlighted: 'Treffen am &#60;<mark>Café</mark>&#62; um vier'
  })
  t.strictSame(textsOf((await find(server, ben, { q: 'cafe' })).body), ['cafe ist zu', 'Treffen am <Café> um vier'])

  const filtered: [Record<string, string>, number][] = [
    [{ conversation }, 2],
    [{ conversationId: `conv_${conversation}` }, 2],
    [{ sender: ben.hex }, 1],
    [{ senderId: ben.id, conversation }, 1],
    [{ type: 'image' }, 1],
    [{ hasFile: 'true' }, 1],
    [{ from: new Date().toISOString().slice(0, 10) }, 3],
    [{ to: new Date().toISOString().slice(0, 10) }, 3],
    [{ to: '2020-01-01' }, 0],
    [{ from: `${Date.now() + 60_000}` }, 0],
    [{ from: '2020-01-01T00:00:00.000Z', to: `${Date.now() + 60_000}` }, 3]
  ]
  for (const [query, count] of filtered) {
    t.equal((await find(server, ann, { q: 'cafe', ...query })).body.data.length, count, JSON.stringify(query))
  }

  t.test('1.7 pages by number and by what the page before says', async t => {
    const first = await find(server, ann, { q: 'cafe', limit: '2' })
    t.match(first.body.pagination, { limit: 2, hasMore: true, next: String })
    const next = await find(server, ann, { q: 'cafe', limit: '2', next: first.body.pagination.next })
    t.strictSame(textsOf(next.body), ['Treffen am <Café> um vier'])
    const second = await find(server, ann, { q: 'cafe', limit: '1', page: '2' })
    t.strictSame(textsOf(second.body), ['cafe ist zu'])
    t.match(second.body.pagination, { limit: 1, page: 2, hasMore: true })
    t.strictSame(textsOf((await find(server, ann, { q: 'cafe', limit: '1', page: '4' })).body), [])
  })

  t.test('1.7 what cannot be searched is refused', async t => {
    const refused = [
      {},
      { q: ' ' },
      { q: 'a' },
      { q: '.*' },
      { q: 'ab', from: 'yesterday' },
      { q: 'ab', to: '9'.repeat(15) }
    ]
    for (const query of [...refused, { q: 'ab', page: '0' }, { q: 'ab', page: '900' }, { q: 'ab', next: 'x.y' }]) {
      const { status, body } = await find(server, ann, query as Record<string, string>)
      t.match(
        { status, body },
        { status: 400, body: { success: false, error: { code: 'invalid' } } },
        JSON.stringify(query)
      )
    }
    t.equal((await find(server, cleo, { q: 'cafe', conversation })).status, 404, 'a chat of others')
  })
})
