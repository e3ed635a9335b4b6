import t from 'tap'
import { joinServer, type Person, startServer, TOGETHER } from '../kit/helper.ts'
import { Refusal, type SocketClient } from '../kit/socket-client.ts'

const codeOf = async (asked: Promise<unknown>) =>
  await asked.then(
    () => 'granted',
    (error: unknown) => (error instanceof Refusal ? error.error.code : 'unknown')
  )

/** Sends texts. @returns the places of their messages */
async function say(socket: SocketClient, conversationId: string, ...texts: string[]) {
  const places: { conversationId: string; messageId: string }[] = []
  for (const text of texts) {
    const { id: messageId } = await socket.ask('message:send', { conversationId, clientId: `say-${text}`, text })
    places.push({ conversationId, messageId })
  }
  return places
}

t.test('a star is told to the person’s other devices and to nobody else, live and on catching up', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const [annSocket, otherSocket, benSocket] = await Promise.all(
    [ann, ann, ben].map(async it => await server.connect(it))
  )
  if (annSocket === undefined || otherSocket === undefined || benSocket === undefined) throw new Error('No sockets')
  const [one] = await say(annSocket, conversationId, 'one')
  if (one === undefined) throw new Error('Nothing was said')
  await otherSocket.ask('message:star', one)
  const starred = await annSocket.next('stars:updated')
  t.match(starred, { stream: ann.id, data: { ...one, isStarred: true } })
  await annSocket.ask('message:star', one)
  const path = `/v1/conversations/${conversationId}/messages/${one.messageId}/star`
  t.equal((await server.call(ann, 'PUT', path)).status, 200, 'a repeat is granted')
  t.equal((await server.call(ann, 'DELETE', path)).status, 200)
  const taken = await annSocket.next(frame => frame.type === 'stars:updated' && !frame.data.isStarred)
  t.equal(taken.rev, (starred.rev ?? 0) + 1, 'and was no change')
  t.equal((await server.call(ann, 'DELETE', path)).status, 200)
  t.equal((await server.call(ann, 'PUT', path)).status, 200)
  const page = await annSocket.ask('sync:pull', { stream: ann.id, since: starred.rev ?? 0 })
  t.match(
    page.items,
    [{ type: 'star', rev: (taken.rev ?? 0) + 1, ...one, isStarred: true }],
    'a device that was away gets what it is now'
  )
  await say(annSocket, conversationId, 'fence')
  await benSocket.next(frame => frame.type === 'message:new' && frame.data.text === 'fence')
  t.notOk(
    benSocket.frames.some(({ type }) => type === 'stars:updated'),
    'the other one hears nothing'
  )
  t.same((await server.call(ben, 'GET', '/v1/stars')).body, { stars: [] })
})

t.test('the list has the newest star first, page by page, and only what the person still sees', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const direct = await server.direct(ann, ben)
  const group = await server.group(ben, ann)
  const benSocket = await server.connect(ben)
  const annSocket = await server.connect(ann)
  const said = [
    ...(await say(benSocket, direct, 'kept', 'deleted', 'hidden')),
    ...(await say(benSocket, group, 'grouped'))
  ]
  for (const place of said) await annSocket.ask('message:star', place)
  const list = async (query = '') => (await server.call(ann, 'GET', `/v1/stars${query}`)).body
  const textsOf = (page: { stars: { message: { text: string } }[] }) => page.stars.map(({ message }) => message.text)
  const first = await list('?limit=3')
  t.same(textsOf(first), ['grouped', 'hidden', 'deleted'])
  t.match(first.stars[0], { starredAt: String, message: { id: said[3]?.messageId, conversationId: group } })
  t.same(textsOf(await list(`?limit=3&after=${first.next}`)), ['kept'])
  await benSocket.ask('message:delete', { ...said[1], scope: 'everyone' })
  await annSocket.ask('message:delete', { ...said[2], scope: 'me' })
  t.same(textsOf(await list()), ['grouped', 'kept'], 'without what was deleted or hidden')
  const short = await list('?limit=2')
  t.same(
    [textsOf(short), textsOf(await list(`?limit=2&after=${short.next}`))],
    [['grouped'], ['kept']],
    'nor are the pages full'
  )
  t.equal((await server.call(ann, 'POST', `/v1/conversations/${group}/leave`)).status, 200)
  t.same(textsOf(await list()), ['kept'], 'without a group that was left')
  await server.call(ann, 'DELETE', `/v1/conversations/${direct}/messages`)
  t.same(await list(), { stars: [] }, 'nor what was cleared')
  t.equal(await codeOf(annSocket.ask('message:star', said[1] ?? {})), 'not_found')
})

