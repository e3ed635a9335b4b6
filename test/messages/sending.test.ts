import t from 'tap'
import { joinServer } from '../kit/helper.ts'

t.test('a message reaches every device of every member, the other devices of its sender too', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [never, never]
  const conversationId = await server.direct(ann, ben)
  const [phone, laptop, bens] = await Promise.all([server.connect(ann), server.connect(ann), server.connect(ben)])
  const sent = await phone.ask('message:send', { conversationId, clientId: 'm1', text: 'Hello' })
  t.match(sent, { seq: 1, rev: 2, duplicate: false })
  for (const socket of [phone, laptop, bens]) {
    const event = await socket.next('message:new')
    t.match(event, { stream: conversationId, rev: 2, data: { id: sent.id, seq: 1, text: 'Hello', clientId: 'm1' } })
  }
})
