import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import { type Person, startServer, type TestServer } from '../kit/helper.ts'
import { StreamClient } from '../kit/stream-client.ts'

const ORIGIN = 'https://app.example'

/** A request whose head has not ended: its connection stays when the server begins to close. */
async function begin({ url }: TestServer, { token }: Person, path: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  await once(socket, 'connect')
  // When the one before it in the same packet is answered, it has been read.
  const before = 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n'
  const head = `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nOrigin: ${ORIGIN}\r\n`
  socket.write(before + head)
  await once(socket, 'data')
  return socket
}

async function finish(socket: Socket): Promise<string> {
  let answer = ''
  socket.setEncoding('utf8').on('data', text => {
    answer += text
  })
  socket.write('\r\n')
  await once(socket, 'close')
  return answer
}

t.test('U02: a request that comes when the last connection has gone is refused in the words of its face', async t => {
  const server = await startServer(t, { env: { CORS_ORIGINS: ORIGIN } })
  const [ann] = (await server.people(1)) as [Person]
  const socket = await server.connect(ann)
  const paths = ['/v1/users/me', '/unified/auth/me', '/chatapp/api/users/me', '/health/live', '/health/ready']
  const streams = ['/v1/events', '/api/sse', '/v1/auth/qr/none/events']
  const requests = await Promise.all([...paths, ...streams].map(async path => await begin(server, ann, path)))
  const closed = server.app.close()
  await socket.closed
  const [canonical = '', unified = '', chatapp = '', live = '', ready = '', ...comeBack] = await Promise.all(
    requests.map(finish)
  )
  const head = /^HTTP\/1\.1 503 (?=.*retry-after: 1\r\n)(?=.*access-control-allow-origin: https:\/\/app\.example\r\n)/is
  for (const answer of [canonical, unified, chatapp]) t.match(answer, head)
  t.match(canonical, /\{"error":\{"code":"draining",.*"retry":"later","retryAfterMs":1000,"requestId":/)
  t.match(unified, /\{"success":false,"data":null,"error":\{"code":"draining"/)
  t.match(chatapp, /"draining"/)
  t.match(live, /^HTTP\/1\.1 200 .*\{"status":"ok"\}/s)
  t.match(ready, /^HTTP\/1\.1 503 .*\{"status":"draining"\}/s)
  // Browsers give up a stream that is answered by another status.
  for (const stream of comeBack)
    t.match(stream, /^HTTP\/1\.1 200 .*content-type: text\/event-stream.*\r\n\r\n(\S+\r\n)?retry: 5000\n\n/is)
  await closed
})

t.test(
  'U48: a request under way holds the stop no longer than it takes, and a QR stream says when to come back',
  async t => {
    const server = await startServer(t, { env: { TIMINGS_REQUEST_FINISH_MS: '60000' } })
    const ann = await server.person()
    const qr = await server.call(ann, 'POST', '/v1/auth/qr', {})
    const waiting = await StreamClient.open(t, `${server.url}/v1/auth/qr/${qr.body.token}/events`, {
      authorization: `Bearer ${ann.token}`
    })
    const request = await begin(server, ann, '/health/live')
    const closed = server.app.close()
    await waiting.ended
    t.equal(waiting.rest, 'retry: 5000')
    t.match(await finish(request), /^HTTP\/1\.1 200 /)
    await closed
  }
)
