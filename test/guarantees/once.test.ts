import t from 'tap'
import { joinServer, type Person, startServer, type TestServer, TOGETHER } from '../kit/helper.ts'
import type { Frame } from '../kit/socket-client.ts'

const TIMES = 12

/** Events of a person's socket until a message that is sent last. */
async function told(
  server: TestServer,
  who: Person,
  conversationId: string,
  act: () => Promise<unknown>
): Promise<Frame[]> {
  const socket = await server.connect(who)
  await act()
  await server.call(who, 'POST', `/v1/conversations/${conversationId}/messages`, {
    clientId: `end-${who.hex}`,
    text: 'End'
  })
  await socket.next(frame => frame.type === 'message:new' && frame.data.text === 'End')
  return socket.frames.filter(({ type }) => type === 'message:new')
}

t.test('G2 once: a clientId repeated at once over every face is one message, told once', async t => {
  const first = await startServer(t, TOGETHER)
  const nodes = [first, await startServer(t, { uri: first.uri, ...TOGETHER })] as const
  const [ann, ben] = (await nodes[0].people(2)) as [Person, Person]
  const conversationId = await nodes[0].direct(ann, ben)
  const path = `/v1/conversations/${conversationId}/messages`
  const body = { clientId: 'the-one', text: 'Only once' }
  const sockets = await Promise.all(nodes.map(async node => await node.connect(ann)))
  const answers: Frame[] = []
  const heard = await told(nodes[0], ben, conversationId, async () => {
    const overSockets = sockets.flatMap(socket =>
      Array.from({ length: TIMES }, async () => await socket.ask('message:send', { conversationId, ...body }))
    )
    const overRest = nodes.flatMap(node =>
      Array.from({ length: TIMES }, async (_, index) => {
        const header = { 'idempotency-key': body.clientId }
        const answer =
          index % 2
            ? await node.call(ann, 'POST', path, body)
            : await node.call(ann, 'POST', path, { text: body.text }, header)
        t.equal(answer.status, answer.body.duplicate ? 200 : 201)
        return answer.body
      })
    )
    answers.push(...(await Promise.all([...overSockets, ...overRest])))
  })
  t.equal(answers.length, TIMES * 4)
  t.equal(answers.filter(({ duplicate }) => !duplicate).length, 1, 'one was the first')
  t.equal(new Set(answers.map(({ id, seq, rev, createdAt }) => `${id} ${seq} ${rev} ${createdAt}`)).size, 1)
  t.match(heard, [{ data: { seq: 1, text: 'Only once' } }])
  t.equal(heard.length, 1, 'told once')
  t.equal((await nodes[1].call(ben, 'GET', path)).body.messages.length, 2)
})

t.test('G2 once: many different sends, each three times at once, in any order', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const sockets = await Promise.all([server.connect(ann), server.connect(ann), server.connect(ann)])
  const answers = await Promise.all(
    sockets.flatMap(socket =>
      Array.from(
        { length: 30 },
        async (_, index) =>
          await socket.ask('message:send', { conversationId, clientId: `m${index}`, text: `Text ${index}` })
      )
    )
  )
  t.equal(answers.filter(({ duplicate }) => !duplicate).length, 30)
  t.same(new Set(answers.map(({ seq }) => seq)), new Set(Array.from({ length: 30 }, (_, index) => index + 1)))
})

t.test('G2 once: later changes and restarts do not change what a repeat is answered; it tells nobody', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const socket = await server.connect(ann)
  const send = { conversationId, clientId: 'first', text: 'One' }
  const { duplicate, ...first } = await socket.ask('message:send', send)
  t.equal(duplicate, false)
  const messageId = first.id
  await socket.ask('message:edit', { conversationId, messageId, text: 'Two' })
  await socket.ask('reaction:add', { conversationId, messageId, emoji: '👍' })
  t.same(await socket.ask('message:send', send), { ...first, duplicate: true }, 'after an edit and a reaction')
  const restarted = await startServer(t, { uri: server.uri })
  const again = await restarted.connect(ann)
  t.same(await again.ask('message:send', send), { ...first, duplicate: true }, 'by a process that has never seen it')
  await again.ask('message:delete', { conversationId, messageId, scope: 'everyone' })
  const heard = await told(restarted, ben, conversationId, async () => {
    t.same(await again.ask('message:send', send), { ...first, duplicate: true }, 'after it was deleted')
  })
  t.same(heard, [])
})

t.test('G2 once: the same clientId with another body is refused, at once and later', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const socket = await server.connect(ann)
  const send = async (text: string, extra = {}): Promise<Frame> =>
    await socket.ask('message:send', { conversationId, clientId: 'c', text, ...extra }).catch(({ error }) => error)
  const atOnce = await Promise.all(['A', 'B', 'C', 'D'].map(async text => await send(text)))
  t.equal(atOnce.filter(({ duplicate }) => duplicate === false).length, 1)
  t.equal(atOnce.filter(({ code }) => code === 'idempotency_mismatch').length, 3)
  t.match(await send('E'), { code: 'idempotency_mismatch', retry: 'no' })
  const { id } = atOnce.find(answer => answer.duplicate === false)
  const text = ['A', 'B', 'C', 'D'][atOnce.findIndex(answer => answer.duplicate === false)] ?? ''
  t.match(await send(text, { replyTo: id }), { code: 'idempotency_mismatch' }, 'an answer to something is another body')
  const refused = await server.call(ann, 'POST', `/v1/conversations/${conversationId}/messages`, {
    clientId: 'c',
    text: 'F'
  })
  t.match(refused, { status: 409, body: { error: { code: 'idempotency_mismatch' } } })
  t.match(await (await server.connect(ben)).ask('message:send', { conversationId, clientId: 'c', text: 'G' }), {
    duplicate: false
  })
})