t.test('a page of stars is bounded in bytes, and goes on where it ends', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const socket = await server.connect(ann)
  for (let number = 0; number < 8; number++) {
    const encryptedContent = `${number}`.repeat(50_000)
    const { id: messageId } = await socket.ask('message:send', {
      conversationId,
      clientId: `n${number}`,
      encryptedContent
    })
    await socket.ask('message:star', { conversationId, messageId })
  }
  const seen: string[] = []
  let pages = 0
  for (let next: string | undefined = ''; next !== undefined; pages++) {
    const { text, body } = await server.call(ann, 'GET', `/v1/stars${next === '' ? '' : `?after=${next}`}`)
    t.ok(text.length < 262_144, `${text.length} bytes`)
    for (const { message } of body.stars) seen.push(message.encryptedContent[0])
    next = body.next
  }
  t.same(seen, ['7', '6', '5', '4', '3', '2', '1', '0'])
  t.ok(pages > 1, `${pages} pages`)
})

t.test('a star that cannot be is refused, and stars of what is gone take no room', async t => {
  const server = await startServer(t, { env: { LIMITS_STARS_PER_USER: '2' } })
  const [ann, ben, cem] = (await server.people(3)) as [Person, Person, Person]
  const conversationId = await server.direct(ann, ben)
  const [annSocket, cemSocket] = await Promise.all([server.connect(ann), server.connect(cem)])
  const [one, two, three, four] = await say(annSocket, conversationId, 'one', 'two', 'three', 'four')
  const star = async (place: object | undefined, socket = annSocket) =>
    await codeOf(socket.ask('message:star', place ?? {}))
  t.equal(await star(one, cemSocket), 'not_found', 'a stranger')
  t.equal(await star({ ...one, conversationId: await server.direct(ann, cem) }), 'not_found', 'of elsewhere')
  t.equal(await star({ ...one, messageId: `msg_${'0'.repeat(24)}` }), 'not_found')
  await annSocket.ask('message:delete', { ...four, scope: 'everyone' })
  t.equal(await star(four), 'gone')
  t.equal(await star(one), 'granted')
  t.equal(await star(two), 'granted')
  t.equal(await star(three), 'quota_reached')
  t.equal(await star(two), 'granted', 'a repeat needs no room')
  await annSocket.ask('message:delete', { ...one, scope: 'everyone' })
  t.equal(await star(three), 'granted')
  t.equal((await server.call(ann, 'GET', '/v1/stars')).body.stars.length, 2)
})

t.test('devices on two servers star at once, and the limit holds', async t => {
  const first = await startServer(t, { env: { ...TOGETHER.env, LIMITS_STARS_PER_USER: '3' } })
  const second = await startServer(t, { env: { ...TOGETHER.env, LIMITS_STARS_PER_USER: '3' }, uri: first.uri })
  const [ann, ben] = (await first.people(2)) as [Person, Person]
  const conversationId = await first.direct(ann, ben)
  const sockets = await Promise.all([first.connect(ann), second.connect(ann)])
  const places = await say(sockets[0], conversationId, ...'abcdefgh')
  const codes = await Promise.all(
    places.map(async (place, index) => {
      const socket = sockets[index % 2]
      return await codeOf(socket?.ask('message:star', place) ?? Promise.reject(new Error('No socket')))
    })
  )
  t.same(codes.sort(), [...Array(3).fill('granted'), ...Array(5).fill('quota_reached')])
  t.equal((await second.call(ann, 'GET', '/v1/stars')).body.stars.length, 3)
})
