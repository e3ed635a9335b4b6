import t from 'tap'
import { type Person, startServer } from '../helper.ts'
import { PacketClient } from '../packet-client.ts'

for (const version of [4, 2] as const) {
  for (const transports of [undefined, ['websocket'], ['polling']]) {
    const how = `socket.io-client ${version}, ${transports?.[0] ?? 'both transports'}`
    t.test(`4.6 a message sent in the namespace /app reaches both with ${how}`, async t => {
      const server = await startServer(t)
      const [ann, ben] = (await server.people(2)) as [Person, Person]
      const options = { version, namespace: '/app', ...(transports && { transports }) }
      const open = async (token: string) =>
        await PacketClient.open(t, server.url, { ...options, auth: { token }, query: { auth: token } })
      const [a, b] = await Promise.all([open(ann.token), open(ben.token)])
      const acknowledged = await a.ask('sendMessage', { to: ben.hex, text: 'Hello' })
      t.match(acknowledged, { message: { sender: ann.hex, text: 'Hello', seen: false } })
      const { chatId, message } = await b.hear('message:new')
      t.equal(message._id, acknowledged.message._id)
      t.equal((await a.hear('message:sent')).chatId, chatId)
      t.match(await b.hear('chat:update'), { chatId, lastMessage: 'Hello' })
      await b.ask('seen', { to: ann.hex, messageId: message._id })
      t.match(await a.hear('seen'), { from: ben.hex, messageId: message._id })
      b.socket.emit('typing', { to: ann.hex })
      t.match(await a.hear('typing'), { from: ben.hex })
      t.match(await a.ask('sendMessage', { to: ben.hex, text: '' }), { error: { code: 'invalid' } })
    })
  }
}
