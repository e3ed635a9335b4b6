import t from 'tap'
import { joinServer, type Person, startServer, type TestServer, TOGETHER } from '../kit/helper.ts'
import { Refusal, type SocketClient } from '../kit/socket-client.ts'

type Trio = [Person, Person, Person]

const codeOf = async (asked: Promise<unknown>) =>
  await asked.then(
    () => 'granted',
    (error: unknown) => (error instanceof Refusal ? error.error.code : 'unknown')
  )

/** Sends something. @returns it as a message to forward under the same `clientId` */
async function say(
  socket: SocketClient,
  conversationId: string,
  clientId: string,
  content: object = { text: clientId }
) {
  const { id: messageId } = await socket.ask('message:send', { conversationId, clientId, ...content })
  return { conversationId, messageId, clientId: `f-${clientId}` }
}

async function historyOf(server: TestServer, who: Person, conversationId: string) {
  const { body } = await server.call(who, 'GET', `/v1/conversations/${conversationId}/messages`)
  return body.messages.filter(({ type }: { type: string }) => type !== 'system')
}

/** Three people: what Ann and Ben said to each other is forwarded by Ben to Cem, and to a group of Ben and Cem. */
async function open(server: TestServer) {
  const people = (await server.people(3)) as Trio
  const [ann, ben, cem] = people
  const source = await server.direct(ann, ben)
  const targets = [await server.direct(ben, cem), await server.group(ben, cem)] as [string, string]
  const sockets = (await Promise.all(people.map(async it => await server.connect(it)))) as [
    SocketClient,
    SocketClient,
    SocketClient
  ]
  return { people, source, targets, sockets }
}

t.test(
  'messages are forwarded into several conversations in their order, as they are and with their origin',
  async t => {
    const server = await joinServer(t)
    const { people, source, targets, sockets } = await open(server)
    const [ann, ben, cem] = people
    const [annSocket, benSocket, cemSocket] = sockets
    const attachments = [{ type: 'image', url: 'https://pictures.example/1.png', width: 3, height: 2 }]
    const contents = {
      plain: { text: 'plain', mentions: [ben.id], metadata: { mood: 'good' } },
      picture: { type: 'image', text: 'a caption', attachments },
      secret: { encryptedContent: 'AAAA' },
      place: { type: 'location', location: { latitude: 1, longitude: 2, name: 'Here' } },
      card: { type: 'contact', contact: { name: 'Cem', userId: cem.id } }
    }
    const messages: Awaited<ReturnType<typeof say>>[] = []
    for (const [name, content] of Object.entries(contents)) messages.push(await say(annSocket, source, name, content))
    const { to } = await benSocket.ask('message:forward', { messages, to: targets })
    t.match(
      to.map(({ conversationId }: { conversationId: string }) => conversationId),
      targets
    )
    const said = await historyOf(server, ann, source)
    for (const [index, target] of targets.entries()) {
      const { mentions: _, ...plain } = contents.plain
      const forwarded = await historyOf(server, cem, target)
      t.match(forwarded, Object.values({ ...contents, plain }), 'as they are')
      t.notOk('mentions' in forwarded[0], 'nobody is called')
      t.match(
        forwarded.map((it: { forwarded: object }) => it.forwarded),
        said.map(({ id: messageId, createdAt: sentAt }: { id: string; createdAt: string }) => ({
          ...{ senderId: ann.id, messageId, sentAt }
        }))
      )
      t.match(
        to[index].sent.map(({ duplicate, ...sent }: { duplicate: boolean }) => ({ ...sent, isNew: !duplicate })),
        messages.map(({ clientId }, at) => {
          const { id, seq, rev, createdAt } = forwarded[at]
          return { clientId, id, seq, rev, createdAt, isNew: true }
        }),
        'the acknowledgement names them'
      )
    }
    const live = await cemSocket.next(frame => frame.type === 'message:new' && frame.stream === targets[0])
    t.match(live.data, { text: 'plain', forwarded: { senderId: ann.id } })
    t.equal(
      await codeOf(annSocket.ask('message:forward', { messages, to: targets })),
      'not_found',
      'to where one is not'
    )
    t.equal(
      await codeOf(cemSocket.ask('message:forward', { messages, to: targets })),
      'not_found',
      'what one does not see'
    )
    const edit = { conversationId: targets[0], messageId: to[0].sent[0].id, text: 'never said' }
    t.equal(await codeOf(benSocket.ask('message:edit', edit)), 'forbidden', 'nobody edits the words of another')
  }
)

