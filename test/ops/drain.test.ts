import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { ServerProcess, type Somebody } from '../crash/rig.ts'
import { ownDatabase } from '../kit/helper.ts'
import { ask } from '../kit/http.ts'
import { Page } from '../kit/page.ts'
import { SocketClient } from '../kit/socket-client.ts'
import { StreamClient } from '../kit/stream-client.ts'

const ORIGIN = 'https://app.example'
/** Lets a client of long-polling, for which the drain waits, stay away as long as a test needs. */
const PATIENT = { TIMINGS_CLOSE_TIMEOUT_MS: '20000', TIMINGS_HELLO_TIMEOUT_MS: '20000', TIMINGS_DRAIN_RETRY_MS: '300' }

interface Scene {
  readonly server: ServerProcess
  readonly ann: Somebody
  readonly ben: Somebody
  readonly conversationId: string
}

async function openScene(t: Test): Promise<Scene> {
  const server = await ServerProcess.run(t, ownDatabase(t), { CORS_ORIGINS: ORIGIN, ...PATIENT })
  const [ann, ben] = (await server.people(2)) as [Somebody, Somebody]
  const { id } = await server.call(ann, 'POST', '/conversations', { type: 'direct', userId: ben.id })
  return { server, ann, ben, conversationId: id }
}

/** Begins a drain that goes on until it is finished. @returns what finishes it, and answers what the process ends with */
async function beginDrain(server: ServerProcess): Promise<() => ReturnType<ServerProcess['stop']>> {
  const { url } = server
  const polling = `${url}/socket.io/?EIO=4&transport=polling`
  const { text } = await ask(polling, { method: 'GET', headers: {} })
  const { sid } = JSON.parse(text.slice(1))
  const socket = await SocketClient.open(`${url.replace('http', 'ws')}/ws`)
  const ended = server.stop()
  await socket.next('drain')
  return async () => {
    await ask(`${polling}&sid=${sid}`, { method: 'GET', headers: {} })
    return await ended
  }
}

/** A request of a page, on a connection of its own. */
async function askAsPage({ server, ann }: Scene, method: string, path: string, body?: object) {
  const headers = { origin: ORIGIN, authorization: `Bearer ${ann.token}`, 'content-type': 'application/json' }
  const answer = await ask(server.url + path, { method, headers, body: body && JSON.stringify(body) })
  return { ...answer, allowed: answer.headers.get('access-control-allow-origin') }
}

/** A handshake by hand, by a client that leaves the closing to the server. @returns all that it is told */
async function shakeHands(t: Test, { url }: ServerProcess, path: string): Promise<string> {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true })
  t.teardown(() => void socket.destroy())
  const head = ['Host: x', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
  socket.write([`GET ${path} HTTP/1.1`, ...head, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''].join('\r\n'))
  let text = ''
  socket.setEncoding('utf8').on('data', piece => {
    text += piece
  })
  await once(socket, 'end')
  return text
}

t.test(
  'U02 U48: while the last sockets leave, requests are answered and new sockets refused; the stop ends with 0',
  async t => {
    const scene = await openScene(t)
    const { server, conversationId, ben } = scene
    const finish = await beginDrain(server)
    const message = { clientId: 'one', text: 'one' }
    const path = `/v1/conversations/${conversationId}/messages`
    t.match(await askAsPage(scene, 'POST', path, message), { status: 201, allowed: ORIGIN })
    for (const list of ['/v1/conversations', '/unified/conversations', '/chatapp/api/conversations', '/health/live'])
      t.match(await askAsPage(scene, 'GET', list), { status: 200, allowed: ORIGIN }, list)
    t.match(await askAsPage(scene, 'GET', '/health/ready'), { status: 503, text: '{"status":"draining"}' })
    const polling = await askAsPage(scene, 'GET', '/socket.io/?EIO=4&transport=polling')
    t.match(polling, { status: 503, allowed: ORIGIN, text: /^\{"error":\{"code":"draining","message":/ })
    t.equal(polling.headers.get('retry-after'), '1')
    const stream = await StreamClient.open(t, `${server.url}/v1/events`, { authorization: `Bearer ${ben.token}` })
    await stream.hear('ready')
    const refused = /^HTTP\/1\.1 503 .*retry-after: 1\r\n.*"code":"draining"/s
    for (const upgrade of ['/ws', `/ws?token=${ben.token}`, '/socket.io/?EIO=4&transport=websocket'])
      t.match(await shakeHands(t, server, upgrade), refused, upgrade.slice(0, 10))
    t.match(await shakeHands(t, server, '/elsewhere'), /^HTTP\/1\.1 404 /)
    t.equal(await finish(), 0)
    await stream.ended
  }
)

t.test('U05: event streams end last, and pages come back to the next process by themselves', async t => {
  const { server, ann, ben, conversationId } = await openScene(t)
  const urls = ['/v1/events', '/api/sse'].map(path => `${server.url}${path}?token=${ben.token}`)
  const open = async () => await Promise.all(urls.map(async url => await Page.open(t, url)))
  const send = async (text: string) =>
    await server.call(ann, 'POST', `/conversations/${conversationId}/messages`, { clientId: text, text })
  const pages = await open()
  const finish = await beginDrain(server)
  await send('during')
  await Promise.all(pages.map(async page => await page.hear('during')))
  const late = await open()
  const ends = [...pages, ...late].map(async page => await page.end())
  t.equal(await finish(), 0)
  for (const told of await Promise.all(ends)) t.same(told, { code: 4300, reason: 'drain' })
  await server.start()
  await send('after')
  await Promise.all([...pages, ...late].map(async page => await page.hear('after')))
  for (const { texts } of pages) t.same(texts, ['during', 'after'])
})
