import t from 'tap'
import { openDatabase } from '../kit/databases.ts'
import { type Person, startServer, TOGETHER } from '../kit/helper.ts'

t.test('a block and the opening of a conversation at once end blocked', async t => {
  const server = await startServer(t)
  const client = await openDatabase(t, server.uri)
  const people = await server.people(40)
  for (let index = 0; index < people.length; index += 2) {
    const [ann, ben] = people.slice(index, index + 2) as [Person, Person]
    const [opened] = await Promise.all([
      server.call(ann, 'POST', '/v1/conversations', { type: 'direct', userId: ben.id }),
      server.call(ben, 'POST', '/v1/blocks', { userId: ann.id })
    ])
    t.ok([201, 403].includes(opened.status), String(opened.status))
    const pairKey = [ann.hex, ben.hex].sort().join(':')
    const doc = await client.db().collection('conversations').findOne({ pairKey })
    if (doc === null) continue
    t.strictSame(doc['blockedBy'].map(String), [ben.hex], 'the conversation says so')
    const path = `/v1/conversations/conv_${doc._id.toHexString()}/messages`
    t.match(await server.call(ann, 'POST', path, { clientId: 'x', text: 'Hi' }), {
      status: 403,
      body: { error: { code: 'blocked' } }
    })
  }
})

t.test('blocking and unblocking at once leaves the conversation as the blocks are', async t => {
  const server = await startServer(t)
  const client = await openDatabase(t, server.uri)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  await server.direct(ann, ben)
  await Promise.all(
    Array.from({ length: 24 }, async (_, index) => {
      const [me, you] = index % 3 === 0 ? [ben, ann] : [ann, ben]
      if (index % 2 === 0) await server.call(me, 'POST', '/v1/blocks', { userId: you.id })
      else await server.call(me, 'DELETE', `/v1/blocks/${you.id}`)
    })
  )
  const blockers = (await client.db().collection('blocks').find().toArray()).map(row => String(row['blockerId']))
  const doc = await client.db().collection('conversations').findOne({})
  t.strictSame((doc?.['blockedBy'] ?? []).map(String).sort(), blockers.sort())
})

t.test('on another node a block counts at once for messages, presence and profiles', async t => {
  const one = await startServer(t, TOGETHER)
  const two = await startServer(t, { uri: one.uri, ...TOGETHER })
  const [ann, ben] = (await one.people(2)) as [Person, Person]
  const conversationId = await one.direct(ann, ben)
  const path = `/v1/conversations/${conversationId}/messages`
  await two.connect(ann)
  t.equal((await two.call(ben, 'POST', path, { clientId: 'before', text: 'Hi' })).status, 201)
  t.match((await two.call(ben, 'GET', `/v1/presence?ids=${ann.id}`)).text, /online/)
  await one.call(ann, 'POST', '/v1/blocks', { userId: ben.id })
  const refused = await two.call(ben, 'POST', path, { clientId: 'after', text: 'Hi' })
  t.match(refused, { status: 403, body: { error: { code: 'blocked' } } })
  t.match((await two.call(ben, 'GET', `/v1/presence?ids=${ann.id}`)).text, /offline/)
  t.notOk('createdAt' in (await two.call(ben, 'GET', `/v1/users/${ann.id}`)).body)
  const again = await two.call(ben, 'POST', path, { clientId: 'before', text: 'Hi' })
  t.match(again, { status: 200, body: { duplicate: true } }, 'a repeat of what was sent before is answered still')
})
