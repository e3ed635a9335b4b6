import t from 'tap'
import { joinServer, type Person, startServer } from '../kit/helper.ts'
import { Refusal } from '../kit/socket-client.ts'

t.test('a reaction reaches everybody with its person, and stands once on the message, however it was made', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const [annSocket, benSocket] = await Promise.all([server.connect(ann), server.connect(ben)])
  const { id: messageId } = await annSocket.ask('message:send', { conversationId, clientId: 'one', text: 'One' })
  const place = { conversationId, messageId }
  await benSocket.ask('reaction:add', { ...place, emoji: '👍' })
  const added = await annSocket.next('reaction:added')
  t.match(added.data, { userId: ben.id, emoji: '👍', message: { id: messageId } })
  t.match(added.data.message.reactions, [{ emoji: '👍', count: 1, userIds: [ben.id], reactedAt: [String] }])
  const path = `/v1/conversations/${conversationId}/messages/${messageId}/reactions`
  const again = await server.call(ben, 'POST', path, { emoji: '👍' })
  t.equal(again.status, 200, 'a repeat is granted')
  t.equal((await server.call(ann, 'POST', path, { emoji: '👍' })).status, 200)
  const both = await benSocket.next(frame => frame.type === 'reaction:added' && frame.data.userId === ann.id)
  t.match(both.data.message.reactions, [{ emoji: '👍', count: 2, userIds: [ben.id, ann.id] }])
  t.ok(both.rev > added.rev, 'in the order of the conversation')
  t.equal(both.rev, added.rev + 1, 'the repeat was no change')
})

t.test('a reaction is taken back by its person alone; taking back what is not there changes nothing', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const [annSocket, benSocket] = await Promise.all([server.connect(ann), server.connect(ben)])
  const { id: messageId } = await annSocket.ask('message:send', { conversationId, clientId: 'one', text: 'One' })
  const reaction = { conversationId, messageId, emoji: '👍' }
  await benSocket.ask('reaction:add', reaction)
  await annSocket.ask('reaction:remove', reaction)
  const read = async () =>
    (await server.call(ann, 'GET', `/v1/conversations/${conversationId}/messages/${messageId}`)).body
  t.match((await read()).reactions, [{ emoji: '👍', count: 1, userIds: [ben.id] }], 'somebody else’s stays')
  await benSocket.ask('reaction:remove', reaction)
  t.match((await annSocket.next('reaction:removed')).data, { userId: ben.id, emoji: '👍' })
  t.same((await read()).reactions, [])
})

t.test('a reaction that cannot be is refused and changes nothing', async t => {
  const server = await startServer(t, { env: { LIMITS_REACTIONS_PER_MESSAGE: '1' } })
  const [ann, ben, cem] = (await server.people(3)) as [Person, Person, Person]
  const conversationId = await server.direct(ann, ben)
  const [annSocket, cemSocket] = await Promise.all([server.connect(ann), server.connect(cem)])
  const { id: messageId } = await annSocket.ask('message:send', { conversationId, clientId: 'one', text: 'One' })
  const place = { conversationId, messageId }
  const code = async (socket: typeof annSocket, data: object) =>
    await socket.ask('reaction:add', data).then(
      () => 'granted',
      (error: unknown) => (error instanceof Refusal ? error.error.code : 'unknown')
    )
  t.equal(await code(annSocket, { ...place, emoji: 'ok' }), 'invalid', 'no emoji')
  t.equal(await code(annSocket, { ...place, emoji: '👍👍' }), 'invalid', 'two of them')
  t.equal(await code(cemSocket, { ...place, emoji: '👍' }), 'not_found', 'a stranger')
  t.equal(await code(annSocket, { ...place, emoji: '👍' }), 'granted')
  t.equal(await code(annSocket, { ...place, emoji: '🎉' }), 'quota_reached', 'a kind too many')
  await annSocket.ask('message:delete', { ...place, scope: 'everyone' })
  t.equal(await code(annSocket, { ...place, emoji: '👍' }), 'gone', 'a message that was deleted')
})
