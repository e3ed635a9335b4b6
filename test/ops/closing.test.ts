import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import { type Person, startServer, type TestServer } from '../kit/helper.ts'

/** A request whose head has not ended: its connection stays when the server begins to close. */
async function begin({ url }: TestServer, { token }: Person, path: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  await once(socket, 'connect')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n`)
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

t.test('a request that comes while the server closes is refused in the words of its face', async t => {
  const server = await startServer(t)
  const [ann] = (await server.people(1)) as [Person]
  const socket = await server.connect(ann)
  const paths = ['/v1/users/me', '/unified/auth/me', '/health/ready']
  const requests = await Promise.all(paths.map(async path => await begin(server, ann, path)))
  // Whatever was written before is read before.
  await socket.ask('ping')
  const closed = server.app.close()
  await socket.next('drain')
  const [canonical = '', unified = '', health = ''] = await Promise.all(requests.map(finish))
  t.match(canonical, /^HTTP\/1\.1 503 .*retry-after: 1\r\n.*\{"error":\{"code":"draining",.*"retry":"later"/s)
  t.match(unified, /^HTTP\/1\.1 503 .*\{"success":false,"data":null,"error":\{"code":"draining"/s)
  t.match(health, /^HTTP\/1\.1 503 .*\{"status":"draining"\}/s)
  await closed
})
