import t from 'tap'
import { openDatabase } from '../kit/databases.ts'
import { joinServer } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'

t.test('S47 bytes that socket.io brings are no metadata', async t => {
  const server = await joinServer(t)
  const [ann, ben] = await Promise.all([server.person(), server.person()])
  const conversationId = (await server.direct(ann, ben)).slice(-24)
  const client = await PacketClient.open(t, server.url, { auth: { token: ann.token } })
  const send = async (metadata: object) =>
    await client.ask('send-message', { conversationId, content: 'bytes', clientId: `c-${Math.random()}`, metadata })
  for (const metadata of [
    { it: Buffer.from('abc') },
    { list: [new Uint8Array(3)] },
    { deep: { er: new ArrayBuffer(2) } }
  ]) {
    t.match(await send(metadata), { error: { code: 'invalid' } })
  }
  t.notOk('error' in (await send({ it: 'abc', list: [1, { a: null }] })))
  const messages = (await openDatabase(t, server.uri)).db().collection('messages')
  t.equal(await messages.countDocuments(), 1)
})