t.test('the origin is that of the first author, and told only where they allow it', async t => {
  const server = await joinServer(t)
  const { people, source, targets, sockets } = await open(server)
  const [ann, ben, cem] = people
  const [annSocket, benSocket, cemSocket] = sockets
  const own = await server.group(cem)
  const allow = async (nameInForwards: string) => {
    const { status } = await server.call(ann, 'PATCH', '/v1/users/me/settings', { privacy: { nameInForwards } })
    t.equal(status, 200)
  }
  let count = 0
  const forward = async (
    socket: SocketClient,
    message: { conversationId: string; messageId: string },
    target: string
  ) => {
    const clientId = `o${count++}`
    const { to } = await socket.ask('message:forward', { messages: [{ ...message, clientId }], to: [target] })
    const place = { conversationId: target, messageId: to[0].sent[0].id }
    const who = target === own ? cem : ben
    const path = `/v1/conversations/${target}/messages/${place.messageId}`
    return { place, forwarded: (await server.call(who, 'GET', path)).body.forwarded }
  }
  const message = await say(annSocket, source, 'one')
  const first = await forward(benSocket, message, targets[0])
  t.match(first.forwarded, { senderId: ann.id, messageId: message.messageId })
  const second = await forward(cemSocket, first.place, own)
  t.same(second.forwarded, first.forwarded, 'whoever is in between is not named')
  await allow('nobody')
  t.same((await forward(benSocket, message, targets[0])).forwarded, {}, 'nobody may name them')
  const third = await forward(cemSocket, first.place, own)
  t.same(third.forwarded, {}, 'nor by what was forwarded before')
  await allow('contacts')
  t.same((await forward(benSocket, message, targets[0])).forwarded, {}, 'who is no contact may not')
  t.equal((await server.call(ann, 'PUT', `/v1/contacts/${ben.id}`, { name: 'Ben' })).status, 204)
  t.match((await forward(benSocket, message, targets[0])).forwarded, { senderId: ann.id })
  await allow('everyone')
  t.match((await forward(cemSocket, first.place, own)).forwarded, { senderId: ann.id })
  await server.call(ann, 'POST', '/v1/blocks', { userId: cem.id })
  t.same((await forward(cemSocket, first.place, own)).forwarded, {}, 'across a block')
  const mine = await say(benSocket, source, 'mine')
  t.match((await forward(benSocket, mine, targets[0])).forwarded, { senderId: ben.id }, 'one’s own')
})

t.test('what fails at one target is told there and leaves the others done', async t => {
  const server = await joinServer(t)
  const { people, source, targets, sockets } = await open(server)
  const [ann, ben, cem] = people
  const [annSocket, benSocket] = sockets
  const [direct, group] = targets
  const message = await say(annSocket, source, 'one')
  const closed = await server.group(cem, ben)
  await server.call(cem, 'PATCH', `/v1/conversations/${closed}`, { settings: { whoMaySend: 'admins' } })
  const foreign = await server.direct(ann, cem)
  await server.call(cem, 'POST', '/v1/blocks', { userId: ben.id })
  const { status, body } = await server.call(ben, 'POST', '/v1/messages/forward', {
    messages: [message],
    to: [direct, closed, foreign, group]
  })
  t.equal(status, 200)
  t.match(body.to, [
    { conversationId: direct, sent: [], error: { code: 'blocked', retry: 'no' } },
    { conversationId: closed, sent: [], error: { code: 'forbidden' } },
    { conversationId: foreign, sent: [], error: { code: 'not_found' } },
    { conversationId: group, sent: [{ duplicate: false }] }
  ])
  t.equal((await historyOf(server, cem, group)).length, 1)
  t.equal((await historyOf(server, cem, direct)).length, 0)
  const nowhere = { messages: [message], to: [direct, foreign] }
  t.equal(await codeOf(benSocket.ask('message:forward', nowhere)), 'blocked', 'nothing is anywhere')
})

