import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { joinServer, ownDatabase, type Person, startServer, type TestServer, TOGETHER } from '../kit/helper.ts'

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString()
const HOUR = 3_600_000

/** Schedules a message over REST. */
async function schedule(server: TestServer, who: Person, conversationId: string, body: object) {
  return await server.call(who, 'POST', `/v1/conversations/${conversationId}/scheduled-messages`, body)
}

async function history(server: TestServer, who: Person, conversationId: string) {
  return (await server.call(who, 'GET', `/v1/conversations/${conversationId}/messages`)).body.messages
}

t.test(
  'a scheduled message is sent at its time, with all of its content, and told to its sender’s devices',
  async t => {
    const server = await joinServer(t)
    const [ann, ben] = (await server.people(2)) as [Person, Person]
    const id = await server.direct(ann, ben)
    const [phone, laptop, other] = await Promise.all([server.connect(ann), server.connect(ann), server.connect(ben)])
    const { id: replyTo } = await other.ask('message:send', { conversationId: id, clientId: 'one', text: 'One' })
    const sendAt = inMs(2_500)
    const content = { text: 'Later', replyTo, mentions: [ben.hex], metadata: { a: 1 } }
    const made = await phone.ask('scheduled:create', { conversationId: id, clientId: 'c', sendAt, ...content })
    t.match(made, { id: /^sch_/, status: 'waiting', sendAt, text: 'Later', replyTo, mentions: [ben.id] })
    t.same((await laptop.next('scheduled:updated')).data, made)
    t.same((await server.call(ann, 'GET', '/v1/scheduled-messages')).body, { scheduled: [made] })
    t.equal((await history(server, ben, id)).length, 1, 'nobody sees it before')
    const { data } = await other.next(it => it.type === 'message:new' && it.data.text === 'Later')
    t.match(data, { senderId: ann.id, replyTo: { messageId: replyTo }, mentions: [ben.id], metadata: { a: 1 } })
    // The server knows the time of the database to within what a question takes.
    t.ok(Date.parse(data.createdAt) > Date.parse(sendAt) - 1_000, 'not before its time')
    const sent = (await laptop.next('scheduled:updated')).data
    t.match(sent, { id: made.id, status: 'sent', messageId: data.id })
    t.notOk('text' in sent, 'its content is with the message now')
    t.same((await server.call(ann, 'GET', '/v1/scheduled-messages')).body, { scheduled: [] })
    t.same(await phone.ask('scheduled:create', { conversationId: id, clientId: 'c', sendAt, ...content }), sent)
    t.equal((await history(server, ben, id)).length, 2, 'a repeat sends nothing')
  }
)

t.test('a scheduled message is changed and cancelled; who comes back learns it, and strangers see nothing', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.direct(ann, ben)
  const socket = await server.connect(ann)
  const body = { clientId: 'c', sendAt: inMs(HOUR), text: 'Later' }
  const { status, body: made } = await schedule(server, ann, id, body)
  t.equal(status, 201)
  t.match(await schedule(server, ann, id, body), { status: 200, body: made }, 'a repeat answers it')
  t.match(await schedule(server, ann, id, { ...body, text: 'Else' }), { status: 409 })
  const path = `/v1/scheduled-messages/${made.id}`
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const answer = await server.call(
      ben,
      method,
      path,
      method === 'PUT' ? { sendAt: inMs(HOUR), text: 'x' } : undefined
    )
    t.equal(answer.status, 404, `${method} by somebody else`)
  }
  const changed = await server.call(ann, 'PUT', path, { sendAt: inMs(2 * HOUR), text: 'Much later' })
  t.match(changed, { status: 200, body: { id: made.id, status: 'waiting', text: 'Much later' } })
  t.same((await server.call(ann, 'GET', path)).body, changed.body)
  t.match(await socket.ask('scheduled:cancel', { scheduledId: made.id }), { status: 'cancelled' })
  t.equal((await server.call(ann, 'DELETE', path)).body.status, 'cancelled', 'a repeat changes nothing')
  t.equal((await server.call(ann, 'PUT', path, { sendAt: inMs(HOUR), text: 'x' })).body.error.code, 'conflict')
  const { items } = await socket.ask('sync:pull', { stream: ann.id, since: 0 })
  const scheduled = items.filter(({ type }: { type: string }) => type === 'scheduled')
  t.match(scheduled, [{ scheduled: { id: made.id, status: 'cancelled' } }])
})

t.test('what was changed or cancelled is not sent at its former time', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.direct(ann, ben)
  const soon = inMs(2_500)
  const [moved, gone] = await Promise.all(
    ['moved', 'gone'].map(async text => (await schedule(server, ann, id, { clientId: text, sendAt: soon, text })).body)
  )
  await server.call(ann, 'PUT', `/v1/scheduled-messages/${moved.id}`, { sendAt: inMs(3_000), text: 'moved on' })
  await server.call(ann, 'DELETE', `/v1/scheduled-messages/${gone.id}`)
  const socket = await server.connect(ben)
  t.equal((await socket.next('message:new')).data.text, 'moved on')
  await schedule(server, ann, id, { clientId: 'last', sendAt: inMs(1_000), text: 'last' })
  t.equal((await socket.next('message:new')).data.text, 'last')
  t.equal((await history(server, ben, id)).length, 2)
})

