import { ObjectId } from 'mongodb'
import t from 'tap'
import { openDatabase } from '../kit/databases.ts'
import { joinServer, type Person } from '../kit/helper.ts'

t.test('G1 durable: what is acknowledged is there for a majority read of somebody else', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const client = await openDatabase(t, server.uri)
  const messages = client.db().collection('messages')
  const heads = client.db().collection<{ seq: number; rev: number }>('conversations')
  const socket = await server.connect(ann)
  const send = async (index: number): Promise<void> => {
    const text = `Text ${index}`
    const sent = await socket.ask('message:send', { conversationId, clientId: `m${index}`, text })
    const [stored, head] = await Promise.all([
      messages.findOne({ _id: new ObjectId(sent.id.slice(-24)) }),
      heads.findOne({ _id: new ObjectId(conversationId.slice(-24)) })
    ])
    t.match(stored, { seq: sent.seq, rev: sent.rev, text }, 'the message, at the moment of its reply')
    t.ok(head !== null && head.seq >= sent.seq && head.rev >= sent.rev, 'and the head with it')
  }
  await Promise.all(Array.from({ length: 30 }, async (_, index) => await send(index)))
  const sent = await server.call(ann, 'POST', `/v1/conversations/${conversationId}/messages`, {
    clientId: 'r',
    text: 'REST'
  })
  t.equal(sent.status, 201)
  t.match(await messages.findOne({ _id: new ObjectId(sent.body.id.slice(-24)) }), { text: 'REST' })
})