t.test('what is gone, hidden, cleared or recorded is not forwarded, and nothing of the others either', async t => {
  const server = await joinServer(t)
  const { people, source, targets, sockets } = await open(server)
  const [, ben, cem] = people
  const [annSocket, benSocket] = sockets
  const kept = await say(annSocket, source, 'kept')
  const deleted = await say(annSocket, source, 'deleted')
  const hidden = await say(annSocket, source, 'hidden')
  await annSocket.ask('message:delete', { ...without(deleted), scope: 'everyone' })
  await benSocket.ask('message:delete', { ...without(hidden), scope: 'me' })
  const [note] = (await server.call(ben, 'GET', `/v1/conversations/${targets[1]}/messages`)).body.messages
  const recorded = { conversationId: targets[1], messageId: note.id, clientId: 'note' }
  const code = async (...messages: object[]) =>
    await codeOf(benSocket.ask('message:forward', { messages, to: targets }))
  t.equal(await code(kept, deleted), 'gone')
  t.equal(await code(kept, hidden), 'not_found')
  t.equal(await code(kept, recorded), 'forbidden')
  t.equal(await code(kept, { ...kept, conversationId: targets[0], clientId: 'elsewhere' }), 'not_found')
  t.equal(await code(kept, { ...deleted, clientId: kept.clientId }), 'invalid', 'one clientId for two')
  await server.call(ben, 'DELETE', `/v1/conversations/${source}/messages`)
  t.equal(await code(kept), 'not_found', 'cleared')
  for (const target of targets) t.same(await historyOf(server, cem, target), [])
  const eleven = Array.from({ length: 11 }, (_, index) => `conv_${index.toString(16).padStart(24, '0')}`)
  t.equal(await codeOf(annSocket.ask('message:forward', { messages: [], to: targets })), 'invalid')
  t.equal(await codeOf(annSocket.ask('message:forward', { messages: [kept], to: [] })), 'invalid')
  t.equal(await codeOf(annSocket.ask('message:forward', { messages: [kept], to: eleven })), 'invalid')
})

/** The place of a message alone. */
function without({ clientId: _, ...place }: Awaited<ReturnType<typeof say>>) {
  return place
}

t.test(
  'G2 a repeat answers the first messages and sends what was missing, on another server too and whatever became of the source',
  async t => {
    const first = await startServer(t, TOGETHER)
    const second = await startServer(t, { ...TOGETHER, uri: first.uri })
    const { people, source, targets, sockets } = await open(first)
    const [, ben, cem] = people
    const [annSocket, benSocket] = sockets
    const messages = [await say(annSocket, source, 'one'), await say(annSocket, source, 'two')]
    const [one] = messages as [(typeof messages)[0] & object, unknown]
    // As a server leaves it that dies in the middle: a part of one conversation, nothing of the other.
    await benSocket.ask('message:forward', { messages: [one], to: [targets[0]] })
    const other = await second.connect(ben)
    const { to } = await other.ask('message:forward', { messages, to: targets })
    t.match(to, [
      { sent: [{ duplicate: true }, { duplicate: false }] },
      { sent: [{ duplicate: false }, { duplicate: false }] }
    ])
    const racing = await Promise.all(
      [benSocket, other].map(async socket => await socket.ask('message:forward', { messages, to: targets }))
    )
    const idsOf = (targets: { sent: { id: string }[] }[]) => targets.map(({ sent }) => sent.map(({ id }) => id))
    for (const again of racing) t.same(idsOf(again.to), idsOf(to))
    await annSocket.ask('message:delete', { ...without(one), scope: 'everyone' })
    const third = await startServer(t, { ...TOGETHER, uri: first.uri })
    const socket = await third.connect(ben)
    const late = await socket.ask('message:forward', { messages, to: targets })
    t.same(idsOf(late.to), idsOf(to), 'a server that has not sent them')
    const group = await third.group(ben, cem)
    const partly = await socket.ask('message:forward', { messages, to: [targets[0], group] })
    t.match(partly.to, [{ sent: [{}, {}] }, { sent: [{ clientId: 'f-two' }], error: { code: 'gone' } }])
    t.equal(partly.to[1].sent.length, 1)
    const another = { ...messages[1], clientId: one.clientId }
    t.equal(await codeOf(socket.ask('message:forward', { messages: [another], to: targets })), 'idempotency_mismatch')
    for (const target of targets) {
      const texts = (await historyOf(third, cem, target)).map(({ text }: { text: string }) => text)
      t.same(texts, ['one', 'two'], 'each once')
    }
  }
)