t.test(
  'rights are those of the moment of sending; a refusal is kept and told, and may be given another time',
  async t => {
    const server = await joinServer(t)
    const [ann, ben] = (await server.people(2)) as [Person, Person]
    const [id, group] = await Promise.all([server.direct(ann, ben), server.group(ben, ann)])
    const socket = await server.connect(ann)
    const sendAt = inMs(3_000)
    const plan = async (conversationId: string, clientId: string) =>
      (await schedule(server, ann, conversationId, { clientId, sendAt, text: 'Later' })).body.id
    const [blocked, left] = [await plan(id, 'a'), await plan(group, 'b')]
    await server.call(ben, 'POST', '/v1/blocks', { userId: ann.id })
    await server.call(ann, 'POST', `/v1/conversations/${group}/leave`)
    const refused = async (scheduledId: string) =>
      (
        await socket.next(
          it => it.type === 'scheduled:updated' && it.data.id === scheduledId && it.data.status !== 'waiting'
        )
      ).data
    t.match(await refused(blocked), { status: 'refused', refusal: { code: 'blocked' }, text: 'Later' })
    t.match(await refused(left), { status: 'refused', refusal: { code: 'not_found' } })
    const { body } = await server.call(ann, 'GET', '/v1/scheduled-messages')
    t.equal(body.scheduled.length, 2, 'until somebody looks')
    t.equal(
      (await schedule(server, ann, id, { clientId: 'c', sendAt: inMs(HOUR), text: 'x' })).body.error.code,
      'blocked'
    )
    const path = `/v1/scheduled-messages/${blocked}`
    t.equal((await server.call(ann, 'PUT', path, { sendAt: inMs(HOUR), text: 'x' })).body.error.code, 'blocked')
    await server.call(ben, 'DELETE', `/v1/blocks/${ann.id}`)
    t.match(await server.call(ann, 'PUT', path, { sendAt: inMs(1_500), text: 'Again' }), {
      body: { status: 'waiting' }
    })
    t.match(await refused(blocked), { status: 'sent' })
    t.match(await history(server, ben, id), [{ text: 'Again' }])
    t.match(await server.call(ann, 'DELETE', `/v1/scheduled-messages/${left}`), { body: { status: 'cancelled' } })
  }
)

t.test('what cannot be scheduled is refused, and one too many is', async t => {
  const server = await startServer(t, { env: { LIMITS_SCHEDULED_MESSAGES: '3' } })
  const [ann, ben, cem] = (await server.people(3)) as [Person, Person, Person]
  const [id, foreign] = await Promise.all([server.direct(ann, ben), server.direct(ben, cem)])
  const code = async (body: object, who = ann, conversationId = id) =>
    (await schedule(server, who, conversationId, { clientId: 'x', text: 'x', ...body })).body?.error?.code
  const { body } = await server.call(cem, 'POST', `/v1/conversations/${foreign}/messages`, { clientId: 'c', text: 'c' })
  t.equal(await code({ sendAt: inMs(-1_000) }), 'invalid', 'a time that is over')
  t.equal(await code({ sendAt: inMs(366 * 24 * HOUR) }), 'invalid', 'more than a year away')
  t.equal(await code({ sendAt: '2026-13-45T00:00:00Z' }), 'invalid', 'no time at all')
  t.equal(await code({ sendAt: inMs(HOUR), type: 'system' }), 'forbidden')
  t.equal(await code({ sendAt: inMs(HOUR), text: 'é'.repeat(10_000) }), 'too_large')
  t.equal(await code({ sendAt: inMs(HOUR), replyTo: body.id }), 'not_found', 'an answer to a foreign message')
  t.equal(await code({ sendAt: inMs(HOUR) }, cem), 'not_found', 'a stranger')
  const many = await Promise.all(
    ['a', 'b', 'c', 'd', 'e'].map(async key => await code({ sendAt: inMs(HOUR), clientId: key }))
  )
  t.same(
    many.sort(),
    ['quota_reached', 'quota_reached', undefined, undefined, undefined],
    'also where all come at once'
  )
  const { scheduled } = (await server.call(ann, 'GET', '/v1/scheduled-messages')).body
  await server.call(ann, 'DELETE', `/v1/scheduled-messages/${scheduled[0].id}`)
  t.equal(await code({ sendAt: inMs(HOUR), clientId: 'f' }), undefined, 'one that is cancelled makes room')
})

t.test('two servers: each message is sent once, by whichever', async t => {
  const uri = ownDatabase(t)
  const [one, two] = await Promise.all([startServer(t, { uri, ...TOGETHER }), startServer(t, { uri, ...TOGETHER })])
  const [ann, ben] = (await one.people(2)) as [Person, Person]
  const id = await one.direct(ann, ben)
  const sendAt = inMs(3_000)
  const keys = Array.from({ length: 40 }, (_, index) => `k${index}`)
  const made = await Promise.all(
    keys.map(async (key, index) => await schedule(index % 2 ? one : two, ann, id, { clientId: key, sendAt, text: key }))
  )
  t.ok(made.every(({ status }) => status === 201))
  const isDone = async () => (await one.call(ann, 'GET', '/v1/scheduled-messages')).body.scheduled.length === 0
  while (!(await isDone())) await pause(100)
  const texts = (await history(two, ben, id)).map(({ text }: { text: string }) => text)
  t.same(texts.sort(), [...keys].sort())
})
