import t from 'tap'
import { joinServer, ownDatabase, type Person, startServer, TOGETHER } from '../kit/helper.ts'

const moment = (ms: number) => new Date(Date.now() + ms).toISOString()

t.test('a draft is on all devices of its person, live and when they come back, and nobody else’s', async t => {
  const server = await joinServer(t)
  const [ann, ben, cem] = (await server.people(3)) as [Person, Person, Person]
  const id = await server.direct(ann, ben)
  const path = `/v1/conversations/${id}/draft`
  const [phone, laptop, other] = await Promise.all([server.connect(ann), server.connect(ann), server.connect(ben)])
  const { id: replyTo } = await other.ask('message:send', { conversationId: id, clientId: 'one', text: 'One' })
  const { rev: since } = await laptop.ask('sync:pull', { stream: ann.id, since: 0 })
  t.same((await server.call(ann, 'GET', path)).body, { conversationId: id }, 'nothing was begun')
  const saved = await phone.ask('draft:save', { conversationId: id, text: ' Are you ', replyTo })
  t.match(saved, { conversationId: id, draft: { conversationId: id, text: ' Are you ', replyTo, changedAt: String } })
  for (const device of [phone, laptop]) t.match(await device.next('draft:updated'), { stream: ann.id, data: saved })
  t.same((await server.call(ann, 'GET', path)).body, saved)
  t.same((await server.call(ann, 'GET', '/v1/drafts')).body, { drafts: [saved.draft] })
  t.match((await laptop.ask('sync:pull', { stream: ann.id, since })).items, [{ type: 'draft', ...saved }])
  t.same((await server.call(ben, 'GET', path)).body, { conversationId: id }, 'the other one has none')
  t.same((await server.call(ben, 'GET', '/v1/drafts')).body, { drafts: [] })
  t.equal((await server.call(cem, 'GET', path)).status, 404)
  t.same((await server.call(ann, 'DELETE', path)).body, { conversationId: id })
  t.same((await laptop.next('draft:updated')).data, { conversationId: id })
  t.same((await server.call(ann, 'GET', '/v1/drafts')).body, { drafts: [] })
  t.same((await laptop.ask('sync:pull', { stream: ann.id, since })).items, [
    { type: 'draft', rev: since + 2, conversationId: id }
  ])
  await phone.ask('draft:delete', { conversationId: id })
  const { rev } = await laptop.ask('sync:pull', { stream: ann.id, since: 0 })
  t.equal((await phone.ask('sync:pull', { stream: ann.id, since: 0 })).rev, rev, 'a repeat tells nobody')
  t.equal(rev, since + 2)
})

t.test(
  'of two drafts the later one stays, also against one that was taken away; a fast clock is not ahead',
  async t => {
    const server = await joinServer(t)
    const [ann, ben] = (await server.people(2)) as [Person, Person]
    const id = await server.direct(ann, ben)
    const path = `/v1/conversations/${id}/draft`
    const save = async (text: string, changedAt?: string) =>
      (await server.call(ann, 'PUT', path, { text, ...(changedAt === undefined ? {} : { changedAt }) })).body.draft
    t.match(await save('later', moment(-1_000)), { text: 'later' })
    t.match(await save('earlier', moment(-9_000)), { text: 'later' }, 'an older one answers what is there')
    t.match(await save('fast', moment(3_600_000)), { text: 'fast' })
    t.match(await save('after it'), { text: 'after it' }, 'what comes after it takes its place')
    await server.call(ann, 'DELETE', `${path}?changedAt=${moment(-3_600_000)}`)
    t.match(
      (await server.call(ann, 'GET', path)).body.draft,
      { text: 'after it' },
      'an older deletion takes nothing away'
    )
    await server.call(ann, 'DELETE', path)
    t.equal(await save('before it was sent', moment(-2_000)), undefined, 'what comes late does not bring it back')
    t.match(await save('new'), { text: 'new' })
  }
)

t.test('typing costs little: what comes while one is written goes together, and the last one stays', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const id = await server.direct(ann, ben)
  const socket = await server.connect(ann)
  const { rev: since } = await socket.ask('sync:pull', { stream: ann.id, since: 0 })
  const texts = Array.from({ length: 30 }, (_, index) => `text ${index}`)
  const saved = await Promise.all(texts.map(async text => await socket.ask('draft:save', { conversationId: id, text })))
  t.equal((await server.call(ann, 'GET', `/v1/conversations/${id}/draft`)).body.draft.text, 'text 29')
  t.ok(saved.filter(it => it.draft?.text === 'text 29').length > 10, 'and answers those that it has overtaken')
  const { rev } = await socket.ask('sync:pull', { stream: ann.id, since: 0 })
  t.ok(rev - since < 15, `${rev - since} changes for 30 drafts`)
})

