import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { io } from 'socket.io-client'
import t, { type Test } from 'tap'
import { joinServer, type Person, type TestServer } from '../kit/helper.ts'
import { PacketClient } from '../kit/packet-client.ts'

type People = [Person, Person]

/** A way to a server on which answers can be held back. */
class Holder {
  readonly #held: (() => void)[] = []
  #isHeld = false
  #url = ''

  static async open(t: Test, server: TestServer): Promise<Holder> {
    const holder = new Holder()
    const sockets = new Set<Socket>()
    const proxy = createServer(client => {
      const upstream = connect(Number(new URL(server.url).port), '127.0.0.1')
      for (const socket of [client, upstream]) sockets.add(socket.on('error', () => undefined))
      client.pipe(upstream)
      upstream.on('data', data => holder.#pass(() => client.write(data)))
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    t.teardown(() => {
      for (const socket of sockets) socket.destroy()
      proxy.close()
    })
    holder.#url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    return holder
  }

  get url(): string {
    return this.#url
  }

  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
    for (const pass of this.#held.splice(0)) pass()
  }

  #pass(write: () => void): void {
    if (this.#isHeld) this.#held.push(write)
    else write()
  }
}

t.test('U41: what a client repeats by itself while no answer comes is one message', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as People
  const conversationId = await server.direct(ann, ben)
  const said = async () => (await server.call(ben, 'GET', `/v1/conversations/${conversationId}`)).body.head.seq
  const holder = await Holder.open(t, server)
  const options = { auth: { token: ann.token }, transports: ['websocket'], forceNew: true }
  const socket = io(`${holder.url}/unified`, { ...options, retries: 3, ackTimeout: 100 })
  t.teardown(() => void socket.close())
  await once(socket as never, 'connect')
  holder.hold()
  let tries = 0
  socket.onAnyOutgoing(() => {
    tries += 1
  })
  const error = await new Promise(resolve => socket.emit('send-message', { conversationId, content: 'ok' }, resolve))
  t.ok(error instanceof Error, 'no answer has come')
  t.equal(tries, 4)
  const socketOfBen = await server.connect(ben)
  await socketOfBen.ask('ping')
  holder.release()
  const emit = async () =>
    await new Promise(resolve => socket.emit('send-message', { conversationId, content: 'ok' }, resolve))
  await new Promise(resolve => socket.emit('typing', { conversationId }, resolve))
  t.equal(await said(), 1)
  await emit()
  await emit()
  t.equal(await said(), 3, 'the same words after the answer are another message')
})

t.test('U41: the same words are as many messages where each is said after the answer to the last', async t => {
  const server = await joinServer(t)
  for (const transport of ['websocket', 'polling']) {
    const [ann, ben] = (await server.people(2)) as People
    const conversationId = await server.direct(ann, ben)
    const said = async () => (await server.call(ben, 'GET', `/v1/conversations/${conversationId}`)).body.head.seq
    const options = { namespace: '/mobile', auth: { token: ann.token }, transports: [transport] }
    const client = await PacketClient.open(t, server.url, options)
    const send = async (more = {}) => await client.ask('message:send', { conversationId, content: 'ok', ...more })
    for (let n = 0; n < 10; n++) await send()
    t.equal(await said(), 10, transport)
    if (transport === 'polling') continue
    const atOnce = await Promise.all([send(), send(), send()])
    t.equal(new Set(atOnce.map(({ data }) => data.id)).size, 1, 'at once they are one')
    await Promise.all([send({ clientId: 'a' }), send({ clientId: 'b' })])
    t.equal(await said(), 13, 'unless they have names')
  }
})
