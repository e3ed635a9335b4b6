import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { joinServer, type Person, startServer, type TestServer } from '../kit/helper.ts'
import { StreamClient } from '../kit/stream-client.ts'

const LARGE = 'x'.repeat(61_000)

async function send(server: TestServer, who: Person, conversationId: string, content: object[]): Promise<void> {
  for (let from = 0; from < content.length; from += 20) {
    await Promise.all(
      content.slice(from, from + 20).map(async (fields, index) => {
        const body = { clientId: `m-${from + index}-${Math.random()}`, ...fields }
        const { status, text } = await server.call(who, 'POST', `/v1/conversations/${conversationId}/messages`, body)
        if (status !== 201) throw new Error(text)
      })
    )
  }
}

/** A client of unified on a raw socket, caught up. @returns the `seq` of the messages that it was sent */
async function visit(server: TestServer, who: Person): Promise<number[]> {
  const socket = await server.socket('/ws?dialect=unified', { authorization: `Bearer ${who.token}` })
  await socket.refused('typing', {})
  const seqs = socket.frames
    .filter(({ type }) => type === 'receive-message')
    .map(({ data }) => data.seq ?? data.content)
  await socket.ask('ping')
  socket.terminate()
  return seqs
}

t.test('S10 S48 what is much is sent piece by piece to who reads, and cuts nobody off', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  await visit(server, ben)
  await send(
    server,
    ann,
    conversationId,
    Array.from({ length: 20 }, () => ({ encryptedContent: LARGE }))
  )
  t.equal((await visit(server, ben)).length, 20, 'S10 twenty large messages while somebody was away')

  const ear = await server.connect(ben)
  const { body: message } = await server.call(ann, 'POST', `/v1/conversations/${conversationId}/messages`, {
    ...{ clientId: 'reacted', encryptedContent: LARGE }
  })
  await ear.next(it => it.type === 'message:new' && it.data.id === message.id)
  const emojis = [...'👍👎😀😁😂🤣😃😄😅😆😉😊😋😎😍😘🥰😗😙😚']
  const path = `/v1/conversations/${conversationId}/messages/${message.id}/reactions`
  const granted = await Promise.all(emojis.map(async emoji => await server.call(ann, 'POST', path, { emoji })))
  t.same(new Set(granted.map(({ status }) => status)), new Set([granted[0]?.status]))
  t.ok((granted[0]?.status ?? 500) < 300)
  for (let heard = 0; heard < emojis.length; heard++)
    await ear.next(it => it.type.startsWith('reaction') || it.type === 'message:edited')
  t.match(await ear.ask('ping'), { serverTime: String }, 'S48 it is still there after twenty reactions at once')
})

/** Reads a stream in small pieces with pauses between them. @returns the bytes read when it says `ready`, 0 when it ends before */
async function readSlowly(server: TestServer, who: Person, pauseMs: number): Promise<number> {
  const { port } = new URL(server.url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.write(`GET /api/sse HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${who.token}\r\n\r\n`)
  let [bytes, last] = [0, '']
  for await (const part of socket) {
    bytes += part.length
    last = (last + part.toString('latin1')).slice(-2_000)
    if (last.includes('event: ready')) return bytes
    await sleep(pauseMs)
  }
  return 0
}

t.test('S10 who reads slowly and steadily is sent everything, however long it takes', async t => {
  const server = await startServer(t, { env: { TIMINGS_SLOW_READER_MS: '2500', TIMINGS_SWEEP_MS: '50' } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const before = await StreamClient.open(t, `${server.url}/api/sse`, { authorization: `Bearer ${ben.token}` })
  await before.hear('ready')
  before.cut()
  await send(
    server,
    ann,
    conversationId,
    Array.from({ length: 100 }, () => ({ text: 'z'.repeat(16_000) }))
  )
  t.ok((await readSlowly(server, ben, 150)) > 1_500_000)
})

t.test('S49 a stream says that it is live, however much it was sent before', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const since = Date.now() - 20_000
  await send(
    server,
    ann,
    conversationId,
    Array.from({ length: 200 }, () => ({ text: 'x'.repeat(2_000) }))
  )
  for (const path of ['/v1/events', '/api/sse']) {
    const headers = { authorization: `Bearer ${ben.token}`, 'last-event-id': `${since}-0` }
    const stream = await StreamClient.open(t, server.url + path, headers)
    await stream.hear('ready')
    await send(server, ann, conversationId, [{ text: `LIVE ${path}` }])
    await stream.hear('message:new', data => JSON.stringify(data).includes(`LIVE ${path}`))
    t.pass(path)
  }
})