t.test('forwarding has a rate, which leaves writing alone', async t => {
  const env = { LIMITS_SENDS_PER_SECOND: '1', LIMITS_SENDS_BURST: '20' }
  const server = await startServer(t, { env })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const source = await server.direct(ann, ben)
  const socket = await server.connect(ann)
  const { clientId: _, ...place } = await say(socket, source, 'one')
  const to = await Promise.all(Array.from({ length: 10 }, async () => await server.group(ann)))
  const messages = Array.from({ length: 20 }, (_, index) => ({ ...place, clientId: `n${index}` }))
  const done = await socket.ask('message:forward', { messages, to })
  t.equal(done.to.flatMap(({ sent }: { sent: unknown[] }) => sent).length, 200, 'as many as one command takes')
  const refused = await socket.refused('message:forward', { messages, to })
  t.match(refused, { code: 'rate_limited', retryAfterMs: Number })
  await say(socket, source, 'two')
})

t.test('every app shows what was forwarded as an ordinary message, and the record of a pin in words', async t => {
  const server = await joinServer(t)
  const { people, source, targets, sockets } = await open(server)
  const [, ben, cem] = people
  const [annSocket, benSocket] = sockets
  const { to } = await benSocket.ask('message:forward', {
    messages: [await say(annSocket, source, 'one', { text: 'Look at this' })],
    to: [targets[0]]
  })
  await benSocket.ask('message:pin', { conversationId: targets[0], messageId: to[0].sent[0].id })
  const id = targets[0].slice(-24)
  const paths = {
    mobile: `/mobile/messages?conversationId=${id}`,
    unified: `/unified/messages?conversationId=${id}`,
    chatapp: `/chatapp/api/messages/${id}`,
    reals2chat: `/reals2chat/api/messages/${ben.hex}`,
    taatom: `/taatom/api/v1/chat/${ben.hex}/messages`
  }
  for (const [name, path] of Object.entries(paths)) {
    const { status, text } = await server.call(cem, 'GET', path)
    t.equal(status, 200, name)
    t.match(text, /Look at this/, name)
    t.match(text, /A message was pinned/, name)
  }
})

t.test('a message whose time is over is forwarded nowhere, though it is not removed yet', async t => {
  const server = await startServer(t, { env: { TIMINGS_EXPIRY_MS: '3600000' } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const [direct, group] = [await server.direct(ann, ben), await server.group(ben)]
  await server.call(ann, 'PUT', `/v1/conversations/${direct}/expiry`, { expireAfterSeconds: 10 })
  const path = `/v1/conversations/${direct}/messages`
  const { id } = (await server.call(ann, 'POST', path, { clientId: 'a', text: 'For a while' })).body
  const { expiresAt } = (await server.call(ben, 'GET', `${path}/${id}`)).body
  while (Date.parse(expiresAt) >= Date.now()) await new Promise(resolve => setTimeout(resolve, 100))
  const forward = { messages: [{ conversationId: direct, messageId: id, clientId: 'f' }], to: [group] }
  t.match(await server.call(ben, 'POST', '/v1/messages/forward', forward), {
    status: 410,
    body: { error: { code: 'gone' } }
  })
  const { body } = await server.call(ben, 'GET', `/v1/conversations/${group}/messages`)
  t.notMatch(JSON.stringify(body), /For a while/)
})