t.test('who leaves leaves no draft behind, also on another server and when they come back', async t => {
  const uri = ownDatabase(t)
  const [one, two] = await Promise.all([startServer(t, { uri, ...TOGETHER }), startServer(t, { uri, ...TOGETHER })])
  const [ann, ben] = (await one.people(2)) as [Person, Person]
  const id = await one.group(ann, ben)
  const path = `/v1/conversations/${id}/draft`
  for (let round = 0; round < 5; round++) {
    const text = `Draft ${round}`
    t.equal((await one.call(ben, 'PUT', path, { text })).status, 200)
    const [left, ...late] = await Promise.all([
      one.call(ann, 'DELETE', `/v1/conversations/${id}/members/${ben.id}`),
      ...[1, 2, 3].map(async n => await two.call(ben, 'PUT', path, { text: `${text} ${n}` }))
    ])
    t.equal(left.status, 200)
    for (const { status } of late) t.ok([200, 404].includes(status), 'before it, or not any more')
    t.same((await two.call(ben, 'GET', '/v1/drafts')).body, { drafts: [] })
    t.equal((await two.call(ben, 'GET', path)).status, 404)
    await one.call(ann, 'POST', `/v1/conversations/${id}/members`, { userIds: [ben.id] })
    t.same((await two.call(ben, 'GET', path)).body, { conversationId: id }, 'begins anew')
  }
  await one.call(ben, 'PUT', path, { text: 'The last' })
  t.equal((await one.call(ann, 'DELETE', `/v1/conversations/${id}?scope=everyone`)).status, 204)
  t.same((await one.call(ben, 'GET', '/v1/drafts')).body, { drafts: [] }, 'nor where the group has ended')
})

t.test('a draft that cannot be is refused and changes nothing', async t => {
  const server = await joinServer(t)
  const [ann, ben, cem] = (await server.people(3)) as [Person, Person, Person]
  const [id, other] = await Promise.all([server.direct(ann, ben), server.direct(ben, cem)])
  const path = `/v1/conversations/${id}/draft`
  await server.call(ann, 'PUT', path, { text: 'There' })
  const send = async (who: Person, conversation: string) =>
    (await server.call(who, 'POST', `/v1/conversations/${conversation}/messages`, { clientId: 'c', text: 'Hi' })).body
      .id
  const [foreign, hidden] = [await send(cem, other), await send(ben, id)]
  await server.call(ann, 'DELETE', `/v1/conversations/${id}/messages/${hidden}?scope=me`)
  const code = async (body: object) => (await server.call(ann, 'PUT', path, body)).body?.error?.code
  t.equal(await code({}), 'invalid', 'nothing')
  t.equal(await code({ text: 'a', encryptedContent: 'b' }), 'invalid', 'two texts')
  t.equal(await code({ text: 'é'.repeat(10_000) }), 'too_large')
  t.equal(await code({ text: 'a', changedAt: '2026-99-99T00:00:00Z' }), 'invalid', 'no moment')
  t.equal(await code({ text: 'a', replyTo: foreign }), 'not_found', 'a foreign message')
  t.equal(await code({ text: 'a', replyTo: hidden }), 'not_found', 'a message that the person has hidden')
  t.equal((await server.call(ann, 'GET', path)).body.draft.text, 'There')
  t.equal((await server.call(cem, 'PUT', path, { text: 'a' })).status, 404, 'a stranger')
})

t.test('drafts are listed page by page, the newest first, as many as fit', async t => {
  const server = await joinServer(t)
  const [ann, ...others] = (await server.people(6)) as [Person, ...Person[]]
  const ids: string[] = []
  for (const other of others) {
    const id = await server.direct(ann, other)
    ids.unshift(id)
    await server.call(ann, 'PUT', `/v1/conversations/${id}/draft`, { text: 'x' })
  }
  const found: string[] = []
  let query = '?limit=2'
  for (let page = 0; page < 3; page++) {
    const { body } = await server.call(ann, 'GET', `/v1/drafts${query}`)
    found.push(...body.drafts.map((it: { conversationId: string }) => it.conversationId))
    t.equal(body.next === undefined, page === 2)
    query = `?limit=2&after=${body.next}`
  }
  t.same(found, ids)
})
